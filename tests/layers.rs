//! The rooms of the library's two crates, from left to right: a room may use those to its left, and no other.

use std::fs;
use std::path::Path;

/// `say` is for lines to people, from anywhere.
const FORMAT: [&str; 6] = ["say", "model", "environment", "store", "journal", "wire"];
const LIBRARY: [&str; 8] = ["runtime", "graph", "run", "flow", "remote", "testing", "internal", "engines"];

/// The names behind `crate::` in a file, but in comments.
fn used(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")).flat_map(|(number, line)| {
        line.match_indices("crate::").map(move |(at, _)| {
            let name = &line[at + "crate::".len()..];
            (number + 1, &name[..name.find(|c: char| !c.is_ascii_lowercase() && c != '_').unwrap_or(name.len())])
        })
    })
}

fn check(place: &Path, allowed: &[&str], wrong: &mut Vec<String>) {
    if place.is_dir() {
        fs::read_dir(place).unwrap().for_each(|entry| check(&entry.unwrap().path(), allowed, wrong));
        return;
    }
    let text = fs::read_to_string(place).unwrap();
    // Unit tests may build what they test from anything.
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let is_readable = !text.contains("use crate::{") && !text.contains("use pipex_format::{");
    assert!(is_readable, "{}: a line for each room, so that this can be read", place.display());
    if place.file_name().is_some_and(|name| name.to_string_lossy().ends_with("tests.rs")) {
        return;
    }
    wrong.extend(
        used(text)
            .filter(|(_, name)| !allowed.contains(name))
            .map(|(line, name)| format!("{}:{line} uses `{name}`", place.display())),
    );
}

#[test]
fn a_room_uses_those_to_its_left_only() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut wrong = Vec::new();
    for (name, rooms) in [("pipex-format", &FORMAT[..]), ("pipex", &LIBRARY[..])] {
        let source = project.join(name).join("src");
        for (number, room) in rooms.iter().enumerate() {
            let file = source.join(format!("{room}.rs"));
            let place = if file.exists() { file } else { source.join(room) };
            assert!(place.exists(), "{}", place.display());
            check(&place, &rooms[..=number], &mut wrong);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
