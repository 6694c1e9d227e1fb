// Says: at the names: they are those of the fields
use pipex::{Outputs, task};

#[derive(Outputs)]
struct Split {
    train: Vec<u32>,
    test: Vec<u32>,
}

#[task(target(train = "{path}/train", tset = "{path}/test"))]
fn split() -> Split {
    Split { train: vec![1], test: vec![2] }
}

fn main() {
    let _ = split().submit();
}
