// Says: at the name: there is no such value
use pipex::task;

#[task(memory = rows.len())]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
