// Says: at the return type: a number is no text
use pipex::task;

const TARGET: &str = "{path}/{base}.md";

#[task(target = TARGET)]
fn one() -> u32 {
    1
}

fn main() {}
