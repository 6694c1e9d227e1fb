//! Where outputs are: a directory, or a place in the bucket of the server that `tests/objects/run` has started. Both are promised the same.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use pipex::Location;
use pipex::store::{Files, Listing as _, sweep};
use tempfile::TempDir;

use crate::child::child;
use crate::support::files;

/// A variable of the tests, if it is set.
pub fn set_or_not(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// One that has to be.
pub fn set(name: &str) -> String {
    set_or_not(name).unwrap_or_else(|| panic!("{name} is not set: run tests/objects/run"))
}

/// One that nobody else uses.
pub enum Place {
    Directory(TempDir),
    /// Its URL.
    Bucket(String),
}

impl Place {
    pub fn new() -> Self {
        static PLACES: AtomicU32 = AtomicU32::new(0);
        let number = PLACES.fetch_add(1, Ordering::Relaxed);
        match set_or_not("PIPEX_TESTS_BUCKET") {
            Some(bucket) => Place::Bucket(format!("{bucket}/{}-{number}", std::process::id())),
            None => Place::Directory(tempfile::tempdir().unwrap()),
        }
    }

    /// As `PIPEX_PATH` has it.
    pub fn path(&self) -> &str {
        match self {
            Place::Directory(directory) => directory.path().to_str().unwrap(),
            Place::Bucket(url) => url,
        }
    }

    /// How many it shall be: objects take requests.
    pub fn choose<T>(&self, files: T, objects: T) -> T {
        if let Place::Directory(_) = self { files } else { objects }
    }

    pub fn target(&self, name: &str) -> Location {
        Location::new(format!("{}/{name}", self.path()))
    }

    /// What was made, by its name.
    pub fn outputs(&self) -> Vec<String> {
        let mut outputs = match self {
            Place::Directory(directory) => files(directory.path()),
            Place::Bucket(url) => {
                let (prefix, mut objects) = (format!("{url}/"), Vec::new());
                Files.list(&prefix, &mut |target| objects.push(target.as_str().replace(&prefix, ""))).unwrap();
                objects
            }
        };
        outputs.retain(|name| !name.contains(".pipex-"));
        outputs.sort();
        outputs
    }

    /// What else is there: the claims that are held, and all that was left of them.
    pub fn claims(&self) -> Vec<String> {
        let mut all = match self {
            Place::Directory(directory) => files(directory.path()),
            Place::Bucket(url) => keys(url, "object"),
        };
        all.retain(|name| name.contains(".pipex-"));
        all
    }

    pub fn payload(&self, name: &str) -> Vec<u8> {
        Files.payload(&self.target(name)).unwrap()
    }

    /// What killed processes of this machine have left in this directory goes, or would go.
    pub fn sweep(&self, directory: &str, dry_run: bool) -> Vec<String> {
        let mut swept = Vec::new();
        let path = Path::new(self.path()).join(directory);
        sweep(&path, dry_run, &mut |left| swept.push(left.unwrap().path.to_str().unwrap().to_owned())).unwrap();
        // What a machine has of a bucket, it has for all of its places.
        swept.retain(|left| left.starts_with(self.path()));
        swept
    }
}

/// All of this kind that the server has there, as it says itself.
pub fn keys(url: &str, kind: &str) -> Vec<String> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/objects/server.py");
    let listed = Command::new(set("PIPEX_TESTS_PYTHON")).arg(script).args(["keys", url]).output().unwrap();
    assert!(listed.status.success(), "{}", String::from_utf8_lossy(&listed.stderr));
    let listed = String::from_utf8(listed.stdout).unwrap();
    listed.lines().filter_map(|line| line.strip_prefix(kind)).map(|key| key.trim_start().to_owned()).collect()
}

/// Whether the server honours this condition; a file system does.
pub fn honours(condition: &str) -> bool {
    set_or_not("PIPEX_TESTS_CONDITIONS").is_none_or(|honoured| honoured.split(' ').any(|it| it == condition))
}

/// A machine, as far as the claims on objects are concerned: processes of one share a directory for temporary files.
pub struct Machine {
    home: TempDir,
    is_this: bool,
}

impl Machine {
    /// One of its own.
    pub fn new() -> Self {
        Machine { home: tempfile::tempdir().unwrap(), is_this: false }
    }

    /// That of this process.
    pub fn this() -> Self {
        Machine { is_this: true, ..Self::new() }
    }

    /// The one ignored test `name` as a process here, with outputs at this place.
    pub fn child(&self, name: &str, place: &Place) -> Command {
        let mut command = child(name);
        command
            .env("PIPEX_PATH", place.path())
            .env("PIPEX_JOURNAL", "off")
            .env("PIPEX_LEASE", "2")
            .env("PIPEX_QUIET", "1")
            .env("XDG_CACHE_HOME", self.path().join("cache"));
        if !self.is_this {
            command.env("TMPDIR", self.path());
        }
        command.stdout(Stdio::piped());
        command
    }

    pub fn path(&self) -> &Path {
        self.home.path()
    }
}

/// What these processes have said when they have ended.
pub fn ended(children: Vec<Child>) -> Vec<String> {
    let outputs = children.into_iter().map(|child| child.wait_with_output().unwrap());
    outputs
        .map(|output| {
            assert!(output.status.success());
            String::from_utf8(output.stdout).unwrap()
        })
        .collect()
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
