// Says: at the expression: it is no number
use pipex::task;

#[task(memory = station)]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
