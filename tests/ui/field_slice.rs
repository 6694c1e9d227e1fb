// Says: at the template: slices have no text
use pipex::task;

#[task(target = "{path}/{values}")]
fn one(values: &[f64]) -> f64 {
    values.iter().sum()
}

fn main() {}
