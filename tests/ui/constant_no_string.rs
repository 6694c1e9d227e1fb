// Says: at the constant's name: it is no string
use pipex::task;

const TARGET: usize = 7;

#[task(target = TARGET)]
fn one() {}

fn main() {}
