// Says: at `const`: to leave it out
#[pipex::main]
const fn main() {}
