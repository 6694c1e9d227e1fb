// Says: at the constant's name: parameters are named in a string
use pipex::task;

const TARGET: &str = "{path}/{station}";

#[task(target = TARGET)]
fn one() {}

fn main() {}
