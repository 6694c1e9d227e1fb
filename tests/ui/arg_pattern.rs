// Says: at the pattern: it needs a name
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg] (seed, rate): (u64, f64)) {}
