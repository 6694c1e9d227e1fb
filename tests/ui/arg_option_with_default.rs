// Says: at the default: there is one already
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg(default = 7)] seed: Option<u64>) {}
