// Says: at the type: a task has to return
use pipex::task;

#[task]
fn one() -> ! {
    panic!()
}

fn main() {}
