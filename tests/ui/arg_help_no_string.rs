// Says: at the value: a string
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg(help = 7)] seed: u64) {}
