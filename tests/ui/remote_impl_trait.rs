use pipex::task;

#[task(remote)]
fn apply(f: impl Fn(u32) -> u32 + Send + Clone + 'static) -> u32 {
    f(1)
}

fn main() {}
