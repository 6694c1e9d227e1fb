// Says: at the second key: given twice
use pipex::flow;

#[flow(path = "a", path = "b")]
fn year() {}

fn main() {}
