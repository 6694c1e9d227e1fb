// Says: at the value: write the path of a function
use pipex::task;

#[task(save = false, load = "read")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
