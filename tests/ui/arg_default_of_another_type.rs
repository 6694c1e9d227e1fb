// Says: at the default: of which type it has to be
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg(default = 7)] rate: f64) {}
