// Says: at `load`: leave it out, or add `save = false`
use pipex::task;

#[task(load = read)]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
