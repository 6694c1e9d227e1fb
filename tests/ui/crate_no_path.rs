// Says: at the value: write a path
use pipex::task;

#[task(crate = "other")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
