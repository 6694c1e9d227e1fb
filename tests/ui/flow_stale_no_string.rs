// Says: at the value: the three there are
use pipex::flow;

#[flow(stale = true)]
fn year() {}

fn main() {}
