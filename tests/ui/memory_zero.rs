// Says: at the text: leave it out
use pipex::task;

#[task(memory = "0GB")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
