//! What the tests share.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use pipex::{Config, Executor, Mode, Ready, Reporter, State, TaskRun};
use tempfile::TempDir;

use crate::place::Place;

/// A place for outputs, and a list of the task runs that ended within its scopes.
pub struct Bench {
    pub place: Place,
    /// Where the journal is: not among the outputs.
    journal: TempDir,
    runs: Runs,
}

#[derive(Clone, Default)]
struct Runs(Arc<Mutex<Vec<(&'static str, State)>>>);

impl Reporter for Runs {
    fn task_run(&self, run: &TaskRun<'_>) {
        self.0.lock().unwrap().push((run.task.funcname, run.state));
    }
}

impl Bench {
    pub fn new() -> Self {
        Bench { place: Place::new(), journal: tempfile::tempdir().unwrap(), runs: Runs::default() }
    }

    pub fn path(&self) -> &Path {
        Path::new(self.place.path())
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    pub fn config(&self, mode: Mode) -> Config {
        Config::new().mode(mode).path(self.path()).journal(self.journal()).reporter(self.runs.clone()).quiet(true)
    }

    pub fn journal(&self) -> PathBuf {
        self.journal.path().join(".pipex")
    }

    /// Runs `body` in mode `cache`.
    pub fn cache<T>(&self, body: impl FnOnce() -> T) -> T {
        self.config(Mode::Cache).scope(body)
    }

    /// The task functions that ran since the last question, in the order in which they ended.
    pub fn ran(&self) -> Vec<&'static str> {
        let runs = std::mem::take(&mut *self.runs.0.lock().unwrap());
        runs.into_iter().filter(|(_, state)| *state == State::Completed).map(|(name, _)| name).collect()
    }

    /// All task runs since the last question, in the order in which they ended.
    pub fn states(&self) -> Vec<(&'static str, State)> {
        std::mem::take(&mut *self.runs.0.lock().unwrap())
    }

    /// Every file below the directory, hidden ones too, by its path within it.
    pub fn files(&self) -> Vec<String> {
        let mut files = files(self.path());
        files.sort();
        files
    }
}

/// Comes to its end only where a runtime drives timers.
pub async fn await_a_timer() {
    tokio::time::timeout(Duration::from_millis(1), std::future::pending::<()>()).await.unwrap_err();
}

/// Keeps all that it is given, and runs nothing.
#[derive(Clone, Default)]
pub struct Shelf(pub Arc<Mutex<Vec<Ready>>>);

impl Executor for Shelf {
    fn submit(&self, ready: Ready) {
        self.0.lock().unwrap().push(ready);
    }
}

/// Every file below `root`, by its path within it.
pub fn files(root: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut directories = vec![root.to_owned()];
    while let Some(directory) = directories.pop() {
        let Ok(entries) = fs::read_dir(directory) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                directories.push(path);
            } else {
                found.push(path.strip_prefix(root).unwrap().to_string_lossy().into_owned());
            }
        }
    }
    found
}

/// The one ignored test `name` as another process, whose outputs are in `out`.
pub fn child(name: &str, out: &Path) -> Command {
    let mut command = crate::child::child(name);
    command.env("PIPEX_PATH", out).env("PIPEX_JOURNAL", "off");
    command
}
