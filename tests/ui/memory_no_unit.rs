// Says: at the text: it has no unit
use pipex::task;

#[task(memory = "4")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
