// Says: at the template: no such field, and those there are
use pipex::task;

#[task(name = "clean {statoin}")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
