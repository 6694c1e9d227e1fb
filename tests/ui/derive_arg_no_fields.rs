// Says: at the struct: it has no fields
#[derive(pipex::Arg)]
struct Inputs;

fn main() {}
