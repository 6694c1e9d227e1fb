// Says: at the template: it is more than a parameter and its fields
use pipex::task;

#[task(target = "{path}/{month.to_string()}")]
fn one(month: u32) {}

fn main() {}
