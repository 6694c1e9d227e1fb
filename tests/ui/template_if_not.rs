// Says: at the template: read as a negation
use pipex::task;

#[task(target = "{path}/{{ if note }}x{{ endif }}")]
fn one(note: u32) -> u32 {
    note
}

fn main() {}
