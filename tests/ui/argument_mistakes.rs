// Says: every mistake, each at its place
use pipex::task;

#[task(targets = "a", save = 1, retries = -1, timeout = "soon")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
