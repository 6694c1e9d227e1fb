// Says: at the template: the brace is not closed
use pipex::task;

#[task(target = "{path}/{station")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
