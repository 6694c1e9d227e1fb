// Says: at the pattern: name it
use pipex::task;

#[task]
fn one(_: u32) -> u32 {
    1
}

fn main() {}
