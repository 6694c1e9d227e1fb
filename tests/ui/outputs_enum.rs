// Says: at the enum: derive it for a struct
#[derive(pipex::Outputs)]
enum Split {
    Train(Vec<u32>),
    Test(Vec<u32>),
}

fn main() {}
