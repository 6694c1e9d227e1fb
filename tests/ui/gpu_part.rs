// Says: at the number: write a whole one
use pipex::task;

#[task(gpu = 0.5)]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
