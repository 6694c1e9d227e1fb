// Says: at the struct: name the fields, or return a tuple
#[derive(pipex::Outputs)]
struct Split(Vec<u32>, Vec<u32>);

fn main() {}
