// Says: at the second: put all into one
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg] #[arg(default = 7)] seed: u64) {}
