// Says: at the block: it has no end
use pipex::task;

#[task(target = "{path}/{{ if month }}{month}")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
