// Says: at the value: the three there are
use pipex::task;

#[task(stale = "always")]
fn one(station: &str) -> u32 {
    station.len() as u32
}

fn main() {}
