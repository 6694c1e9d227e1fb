//! One user, one day.

use std::fs;
use std::path::Path;

use pipex::{Output, SqliteStore, flow, task};
use serde::{Deserialize, Serialize};

use crate::{Desk, lines_of, steady};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Reading {
    hour: u8,
    celsius: f64,
}

#[task(target = "{path}/read/{station}")]
fn read(from: &Path, station: &str) -> Result<Vec<Reading>, Box<dyn std::error::Error + Send + Sync>> {
    let text = fs::read_to_string(from.join(format!("{station}.txt")))?;
    let reading = |(hour, line): (usize, &str)| Ok(Reading { hour: hour as u8, celsius: line.trim().parse()? });
    text.lines().enumerate().map(reading).collect()
}

#[task(target = "{station}", store = SqliteStore::new("out/means.sqlite"))]
fn mean(readings: Vec<Reading>, station: &str) -> f64 {
    let _ = station;
    readings.iter().map(|reading| reading.celsius).sum::<f64>() / readings.len() as f64
}

#[task(target = "{path}/report.json")]
fn report(means: Vec<f64>) -> Vec<f64> {
    means
}

/// In the morning, and in the afternoon: each with its own `clean`, which is the same function to pipex, changed.
mod morning {
    use super::*;

    pub fn clean(readings: Output<Vec<Reading>>, station: &str, most: f64) -> Output<Vec<Reading>> {
        #[task(target = "{path}/clean/{station}.json")]
        fn clean(readings: Vec<Reading>, station: &str, most: f64) -> Vec<Reading> {
            let _ = station;
            readings.into_iter().filter(|reading| reading.celsius <= most).collect()
        }
        clean(readings, station.to_owned(), most).submit()
    }

    pub fn changed(readings: Output<Vec<Reading>>, station: &str, most: f64) -> Output<Vec<Reading>> {
        #[task(target = "{path}/clean/{station}.json")]
        fn clean(readings: Vec<Reading>, station: &str, most: f64) -> Vec<Reading> {
            let _ = station;
            readings.into_iter().filter(|reading| reading.celsius < most && reading.celsius > -most).collect()
        }
        clean(readings, station.to_owned(), most).submit()
    }

    pub fn logging(readings: Output<Vec<Reading>>, station: &str, most: f64) -> Output<Vec<Reading>> {
        #[task(target = "{path}/clean/{station}.json")]
        fn clean(readings: Vec<Reading>, station: &str, most: f64) -> Vec<Reading> {
            println!("cleaning {station}");
            readings.into_iter().filter(|reading| reading.celsius < most && reading.celsius > -most).collect()
        }
        clean(readings, station.to_owned(), most).submit()
    }
}

#[flow(path = "out")]
fn day(version: &str) -> pipex::Result<Vec<f64>> {
    let clean = match version {
        "morning" => morning::clean,
        "logging" => morning::logging,
        _ => morning::changed,
    };
    let mut means = Vec::new();
    for station in ["EWR", "JFK", "LGA"] {
        let readings = read("data".as_ref() as &Path, station).base(station).run();
        // One station's mistake is not the others'.
        let Ok(readings) = readings else { continue };
        means.push(mean(clean(readings, station, 40.0), station.to_owned()).submit());
    }
    report(means).run()?.load()
}

#[test]
#[ignore = "the pipeline of the test below"]
fn pipeline() {
    #[pipex::main]
    fn main() -> pipex::Result<()> {
        println!();
        let means = day(&std::env::var("VERSION").unwrap())?;
        println!("ended with {} means", means.len());
        Ok(())
    }
    if let Err(error) = main() {
        println!("ended with an error: {error}");
    }
}

#[test]
fn a_day() {
    let desk = Desk::new();
    let mut told = String::new();
    let run = |version: &str, told: &mut String| {
        let ended = desk.pipeline("day::pipeline").env("VERSION", version).output().unwrap();
        told.push_str(&format!("$ PIPEX=cache ./{version}\n{}", lines_of(&ended)));
    };
    macro_rules! pipex {
        ($($line:literal),*) => { $(told.push_str(&desk.transcribe($line));)* };
    }
    // A run, and a failure.
    fs::create_dir(desk.file("data")).unwrap();
    desk.write("data/EWR.txt", "3\n20\n50\n");
    desk.write("data/JFK.txt", "4\nno\n");
    desk.write("data/LGA.txt", "-45\n5\n6\n");
    run("morning", &mut told);
    pipex!("status", "why out/read/JFK", "ls --failed");
    // Fixed.
    desk.write("data/JFK.txt", "4\n22\n");
    run("morning", &mut told);
    pipex!("status");
    // Looked at: bincode, JSON, and a row of a database.
    pipex!(
        "show out/read/EWR",
        "show out/clean/EWR.json",
        "show EWR",
        "ls out/clean",
        "graph",
        "graph EWR --format dot"
    );
    // One is deleted, and comes back as it was.
    pipex!("rm out/clean/EWR.json", "rm out/clean/EWR.json --yes", "why out/clean/EWR.json");
    run("morning", &mut told);
    pipex!("why out/clean/EWR.json");
    // A step is changed: what it made is stale, and all that follows would be.
    run("afternoon", &mut told);
    pipex!("status", "diff out/clean/LGA.json", "rm --stale --downstream --dry-run", "rm --stale --downstream --yes");
    run("afternoon", &mut told);
    pipex!("status");
    // Only a line for the log.
    run("logging", &mut told);
    pipex!("ls --stale", "accept --stale --dry-run", "accept --stale", "accept --stale --yes", "status");
    run("logging", &mut told);
    pipex!("why out/clean/LGA.json", "runs", "gc");
    steady().bind(|| insta::assert_snapshot!("day", told));
}

#[test]
fn a_dry_run_says_what_would_run_and_why_and_writes_nothing() {
    let desk = Desk::new();
    fs::create_dir(desk.file("data")).unwrap();
    ["EWR", "JFK", "LGA"].iter().for_each(|station| desk.write(&format!("data/{station}.txt"), "3\n20\n-40"));
    let mut told = String::new();
    let mut run = |version: &str, stale: &str, dry: &str| {
        let mut pipeline = desk.pipeline("day::pipeline");
        let pipeline = pipeline.env("VERSION", version).env("PIPEX_STALE", stale).env("PIPEX_DRY_RUN", dry);
        let ended = pipeline.output().unwrap();
        assert!(ended.status.success(), "it ends well, also where it cannot go on: {ended:?}");
        told.push_str(&format!(
            "$ PIPEX=cache PIPEX_STALE={stale} PIPEX_DRY_RUN={dry} ./{version}\n{}",
            lines_of(&ended)
        ));
    };
    run("morning", "warn", "list");
    assert_eq!(fs::read_dir(desk.path()).unwrap().count(), 1, "nothing but the data");
    run("morning", "warn", "0");
    run("morning", "warn", "1");
    run("afternoon", "warn", "1");
    run("afternoon", "rerun", "1");
    run("afternoon", "rerun", "0");
    run("afternoon", "rerun", "1");
    steady().bind(|| insta::assert_snapshot!("dry_run", told));
}
