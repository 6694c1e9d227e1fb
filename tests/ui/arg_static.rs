// Says: at the lifetime: it does not live as long
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg] station: &'static str) {}
