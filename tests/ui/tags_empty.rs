// Says: at the tag: it needs a name
use pipex::task;

#[task(tags = ["database", ""])]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
