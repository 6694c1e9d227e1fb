// Says: at `#[target]`: leave it out, or say `save = false`
use std::path::Path;

use pipex::task;

#[task]
fn one(#[target] to: &Path) -> std::io::Result<()> {
    std::fs::write(to, "1")
}

fn main() {}
