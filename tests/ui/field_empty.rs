// Says: at the template: a field needs a name
use pipex::task;

#[task(target = "{path}/{}")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
