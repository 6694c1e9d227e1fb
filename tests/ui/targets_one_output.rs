// Says: at the return type: a `Vec` is not several outputs, and what to return
use pipex::task;

#[task(target(first = "{path}/first", second = "{path}/second"))]
fn two() -> Vec<u32> {
    vec![1, 2]
}

fn main() {}
