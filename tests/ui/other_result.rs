// Says: at the return type: a type called `Result` has to be that of the standard library
use pipex::task;

struct Result<T>(T);

#[task]
fn one() -> Result<u32> {
    Result(1)
}

fn main() {}
