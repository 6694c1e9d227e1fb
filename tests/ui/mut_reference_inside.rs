// Says: at the `&mut`: take it by value, and return it
use pipex::task;

#[task]
fn one(values: Option<&mut Vec<u32>>) -> bool {
    values.is_some()
}

fn main() {}
