// Says: at the key: nothing is tried again
use pipex::task;

#[task(retry_delay = "5s")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
