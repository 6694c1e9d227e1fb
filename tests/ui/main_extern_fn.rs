// Says: at `extern`: to write a Rust function
#[pipex::main]
extern "C" fn main() {}
