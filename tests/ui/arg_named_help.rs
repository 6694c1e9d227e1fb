// Says: at the name: what `--help` is
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg] help: bool) {}
