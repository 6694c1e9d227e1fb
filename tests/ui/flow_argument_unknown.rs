// Says: at the key: no such argument, and those there are
use pipex::flow;

#[flow(target = "out")]
fn year() {}

fn main() {}
