// Says: at the mark: what it needs
use pipex::flow;

#[flow]
fn orders(#[arg] seed: u64) {}

fn main() {}
