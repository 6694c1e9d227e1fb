//! The rooms of the library's two crates, from left to right: a room may use those to its left, and no other.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

/// `say` is for lines to people, from anywhere.
const FORMAT: [&str; 7] = ["say", "model", "environment", "root", "store", "journal", "wire"];
const LIBRARY: [&str; 8] = ["runtime", "graph", "run", "flow", "remote", "testing", "internal", "engines"];

/// The names behind `crate::` in a file, but in comments.
fn used(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines().enumerate().filter(|(_, line)| !line.trim_start().starts_with("//")).flat_map(|(number, line)| {
        // What a macro writes stands where it is called.
        let uses = line.match_indices("crate::").filter(|(at, _)| !line[..*at].ends_with('$'));
        uses.map(move |(at, _)| {
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
    // Public names may stand together.
    let mut groups = text.split("use crate::{").skip(1);
    let is_readable = groups.all(|group| group.starts_with(|c: char| c.is_ascii_uppercase()))
        && !text.contains("use pipex_format::{");
    assert!(is_readable, "{}: a line for each room, so that this can be read", place.display());
    if place.file_name().is_some_and(|name| name.to_string_lossy().ends_with("tests.rs")) {
        return;
    }
    wrong.extend(
        used(text)
            .filter(|(_, name)| !(allowed.contains(name) || name.is_empty() && allowed.contains(&"engines")))
            .map(|(line, name)| format!("{}:{line} uses `{name}`", place.display())),
    );
}

/// What engines know: what everybody does, and how one is registered.
#[test]
fn engines_use_what_is_public_and_the_door_that_is_made_for_them() {
    let engines = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/engines");
    let mut texts = BTreeMap::new();
    modules(&engines, "engines", &mut texts);
    let may = |rest: &str| {
        let public = |c: char| c.is_ascii_uppercase() || c == '{';
        rest.starts_with(public)
            || ["run::engine::", "remote::", "runtime", "engines::"].iter().any(|it| rest.starts_with(it))
    };
    for (module, text) in texts {
        for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            for (at, _) in line.match_indices("crate::").filter(|(at, _)| !line[..*at].ends_with("::")) {
                let rest = &line[at + "crate::".len()..];
                let logs = rest.starts_with("flow::logging::");
                assert!(may(rest) || logs, "{module}: {line}");
            }
        }
    }
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

/// The modules below a place, by their paths, with their texts.
fn modules(place: &Path, path: &str, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(place).unwrap().map(|entry| entry.unwrap().path()) {
        let stem = entry.file_stem().unwrap().to_string_lossy().into_owned();
        let inner = if path.is_empty() { stem.clone() } else { format!("{path}::{stem}") };
        match stem.as_str() {
            _ if entry.is_dir() => modules(&entry, &inner, found),
            "lib" | "guide" => {}
            tests if tests.ends_with("tests") => {}
            "mod" => _ = found.insert(path.to_owned(), fs::read_to_string(&entry).unwrap()),
            _ => _ = found.insert(inner, fs::read_to_string(&entry).unwrap()),
        }
    }
}

/// The modules that a module names, but for those within it.
fn named(module: &str, text: &str, all: &BTreeMap<String, String>) -> BTreeSet<String> {
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let parent = module.rsplit_once("::").map_or("", |(parent, _)| parent);
    let mut named = BTreeSet::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with("//")) {
        for (prefix, base) in [("crate::", ""), ("super::", parent)] {
            for (at, _) in line.match_indices(prefix) {
                let rest = &line[at + prefix.len()..];
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').unwrap_or(rest.len());
                let mut path =
                    if base.is_empty() { rest[..end].to_owned() } else { format!("{base}::{}", &rest[..end]) };
                while !all.contains_key(&path) && path.contains("::") {
                    path.truncate(path.rfind("::").unwrap());
                }
                if all.contains_key(&path) && path != module {
                    named.insert(path);
                }
            }
        }
    }
    named
}

#[test]
fn no_more_than_two_files_name_each_other_in_a_circle() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for name in ["pipex-format", "pipex"] {
        let mut texts = BTreeMap::new();
        modules(&project.join(name).join("src"), "", &mut texts);
        assert!(texts.len() > 30, "{texts:?}");
        let edges: BTreeMap<_, _> = texts.iter().map(|(module, text)| (module, named(module, text, &texts))).collect();
        let reached = |from: &String| {
            let (mut reached, mut open) = (BTreeSet::new(), vec![from]);
            while let Some(module) = open.pop() {
                open.extend(edges[module].iter().filter(|next| reached.insert((*next).clone())));
            }
            reached
        };
        let reached: BTreeMap<_, _> = texts.keys().map(|module| (module, reached(module))).collect();
        for module in texts.keys() {
            let circle: Vec<_> = reached[module].iter().filter(|other| reached[other].contains(module)).collect();
            assert!(circle.len() <= 2, "{circle:?}");
        }
    }
}
