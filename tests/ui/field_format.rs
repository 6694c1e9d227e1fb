// Says: at the template: an `f64` has no hexadecimal format
use pipex::task;

#[task(target = "{path}/{rate:x}")]
fn one(rate: f64) {}

fn main() {}
