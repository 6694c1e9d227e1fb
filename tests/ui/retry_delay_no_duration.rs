// Says: at the value: a duration is numbers with units
use pipex::task;

#[task(retry_delay = "5 parsecs")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
