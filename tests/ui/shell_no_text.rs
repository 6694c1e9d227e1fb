// Says: at what stands there: that the command is a text
use std::path::Path;

use pipex::{ShellError, task};

#[task(save = false)]
fn sort(command: String, #[target] to: &Path) -> Result<(), ShellError> {
    pipex::shell!(command)
}

fn main() {}
