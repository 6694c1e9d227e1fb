// Says: at the value: true or false
use pipex::flow;

#[flow(fail_fast = 1)]
fn one() {}

fn main() {}
