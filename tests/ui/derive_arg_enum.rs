// Says: at the enum: put it into a field of a struct
use pipex::Output;

#[derive(pipex::Arg)]
enum Inputs {
    One(Output<u32>),
    None,
}

fn main() {}
