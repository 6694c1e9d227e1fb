// Says: at the template: there are no arguments
use pipex::task;

#[task(target = "{path}/{args}")]
fn one() {}

fn main() {}
