// Says: at the value: write a path
use pipex::flow;

#[flow(crate = "other")]
fn year() {}

fn main() {}
