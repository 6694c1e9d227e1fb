// Says: at `unsafe`: write a safe function
use pipex::task;

#[task]
unsafe fn one() -> u32 {
    1
}

fn main() {}
