// Says: at the template: the type does not say that it has a text
use pipex::task;

#[task(target = "{path}/{station}")]
fn one(station: impl ToString) -> usize {
    station.to_string().len()
}

fn main() {}
