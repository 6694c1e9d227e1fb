// Says: at the text: write a number and a unit
use pipex::task;

#[task(memory = "4 gigs")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
