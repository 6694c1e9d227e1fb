// Says: at the template: no such formatter
use pipex::task;

#[task(target = "{path}/{station | upper}")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
