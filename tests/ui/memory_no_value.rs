// Says: at the key: it needs a value
use pipex::task;

#[task(memory)]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
