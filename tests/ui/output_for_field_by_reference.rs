// Says: at the argument: a template names the parameter, so it takes a value
use pipex::task;

#[task]
fn one() -> String {
    "EWR".to_owned()
}

#[task(target = "{path}/{station}")]
fn two(station: &str) -> usize {
    station.len()
}

fn main() {
    let station = one().submit();
    let _ = two(station).submit();
}
