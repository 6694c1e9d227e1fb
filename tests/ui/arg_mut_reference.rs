// Says: at `mut`: nobody sees what is written there
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg] seed: &mut u64) {}
