// Says: at the value: a string
use pipex::task;

#[task(version = 2)]
fn one(station: &str) -> u32 {
    station.len() as u32
}

fn main() {}
