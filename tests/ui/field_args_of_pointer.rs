// Says: at the template: the address of a function is another in each process
use pipex::task;

#[task(target = "{path}/{args}")]
fn one(function: fn(u32) -> u32) -> u32 {
    function(1)
}

fn main() {}
