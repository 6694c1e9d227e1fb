// Says: at the attribute: where it goes
#[pipex::main]
struct Program;

fn main() {}
