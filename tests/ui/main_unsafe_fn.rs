// Says: at `unsafe`: how it is safe
#[pipex::main]
unsafe fn main() {}
