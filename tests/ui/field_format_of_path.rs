// Says: at the template: only parameters have a format
use pipex::task;

#[task(target = "{path}/{path:>9}")]
fn one(month: u32) {}

fn main() {}
