// Says: at the second `#[target]`: several outputs are named in `target(..)`
use std::path::Path;

use pipex::task;

#[task(save = false)]
fn one(#[target] to: &Path, #[target] also: &Path) -> std::io::Result<()> {
    std::fs::copy(to, also).map(drop)
}

fn main() {}
