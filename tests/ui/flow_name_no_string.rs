// Says: at the value: write a string
use pipex::flow;

#[flow(name = year)]
fn year() {}

fn main() {}
