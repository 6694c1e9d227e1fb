// Says: at the value: 1 or more
use pipex::task;

#[task(retries = 2, retry_delay = exponential("1s", factor = 0.5))]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
