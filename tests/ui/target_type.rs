// Says: at the type: it is `&Path`
use std::path::PathBuf;

use pipex::task;

#[task(save = false)]
fn one(#[target] to: PathBuf) -> std::io::Result<()> {
    std::fs::write(to, "1")
}

fn main() {}
