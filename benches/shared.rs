//! What it costs to take outputs that a team shares, as ratios to what copies them.
//!
//! As in `floor.rs`, the two in turn. `BENCH_PATH` says where the files are to be, such as `/dev/shm`.

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::Command;

use pipex::{Config, Mode, Shared, flow, task};
use quick::rounds;
use ratio::{head, ratio};
use xxhash_rust::xxh3::xxh3_128;

mod quick;
mod ratio;

/// As many outputs as the weather example has, and of the same size on average.
const DAYS: u32 = 733;
const STATIONS: [&str; 3] = ["EWR", "JFK", "LGA"];

#[task(target = "{path}/{station}/{day}")]
fn day(station: &str, day: u32) -> Vec<f64> {
    let _ = station;
    vec![f64::from(day); 610]
}

#[flow(path = "out")]
fn days() -> pipex::Result<()> {
    for station in STATIONS {
        for number in 0..DAYS {
            black_box(day(station, number).run()?);
        }
    }
    Ok(())
}

/// A checkout with these outputs shared. What was made goes to another name, since removing it would slow down what comes next.
fn check_out(shared: Shared, name: &str) {
    Config::new().mode(Mode::Cache).journal("out/.pipex").shared(shared).quiet(true).scope(days).unwrap();
    fs::rename("out", name).unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

fn main() {
    #[allow(clippy::disallowed_methods, reason = "where it measures")]
    let within = std::env::var_os("BENCH_PATH").map_or_else(std::env::temp_dir, PathBuf::from);
    let out = tempfile::tempdir_in(within).unwrap();
    // What is shared has its name from the root of the project, which is where the program is started.
    std::env::set_current_dir(out.path()).unwrap();
    check_out(Shared::new("shared"), "made");
    let read_only = || Shared::new("shared").read_only();
    let count = DAYS * STATIONS.len() as u32;
    head();
    ratio(
        "2,199 shared outputs of 5 KB, taken by a clean checkout / `cp -r`",
        "",
        rounds(15),
        count,
        |round| check_out(read_only(), &format!("taken-{round}")),
        |round| {
            let to = format!("copied-{round}");
            assert!(Command::new("cp").args(["-r", "shared", &to]).status().unwrap().success());
        },
    );
    let shared = files(Path::new("shared"));
    ratio(
        "the same / each read, checked, written beside its place and renamed",
        "",
        rounds(15),
        count,
        |round| check_out(read_only(), &format!("taken-again-{round}")),
        |round| {
            for file in &shared {
                let to = Path::new(&format!("renamed-{round}")).join(file);
                let bytes = fs::read(file).unwrap();
                black_box(xxh3_128(&bytes));
                let draft = to.with_extension("draft");
                if fs::write(&draft, &bytes).is_err() {
                    fs::create_dir_all(to.parent().unwrap()).unwrap();
                    fs::write(&draft, &bytes).unwrap();
                }
                fs::rename(draft, to).unwrap();
            }
        },
    );
}
