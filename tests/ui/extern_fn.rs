// Says: at `extern`: write a Rust function that calls this one
use pipex::task;

#[task]
extern "C" fn one() -> u32 {
    1
}

fn main() {}
