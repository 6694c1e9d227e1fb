// Says: at the parameters: the argument has to go to where the task runs
use std::rc::Rc;

use pipex::task;

#[task]
fn one(count: Rc<u32>) -> u32 {
    *count
}

fn main() {}
