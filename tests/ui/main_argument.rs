// Says: at the argument: there are none
#[pipex::main(workers = 2)]
fn main() {}
