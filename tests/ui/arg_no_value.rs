// Says: at the key: it needs a value
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg(default)] seed: u64) {}
