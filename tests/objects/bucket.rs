//! A place in a bucket of the server that `tests/objects/run` has started.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use pipex::Location;
use pipex::store::{Files, Listing};
use tempfile::TempDir;

use crate::child::child;

pub fn set(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run tests/objects/run"))
}

/// The variable that says where the server is.
pub fn endpoint() -> &'static str {
    if set("PIPEX_TESTS_BUCKET").starts_with("az") { "AZURITE_BLOB_STORAGE_URL" } else { "AWS_ENDPOINT" }
}

/// Whether the server honours this condition.
pub fn honours(condition: &str) -> bool {
    set("PIPEX_TESTS_CONDITIONS").split(' ').any(|honoured| honoured == condition)
}

/// A path in the bucket that nobody else uses.
pub struct Place(pub String);

impl Place {
    pub fn new() -> Self {
        static PLACES: AtomicU32 = AtomicU32::new(0);
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        Place(format!("{}/{}-{number}", set("PIPEX_TESTS_BUCKET"), std::process::id()))
    }

    pub fn target(&self, name: &str) -> Location {
        Location::new(format!("{}/{name}", self.0))
    }

    /// What is there, by its name, without claims.
    pub fn objects(&self) -> Vec<String> {
        let mut objects = Vec::new();
        let prefix = format!("{}/", self.0);
        Files.list(&prefix, &mut |target| objects.push(target.as_str().replace(&prefix, ""))).unwrap();
        objects.sort();
        objects
    }

    pub fn payload(&self, name: &str) -> Vec<u8> {
        Files.payload(&self.target(name)).unwrap()
    }
}

/// A machine of its own, as far as claims are concerned: processes of one share a directory for temporary files.
pub struct Machine(TempDir);

impl Machine {
    pub fn new() -> Self {
        Machine(tempfile::tempdir().unwrap())
    }

    /// The one ignored test `name` as a process here, with outputs at this place.
    pub fn child(&self, name: &str, place: &Place) -> Command {
        let mut command = child(name);
        command
            .env("PIPEX_PATH", &place.0)
            .env("PIPEX_JOURNAL", "off")
            .env("PIPEX_LEASE", "2")
            .env("XDG_CACHE_HOME", self.path().join("cache"))
            .env("TMPDIR", self.path());
        command.stdout(Stdio::piped());
        command
    }

    /// The same in a project that has a journal, which is kept on this machine.
    pub fn child_of_project(&self, name: &str, place: &Place) -> Command {
        std::fs::create_dir_all(self.path().join(".pipex")).unwrap();
        let mut command = self.child(name, place);
        command.env_remove("PIPEX_JOURNAL").current_dir(self.path());
        command
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

/// What lines of these processes say behind `word`, and how often.
pub fn count(outputs: &[String], word: &str) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for line in outputs.iter().flat_map(|said| said.lines()) {
        if let Some((_, said)) = line.split_once(word) {
            *counts.entry(said.trim().to_owned()).or_default() += 1;
        }
    }
    counts
}
