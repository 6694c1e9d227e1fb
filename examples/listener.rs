//! Somebody who is told what runs: a line of JSON for each task run that has ended, behind those of earlier runs.
//! `PIPEX=cache cargo run --example listener`, twice, then look at `out/listener/runs.jsonl`.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use pipex::{Config, Reporter, TaskRun, flow, task};
use serde_json::json;

struct RunLog(File);

impl RunLog {
    fn open(path: &Path) -> io::Result<Self> {
        fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
        Ok(RunLog(File::options().create(true).append(true).open(path)?))
    }
}

impl Reporter for RunLog {
    fn task_run(&self, run: &TaskRun<'_>) {
        let line = json!({
            "run": run.name(),
            "state": run.state,
            "seconds": run.elapsed.as_secs_f64(),
            "target": run.target.map(ToString::to_string),
            "error": run.error.map(ToString::to_string),
        });
        // One write a line, so that those of other threads and processes stay apart. Without the log the work goes on.
        if let Err(error) = (&self.0).write_all(format!("{line}\n").as_bytes()) {
            eprintln!("a line of the log of runs is missing: {error}");
        }
    }
}

#[task(target = "{path}/{station}.json")]
fn measure(station: &str) -> Result<f64, String> {
    match station {
        "ATL" => Err("no such station".to_owned()),
        _ => Ok(station.bytes().map(f64::from).sum::<f64>() / 10.0),
    }
}

#[flow(path = "out/listener")]
fn survey() -> usize {
    let measured = ["EWR", "JFK", "ATL"].map(|station| measure(station).submit());
    measured.iter().filter(|measured| measured.load().is_ok()).count()
}

#[pipex::main]
fn main() -> io::Result<()> {
    let log = RunLog::open(Path::new("out/listener/runs.jsonl"))?;
    let measured = Config::new().reporter(log).scope(survey);
    println!("{measured} stations were measured");
    Ok(())
}
