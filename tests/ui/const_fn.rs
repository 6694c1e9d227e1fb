// Says: at `const`: leave it out
use pipex::task;

#[task]
const fn one() -> u32 {
    1
}

fn main() {}
