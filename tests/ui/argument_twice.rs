// Says: at the second key: given twice
use pipex::task;

#[task(retries = 1, retries = 2)]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
