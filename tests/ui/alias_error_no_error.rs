// Says: at the return type: the error of the `Result` that it stands for has to be one
use pipex::task;

struct Failed;

type Checked<T> = Result<T, Failed>;

#[task]
fn one() -> Checked<u32> {
    Err(Failed)
}

fn main() {}
