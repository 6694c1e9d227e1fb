// Says: at the attribute: write `#[target]`
use std::path::Path;

use pipex::task;

#[task(save = false)]
fn one(#[target = "{path}/plot.svg"] to: &Path) -> std::io::Result<()> {
    std::fs::write(to, "1")
}

fn main() {}
