// Says: at the error: it has to be an error that can be sent and shared
use pipex::task;

struct Failed;

#[task]
fn one() -> Result<u32, Failed> {
    Err(Failed)
}

fn main() {}
