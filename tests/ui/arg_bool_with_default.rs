// Says: at the default: what a flag without a value is
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg(default = true)] dry: bool) {}
