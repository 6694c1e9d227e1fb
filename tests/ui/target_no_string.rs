// Says: at the value: write a string
use pipex::task;

#[task(target = format!("{path}"))]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
