// Says: at the number: write how many of what
use pipex::task;

#[task(memory = -1)]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
