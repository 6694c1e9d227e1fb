// Says: at the value: write a number
use pipex::task;

#[task(retries = "2")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
