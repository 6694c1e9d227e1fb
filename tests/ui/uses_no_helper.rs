// Says: at the name: there is no module of it, since it lacks `#[helper]`
use pipex::task;

fn limit() -> u32 {
    7
}

#[task(uses(limit))]
fn one(station: &str) -> u32 {
    station.len() as u32 + limit()
}

fn main() {}
