// Says: at the function: what there is
use pipex::task;

#[task(retries = 2, retry_delay = fibonacci("1s"))]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
