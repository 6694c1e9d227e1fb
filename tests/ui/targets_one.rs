// Says: at the name: write `target = ".."`
use pipex::task;

#[task(target(all = "{path}/all"))]
fn one() -> u32 {
    1
}

fn main() {}
