// Says: at the number: 1 or more
use pipex::task;

#[task(threads = -4)]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
