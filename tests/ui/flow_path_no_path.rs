// Says: at the value: it is no path
use pipex::flow;

#[flow(path = 7)]
fn year() {}

fn main() {}
