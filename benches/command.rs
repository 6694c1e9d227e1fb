//! What `pipex status` costs, as a ratio to a bare look at each target.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use pipex::{Config, Mode, flow, task};
use quick::{quick, rounds};
use ratio::{head, ratio};

mod quick;
mod ratio;

#[task(target = "{path}/{tens}/{number}")]
fn one(tens: u32, number: u32) -> u32 {
    tens * number
}

/// A hundred directories of outputs.
#[flow(path = path)]
fn many(path: &Path, count: u32) -> pipex::Result<()> {
    (0..count).try_for_each(|number| one(number % 100, number).run().map(drop))
}

fn main() {
    let count = if quick() { 100 } else { 100_000 };
    let out = tempfile::tempdir().unwrap();
    let journal = out.path().join(".pipex");
    let run = || {
        let config = Config::new().mode(Mode::Cache).journal(&journal);
        config.scope(|| many(&out.path().join("out"), count)).unwrap();
    };
    run();
    // What a day leaves: runs in which nothing ran.
    (0..5).for_each(|_| run());
    let paths: Vec<PathBuf> =
        (0..count).map(|number| out.path().join(format!("out/{}/{number}", number % 100))).collect();
    head();
    ratio(
        "`pipex status` of 100,000 targets, five runs after they were made / 100,000 `fs::metadata`",
        "< 20 us each",
        rounds(5),
        count,
        |_| {
            let mut command = Command::new(env!("CARGO_BIN_EXE_pipex"));
            let status = command.arg("status").current_dir(out.path()).stdout(Stdio::null()).status().unwrap();
            assert!(status.success());
        },
        |_| paths.iter().for_each(|path| _ = black_box(fs::metadata(path).unwrap())),
    );
    let after_six = peak(out.path());
    (0..if quick() { 1 } else { 20 }).for_each(|_| run());
    println!("\nmost memory: {after_six} kB after 6 runs, {} kB after 26", peak(out.path()));
}

/// The most memory that `pipex status` had, in kB.
fn peak(directory: &Path) -> u64 {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pipex"));
    let mut status = command.arg("status").current_dir(directory).stdout(Stdio::null()).spawn().unwrap();
    let mut peak = 0;
    while status.try_wait().unwrap().is_none() {
        let said = fs::read_to_string(format!("/proc/{}/status", status.id())).unwrap_or_default();
        let line = said.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(peak);
    }
    peak
}
