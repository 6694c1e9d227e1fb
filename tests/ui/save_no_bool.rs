// Says: at the value: write true or false
use pipex::task;

#[task(save = "false")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
