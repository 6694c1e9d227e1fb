// Says: at the template: it is more than a name
use pipex::task;

#[task(target = "{path}/{month:02}")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
