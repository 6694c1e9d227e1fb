// Says: at the template: it is empty
use pipex::task;

#[task(target = "")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
