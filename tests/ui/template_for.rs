// Says: at the template: there is no block `for`
use pipex::task;

#[task(target = "{path}/{{ for c in station }}{c}{{ endfor }}")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
