// Says: at the borrow: it does not live as long as a submitted call may; in the note: what to pass instead
use pipex::task;

#[task]
fn one(station: &str) -> usize {
    station.len()
}

fn main() {
    let station = String::from("EWR");
    let _ = one(&station).submit();
}
