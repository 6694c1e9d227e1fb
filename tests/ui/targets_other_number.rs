// Says: at the return type: there are two targets and three values
use pipex::task;

#[task(target(first = "{path}/first", second = "{path}/second"))]
fn three() -> (u32, u32, u32) {
    (1, 2, 3)
}

fn main() {}
