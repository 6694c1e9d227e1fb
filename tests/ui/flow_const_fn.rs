// Says: at `const`: leave it out
use pipex::flow;

#[flow]
const fn year() {}

fn main() {}
