// Says: at `unsafe`: write a safe function
use pipex::flow;

#[flow]
unsafe fn year() {}

fn main() {}
