// Says: at the parameter's type: `PathBuf` does not implement `Display`
use std::path::PathBuf;

use pipex::task;

#[task(target = "{path}/{csv}")]
fn one(csv: PathBuf) -> bool {
    csv.exists()
}

fn main() {}
