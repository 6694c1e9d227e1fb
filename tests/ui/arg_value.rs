// Says: at the mark: how it is written
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg = 7] seed: u64) {}
