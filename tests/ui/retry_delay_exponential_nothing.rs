// Says: at the call: the first delay
use pipex::task;

#[task(retries = 2, retry_delay = exponential())]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
