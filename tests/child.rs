//! Tests that are processes of their own.

use std::process::Command;

/// This very test program as another process, in mode `cache`, which runs the one ignored test `name` and nothing else.
pub fn child(name: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", name, "--ignored", "--nocapture", "--test-threads=1"]);
    command.env("PIPEX", "cache").env_remove("RUST_BACKTRACE");
    command
}
