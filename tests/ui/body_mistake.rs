// Says: at the body, as in any function
use pipex::task;

#[task]
fn one(station: &str, month: u32) -> u32 {
    station + month
}

fn main() {}
