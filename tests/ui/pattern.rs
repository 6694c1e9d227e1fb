// Says: at the pattern: name it, and take it apart inside
use pipex::task;

#[task]
fn one((a, b): (u32, u32)) -> u32 {
    a + b
}

fn main() {}
