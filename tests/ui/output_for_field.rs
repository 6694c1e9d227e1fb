// Says: at the argument: a template names the parameter, so it takes a value
use pipex::task;

#[task]
fn one() -> u32 {
    1
}

#[task(target = "{path}/{month}")]
fn two(month: u32) -> u32 {
    month
}

fn main() {
    let month = one().submit();
    let _ = two(month).submit();
}
