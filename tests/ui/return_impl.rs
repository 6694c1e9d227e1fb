// Says: at the type: write the type, or `Box<dyn Trait + Send + Sync>`
use pipex::task;

#[task]
fn one() -> impl ToString {
    1
}

fn main() {}
