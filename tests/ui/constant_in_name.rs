// Says: at the constant's name: there is no such field
use pipex::task;

mod names {
    pub const OF_RUNS: &str = "clean {statoin}";
}

#[task(name = names::OF_RUNS)]
fn one() {}

fn main() {}
