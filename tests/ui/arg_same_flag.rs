// Says: at the second name: another has this flag
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg] seed: u64, #[arg] _seed: u64) {}
