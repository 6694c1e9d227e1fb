// Says: at the parameter: write the types
#[derive(pipex::Outputs)]
struct Split<T> {
    train: Vec<T>,
    test: Vec<T>,
}

fn main() {}
