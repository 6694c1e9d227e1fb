// Says: it goes on a function
use pipex::task;

#[task]
struct Station;

fn main() {}
