// Says: at `load`: leave it out
use std::path::Path;

use pipex::task;

#[task(save = false, load = std::fs::read, target(index = "{path}/index", data = "{path}/data"))]
fn write(#[target] index: &Path, #[target] data: &Path) -> std::io::Result<()> {
    std::fs::write(index, "")?;
    std::fs::write(data, "")
}

fn main() {}
