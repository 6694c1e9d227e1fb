// Says: at the template: the block is not closed (what tinytemplate says)
use pipex::task;

#[task(target = "{path}/{{ if month }}{month}")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
