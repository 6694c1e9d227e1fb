// Says: at the method: put it on a method of an `impl`, or on a free function
use pipex::flow;

trait Pipeline {
    #[flow]
    fn year(&self) -> u32;
}

fn main() {}
