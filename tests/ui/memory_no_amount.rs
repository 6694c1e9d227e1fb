// Says: at the value: write an amount
use pipex::task;

#[task(memory = true)]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
