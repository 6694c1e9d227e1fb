//! A pipeline as users write it, with everything in it.

use std::fs;
use std::path::{Path, PathBuf};

use pipex::{Mode, flow, task};
use serde::{Deserialize, Serialize};

use crate::support::Bench;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    station: String,
    month: u32,
    celsius: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Summary {
    readings: usize,
    mean: f64,
}

#[task]
fn load(csv: PathBuf, station: String, month: u32) -> Result<Vec<Reading>, csv::Error> {
    let readings = csv::Reader::from_path(csv)?.into_deserialize().collect::<Result<Vec<Reading>, _>>()?;
    Ok(readings.into_iter().filter(|reading| reading.station == station && reading.month == month).collect())
}

#[task(
    target = "{path}/clean/{station}-{month}.json",
    name = "clean {station} {month}",
    retries = 2,
    retry_delay = "5s",
    timeout = "10m"
)]
fn clean(readings: Vec<Reading>, station: &str, month: u32) -> Vec<Reading> {
    assert!(readings.iter().all(|reading| reading.station == station && reading.month == month));
    readings.into_iter().filter(|reading| reading.celsius < 60.0).collect()
}

#[task]
fn summarise(cleaned: Vec<Vec<Reading>>) -> Summary {
    let all: Vec<f64> = cleaned.iter().flatten().map(|reading| reading.celsius).collect();
    Summary { readings: all.len(), mean: all.iter().sum::<f64>() / all.len() as f64 }
}

#[task(save = false, target = "{path}/plots/{base}.svg")]
fn plot(readings: &[Reading], #[target] to: &Path) -> std::io::Result<()> {
    fs::write(to, format!("<svg><!-- {} readings --></svg>", readings.len()))
}

#[flow(path = out)]
fn year(csv: PathBuf, out: &Path) -> pipex::Result<Summary> {
    let mut cleaned = Vec::new();
    for station in ["EWR", "JFK", "LGA"] {
        for month in 1..=12 {
            let raw = load(csv.clone(), station, month).base(format!("{station}-{month}")).submit();
            plot(raw.clone()).run()?;
            cleaned.push(clean(raw, station, month).submit());
        }
    }
    summarise(cleaned).base("2013").run()?.load()
}

#[test]
fn a_year_in_every_mode() {
    let csv = Bench::new();
    let readings = ["EWR", "JFK", "LGA"].into_iter().flat_map(|station| {
        (1..=12).flat_map(move |month| [20.0, 22.0, 99.0].map(|celsius| format!("{station},{month},{celsius}\n")))
    });
    fs::write(csv.file("year.csv"), "station,month,celsius\n".to_owned() + &readings.collect::<String>()).unwrap();

    for mode in [Mode::DoNothing, Mode::Cache, Mode::Cache] {
        let bench = Bench::new();
        let run = || bench.config(mode).scope(|| year(csv.file("year.csv"), bench.path())).unwrap();
        assert_eq!(run(), Summary { readings: 72, mean: 21.0 });
        assert_eq!(bench.files().len(), if mode.caches() { 3 * 36 + 1 } else { 36 });
        assert_eq!(bench.ran().len(), if mode.caches() { 3 * 36 + 1 } else { 0 });
        run();
        assert_eq!(bench.ran(), [""; 0]);
    }
}
