// Says: at the template: there is no such format, with what there is
use pipex::task;

#[task(target = "{path}/{rate:02q}")]
fn one(rate: f64) {}

fn main() {}
