// Says: at the type: one that can be named
use pipex::flow;

#[pipex::main]
#[flow]
fn orders(#[arg] seed: impl std::fmt::Display) {}
