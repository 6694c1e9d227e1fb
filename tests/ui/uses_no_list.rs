// Says: at the value: how it is written
use pipex::task;

#[task(uses = "helper")]
fn one(station: &str) -> u32 {
    station.len() as u32
}

fn main() {}
