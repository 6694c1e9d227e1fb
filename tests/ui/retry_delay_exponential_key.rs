// Says: at the argument: what there is
use pipex::task;

#[task(retries = 2, retry_delay = exponential("1s", base = 2))]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
