//! Gates: tasks wait at them, in whatever process they run, until a test opens them.

use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Command;

/// A FIFO. Whoever opens it to read waits for somebody who opens it to write.
pub struct Gate(PathBuf);

impl Gate {
    pub fn new(path: PathBuf) -> Self {
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        Gate(path)
    }

    /// Lets through who waits, and who comes while what is given back lives.
    #[must_use]
    pub fn open(&self) -> File {
        open(&self.0)
    }
}

/// The same of a gate that another process has made. To read and write, so that nobody is waited for.
pub fn open(path: &Path) -> File {
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

/// Waits until the gate is open.
pub fn wait_at(path: &Path) {
    File::open(path).unwrap();
}
