// Says: at the template: it is the target that the template gives
use std::path::Path;

use pipex::task;

#[task(save = false, target = "{path}/{to}")]
fn one(#[target] to: &Path) -> std::io::Result<()> {
    std::fs::write(to, "1")
}

fn main() {}
