// Says: at `store`: with `save = false` nothing is stored
use pipex::task;

#[task(store = pipex::FileStore::new(), save = false)]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
