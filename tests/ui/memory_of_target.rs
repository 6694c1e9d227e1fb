// Says: at the name: it is where the function writes
use std::path::Path;

use pipex::task;

#[task(save = false, memory = to.as_os_str().len())]
fn plot(#[target] to: &Path) -> std::io::Result<()> {
    std::fs::write(to, "")
}

fn main() {}
