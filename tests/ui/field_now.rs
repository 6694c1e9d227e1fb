// Says: at the template: no such field, and those of `now`
use pipex::task;

#[task(target = "{path}/{now.week}")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
