// Says: at the constant's name: blocks stand in a string
use pipex::task;

const TARGET: &str = "{path}/{{ if base }}{base}{{ endif }}";

#[task(target = TARGET)]
fn one() {}

fn main() {}
