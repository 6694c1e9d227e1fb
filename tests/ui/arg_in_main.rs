// Says: at the name: the flow needs one of its own

#[pipex::main]
#[pipex::flow]
fn main(#[arg] seed: u64) {}
