// Says: at the type: take it by value, and return it
use pipex::task;

#[task]
fn one(values: &mut Vec<u32>) -> usize {
    values.len()
}

fn main() {}
