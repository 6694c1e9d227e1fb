// Says: at the first template: each output has a name
use pipex::task;

#[task(target("{path}/first", "{path}/second"))]
fn two() -> (u32, u32) {
    (1, 2)
}

fn main() {}
