//! The server that `tests/objects/run` has started.

use std::fs;
use std::process::Command;

use crate::place::{Machine, Place, keys, set};

/// The variable that says where it is.
pub fn endpoint() -> &'static str {
    if set("PIPEX_TESTS_BUCKET").starts_with("az") { "AZURITE_BLOB_STORAGE_URL" } else { "AWS_ENDPOINT" }
}

/// What is being uploaded in parts, or was left of it.
pub fn uploads(place: &Place) -> Vec<String> {
    keys(place.path(), "upload")
}

/// The one ignored test `name` as a process of a project that has a journal, which is kept on this machine.
pub fn child_of_project(machine: &Machine, name: &str, place: &Place) -> Command {
    fs::create_dir_all(machine.path().join(".pipex")).unwrap();
    let mut command = machine.child(name, place);
    command.env_remove("PIPEX_JOURNAL").current_dir(machine.path());
    command
}
