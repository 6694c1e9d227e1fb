// Says: at the argument: the parameter takes another type
use pipex::task;

#[task]
fn one(month: u32) -> u32 {
    month
}

fn main() {
    let _ = one("July").submit();
}
