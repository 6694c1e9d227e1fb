// Says: at the parameter: there is no such output
use std::path::Path;

use pipex::task;

#[task(save = false, target(index = "{path}/index", data = "{path}/data"))]
fn write(#[target] index: &Path, #[target] data: &Path, #[target] more: &Path) -> std::io::Result<()> {
    std::fs::write(index, "")?;
    std::fs::write(data, "")?;
    std::fs::write(more, "")
}

fn main() {}
