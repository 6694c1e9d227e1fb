// Says: at `extern`: write a Rust function that calls this one
use pipex::flow;

#[flow]
extern "C" fn year() {}

fn main() {}
