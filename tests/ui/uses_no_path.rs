// Says: at the call: the name of a helper
use pipex::task;

#[task(uses(helper()))]
fn one(station: &str) -> u32 {
    station.len() as u32
}

fn main() {}
