// Says: at the borrow: it does not live as long as a lazy call may; in the note: what to pass instead
use pipex::task;

#[task]
fn one(values: &[f64]) -> f64 {
    values.iter().sum()
}

fn main() {
    let values = vec![1.0];
    let _ = one(&values).lazy();
}
