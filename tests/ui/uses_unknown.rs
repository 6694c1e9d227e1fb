// Says: at the name: that there is nothing of this name
use pipex::task;

#[task(uses(limit))]
fn one(station: &str) -> u32 {
    station.len() as u32
}

fn main() {}
