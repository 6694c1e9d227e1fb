// Says: at the second `#[target]`: mark one parameter
use std::path::Path;

use pipex::task;

#[task(save = false)]
fn one(#[target] to: &Path, #[target] also: &Path) -> std::io::Result<()> {
    std::fs::copy(to, also).map(drop)
}

fn main() {}
