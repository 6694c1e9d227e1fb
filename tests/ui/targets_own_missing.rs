// Says: at the name: the function takes a `#[target]` for it
use std::path::Path;

use pipex::task;

#[task(save = false, target(index = "{path}/index", data = "{path}/data"))]
fn write(#[target] index: &Path) -> std::io::Result<()> {
    std::fs::write(index, "")
}

fn main() {}
