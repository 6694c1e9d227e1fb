// Says: at the item: a duration is numbers with units
use pipex::task;

#[task(retries = 2, retry_delay = ["1s", "soon"])]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
