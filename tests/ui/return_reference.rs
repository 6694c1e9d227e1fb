// Says: at the type: the output must be owned
use pipex::task;

#[task]
fn one(station: &str) -> &str {
    station
}

fn main() {}
