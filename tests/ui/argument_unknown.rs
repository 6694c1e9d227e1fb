// Says: at the key: no such argument, and those there are
use pipex::task;

#[task(targets = "{path}/{base}")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
