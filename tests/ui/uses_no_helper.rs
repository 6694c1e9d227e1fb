// Says: at the name: to mark it with `#[helper]`
use pipex::task;

fn limit() -> u32 {
    7
}

#[task(uses(limit))]
fn one(station: &str) -> u32 {
    station.len() as u32 + limit()
}

fn main() {}
