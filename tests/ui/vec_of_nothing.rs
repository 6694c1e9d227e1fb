// Says: at the vector: its type has to be said
use pipex::task;

#[task]
fn sum(numbers: Vec<u32>) -> u32 {
    numbers.into_iter().sum()
}

fn main() {
    // An empty vector may be one of numbers or of outputs: `Vec::<u32>::new()` says it.
    let _ = sum(vec![]);
}
