use pipex::task;

#[task(remote = "yes")]
fn one() -> u32 {
    1
}

fn main() {}
