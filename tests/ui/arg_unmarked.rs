// Says: at the parameter: what makes it a flag
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg] seed: u64, rate: f64) {}
