// Says: at the attribute: put `cfg` on two versions of the function
use pipex::task;

#[task]
fn one(#[cfg_attr(unix, allow(unused))] a: u32) -> u32 {
    1
}

fn main() {}
