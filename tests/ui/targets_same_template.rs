// Says: at the second template: each output has a place of its own
use pipex::task;

#[task(target(first = "{path}/one", second = "{path}/one"))]
fn two() -> (u32, u32) {
    (1, 2)
}

fn main() {}
