// Says: at the task: what it gives cannot be shared between threads
use std::cell::Cell;

use pipex::task;

#[task(save = false)]
fn count() -> Cell<u32> {
    Cell::new(1)
}

fn main() {}
