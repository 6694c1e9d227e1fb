// Says: at the key: which there are
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg(short)] seed: u64) {}
