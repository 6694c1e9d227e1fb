//! The `pipex` command, as a user meets it: on real files, made by real processes.

mod accepting;
mod budget;
mod causes;
mod changed;
#[path = "../child.rs"]
mod child;
#[cfg(feature = "browser")]
mod chromium;
mod cut;
mod day;
mod format_1;
mod formats;
#[path = "../gate.rs"]
mod gate;
mod grid;
mod keys;
mod killed;
#[cfg(feature = "browser")]
mod measure;
mod mentioned;
mod newer;
mod orphans;
mod outside;
#[cfg(feature = "browser")]
mod page;
mod paths;
mod removing;
mod seen;
mod states;
mod stores;
mod summed;
#[cfg(feature = "watch")]
#[path = "../terminal.rs"]
mod terminal;
mod together;
mod values;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use tempfile::TempDir;

/// A directory in which pipelines run, with a journal of its own.
struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        Desk(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.file(name), text).unwrap();
    }

    /// The one ignored test `name` as another process: a pipeline that runs here.
    fn pipeline(&self, name: &str) -> Command {
        let mut command = child::child(name);
        command.current_dir(self.path());
        for name in ["PIPEX_JOURNAL", "PIPEX_PATH", "PIPEX_ROOT", "PIPEX_STALE", "PIPEX_DRY_RUN"] {
            command.env_remove(name);
        }
        command
    }

    /// The command, called here.
    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pipex"));
        command.current_dir(self.path()).env_remove("PIPEX_JOURNAL").env_remove("PIPEX_ROOT");
        command
    }

    fn pipex(&self, line: &str) -> Output {
        self.command().args(line.split_whitespace()).output().unwrap()
    }

    /// Runs the command, and gives what it says and how it ends.
    fn transcribe(&self, line: &str) -> String {
        let output = self.pipex(line);
        let mut said = format!("$ pipex {line}\n");
        said.push_str(&String::from_utf8_lossy(&output.stdout));
        said.push_str(&String::from_utf8_lossy(&output.stderr));
        if let Some(code @ 1..) = output.status.code() {
            said.push_str(&format!("[{code}]\n"));
        }
        said
    }

    fn json(&self, line: &str) -> serde_json::Value {
        let output = self.pipex(&format!("{line} --json"));
        let said = String::from_utf8_lossy(&output.stdout);
        serde_json::from_str(&said)
            .unwrap_or_else(|error| panic!("{line}: {error}: {said} {}", String::from_utf8_lossy(&output.stderr)))
    }

    /// How each output stands, by their names.
    fn conditions(&self) -> BTreeMap<String, String> {
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let rows = self.json("ls");
        rows.as_array().unwrap().iter().map(|row| (text(&row["target"]), text(&row["condition"]))).collect()
    }

    /// How many outputs of a task function are in this state.
    fn count(&self, task: &str, state: &str) -> u64 {
        let status = self.json("status");
        let row = status.as_array().unwrap().iter().find(|row| row["task"] == task);
        row.map_or(0, |row| row[state].as_u64().unwrap())
    }
}

/// The lines that a pipeline says of itself.
fn lines_of(output: &Output) -> String {
    let text = [&*output.stdout, &*output.stderr].map(String::from_utf8_lossy).concat();
    let is_ours = |line: &&str| {
        // The table at the end of a dry run among them.
        ["pipex: ", "would ", "nothing would ", "the dry run ", "ended "].iter().any(|start| line.starts_with(start))
            || ["  why", "  not there", " changed"].iter().any(|end| line.ends_with(end))
    };
    text.lines().filter(is_ours).map(|line| format!("{line}\n")).collect()
}

/// What is another in each run.
fn steady() -> insta::Settings {
    let mut settings = insta::Settings::clone_current();
    settings.add_filter(r"\d{8}-\d{6}\.\d{3}-([\w-]+?)-\d+(-\d+)?\b *", "[moment]-$1-[process] ");
    settings.add_filter(r" *(\d+ s|\d+ min) ago", " [age]");
    settings.add_filter(r" *\d+\.\d{3} s\b", " [seconds]");
    // How wide a column is goes by what is in it.
    settings.add_filter(r"run +state +ran", "run state ran");
    settings.add_filter(r" +(newest|saved|started|took)\b", " $1");
    settings.add_filter(r"\d{4}-\d{2}-\d{2}T[\d:.]+Z", "[moment]");
    settings.add_filter(r"\b[0-9a-f]{8}\b", "[fingerprint]");
    settings.add_filter(r"\(\S*tests/command/(\w+)\.rs:\d+\)", "(tests/command/$1.rs:[line])");
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    settings
}
