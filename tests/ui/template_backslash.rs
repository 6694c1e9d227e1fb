// Says: at the template: a `\` at the end escapes nothing
use pipex::task;

#[task(target = "{path}/station\\")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
