// Says: at the template: no such field
use pipex::task;

#[task(target = "{path}/{env.A.B}")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
