// Says: at the list: at least one
use pipex::task;

#[task(retries = 2, retry_delay = [])]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
