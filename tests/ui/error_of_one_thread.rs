// Says: at the error: what to write
use std::error::Error;

use pipex::task;

#[task]
fn one() -> Result<u32, Box<dyn Error>> {
    Ok("1".parse()?)
}

fn main() {}
