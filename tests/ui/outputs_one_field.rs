// Says: at the struct: return what is in the field
#[derive(pipex::Outputs)]
struct Split {
    train: Vec<u32>,
}

fn main() {}
