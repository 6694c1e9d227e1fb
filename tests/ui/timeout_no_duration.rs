// Says: at the value: write a duration
use pipex::task;

#[task(timeout = 1.5)]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
