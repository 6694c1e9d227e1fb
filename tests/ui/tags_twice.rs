// Says: at the second: it is there twice
use pipex::task;

#[task(tags = ["database", "database"])]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
