// Says: at the second name: each output has its own
use pipex::task;

#[task(target(first = "{path}/first", first = "{path}/second"))]
fn two() -> (u32, u32) {
    (1, 2)
}

fn main() {}
