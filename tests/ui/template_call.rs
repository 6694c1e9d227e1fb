// Says: at the template: there is no block `call`
use pipex::task;

#[task(target = "{{ call other with station }}")]
fn one(station: &str, month: u32) -> u32 {
    station.len() as u32 + month
}

fn main() {}
