// Says: at the constant's name: there are no arguments
use pipex::task;

const TARGET: &str = "{path}/{args}";

#[task(target = TARGET)]
fn one() {}

fn main() {}
