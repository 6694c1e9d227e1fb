// Says: it goes on a function
use pipex::flow;

#[flow]
struct Year;

fn main() {}
