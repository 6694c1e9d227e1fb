// Says: at the method: put it on a method of an `impl`, or on a free function
use pipex::task;

trait Model {
    #[task]
    fn one(&self) -> u32;
}

fn main() {}
