//! Tables that Rust writes and Python reads, and the other way. `tests/parquet/run` has Python and the `pipex` command for it.

#![allow(clippy::disallowed_methods, reason = "they read what they are told by variables of their own")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use pipex::store::arrow_array::{Int64Array, RecordBatch};
use pipex::store::{Arrow, Files, Listing, Parquet, Rows};
use pipex::{Config, FileStore, Location, Mode, flow, task};
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Sky {
    Clear,
    Cloudy,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Place {
    latitude: f64,
    longitude: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    station: String,
    celsius: Option<f64>,
    count: u64,
    sky: Sky,
    gusts: Vec<i16>,
    place: Place,
}

fn make_readings() -> Vec<Reading> {
    let reading = |station: &str, celsius, count, sky, gusts: &[i16]| Reading {
        station: station.to_owned(),
        celsius,
        count,
        sky,
        gusts: gusts.to_vec(),
        place: Place { latitude: 40.7, longitude: -74.2 },
    };
    vec![
        reading("EWR", Some(1.5), u64::MAX, Sky::Clear, &[1, 2]),
        reading("JFK", None, 0, Sky::Cloudy, &[]),
        reading("ä", Some(-0.25), 7, Sky::Clear, &[-3]),
    ]
}

#[task(target = "{path}/readings.parquet")]
fn readings() -> Vec<Reading> {
    make_readings()
}

#[task(target = "{path}/readings.arrow")]
fn in_arrow(readings: &[Reading]) -> Vec<Reading> {
    readings.to_vec()
}

#[task(target = "{path}/readings.feather", store = FileStore::new().codec(Rows(Arrow)))]
fn in_feather(readings: &[Reading]) -> Vec<Reading> {
    readings.to_vec()
}

#[task(target = "{path}/joined.parquet", store = FileStore::new().codec(Parquet.snappy().row_group(2)))]
fn joined(readings: &[Reading], more: i64) -> RecordBatch {
    let column = Int64Array::from_iter(0..readings.len() as i64 + more);
    RecordBatch::try_from_iter([("number", Arc::new(column) as Arc<_>)]).unwrap()
}

#[task(target = "{path}/celsius.json")]
fn sum(readings: &[Reading]) -> f64 {
    readings.iter().filter_map(|reading| reading.celsius).sum()
}

#[flow(stale = "rerun")]
fn tables() -> pipex::Result<f64> {
    let readings = readings().submit();
    in_arrow(readings.clone()).submit();
    in_feather(readings.clone()).submit();
    joined(readings.clone(), 2).submit();
    sum(readings).run()?.load()
}

/// The same, which takes what somebody has edited.
#[flow(stale = "ignore")]
fn taken() -> pipex::Result<[Vec<Reading>; 3]> {
    let readings = readings().run()?;
    Ok([readings.load()?, in_arrow(readings.clone()).run()?.load()?, in_feather(readings).run()?.load()?])
}

struct Out(TempDir);

impl Out {
    fn new() -> Self {
        Out(tempfile::tempdir().unwrap())
    }

    fn scope<T>(&self, body: impl FnOnce() -> T) -> T {
        let journal = self.0.path().join(".pipex");
        Config::new().mode(Mode::Cache).path(self.0.path()).journal(journal).quiet(true).scope(body)
    }

    fn made_by(&self, name: &str) -> Option<String> {
        let location = Location::new(self.0.path().join(name).to_str().unwrap());
        Files.entry(&location).unwrap().unwrap().made.map(|made| made.task)
    }

    fn python(&self, command: &str) -> String {
        run(Command::new(python()).args(["tests/parquet/tables.py", command]).arg(self.0.path()))
    }

    fn pipex(&self, arguments: &[&str]) -> String {
        let command = std::env::var_os("PIPEX_TESTS_COMMAND").expect("tests/parquet/run says where pipex is");
        run(Command::new(command).current_dir(self.0.path()).args(arguments))
    }
}

fn python() -> std::ffi::OsString {
    std::env::var_os("PIPEX_TESTS_PYTHON").expect("tests/parquet/run says where Python is")
}

fn run(command: &mut Command) -> String {
    if command.get_current_dir().is_none() {
        command.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    }
    let output = command.output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    // With 3 the command says that something is not as it should be.
    assert!(matches!(output.status.code(), Some(0 | 3)), "{command:?}: {stdout}{stderr}");
    stdout.into_owned()
}

#[test]
fn python_reads_what_rust_writes_and_what_made_it() {
    let out = Out::new();
    assert_eq!(out.scope(tables).unwrap(), 1.25);
    let notes: serde_json::Value = serde_json::from_str(&out.python("read")).unwrap();
    for (name, task) in [
        ("readings.parquet", "readings"),
        ("readings.arrow", "in_arrow"),
        ("readings.feather", "in_feather"),
        ("joined.parquet", "joined"),
    ] {
        let note = &notes[name];
        assert_eq!(note["task"], format!("parquet::{task}"), "{name}: {note}");
        assert_eq!(note["bytes"], fs::metadata(out.0.path().join(name)).unwrap().len(), "{name}");
        assert_eq!(out.made_by(name).unwrap(), note["task"].as_str().unwrap());
    }
    assert_eq!(notes["joined.parquet"]["type"], "arrow_array::record_batch::RecordBatch");
    assert!(notes["readings.parquet"]["shape"].as_str().unwrap().starts_with("[Reading{station,celsius,"));
    // Readers have left them as they were.
    assert_eq!(out.scope(taken).unwrap(), [make_readings(), make_readings(), make_readings()]);
}

#[test]
fn rust_reads_what_python_writes_in_its_place_and_says_that_it_is_edited() {
    let out = Out::new();
    out.scope(tables).unwrap();
    out.python("write");
    let mut warmer = make_readings();
    warmer.iter_mut().for_each(|reading| reading.celsius = reading.celsius.map(|celsius| celsius + 1.0));
    assert_eq!(out.scope(taken).unwrap(), [warmer.clone(), warmer.clone(), warmer]);
    for name in ["readings.parquet", "readings.arrow", "readings.feather"] {
        assert_eq!(out.made_by(name), None, "{name}");
        assert!(out.pipex(&["why", name]).contains("edited"), "{name}");
    }
    // A page that is damaged is told.
    let path = out.0.path().join("readings.parquet");
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.windows(3).position(|window| window == b"EWR").unwrap();
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let error = format!("{:?}", out.scope(taken).unwrap_err());
    assert!(error.contains("readings.parquet cannot be read as parquet") && error.contains("CRC"), "{error}");
    // What is edited is stale.
    assert_eq!(out.scope(tables).unwrap(), 1.25);
    assert_eq!(out.scope(taken).unwrap()[0], make_readings());
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Narrow {
    station: String,
    celsius: Option<f64>,
    count: u64,
}

#[task(target = "{path}/{base}.parquet")]
fn narrow() -> Vec<Narrow> {
    unreachable!("it is there")
}

#[test]
fn what_pandas_and_duckdb_write_is_taken() {
    for program in ["pandas", "duckdb"] {
        let out = Out::new();
        let path = out.0.path().join("table.parquet");
        run(Command::new(python()).args(["tests/parquet/tables.py", "by"]).arg(&path).arg(program));
        let rows = out.scope(|| narrow().base("table").run()?.load()).unwrap();
        let expected = [("EWR", Some(1.5), 1), ("JFK", None, 2), ("ä", Some(-0.25), 3)];
        let expected = expected.map(|(station, celsius, count)| Narrow { station: station.to_owned(), celsius, count });
        assert_eq!(rows, expected, "{program}");
    }
}

#[test]
fn the_command_shows_tables_and_what_made_them() {
    let out = Out::new();
    out.scope(tables).unwrap();
    // With another time it is not what the journal says, and says itself what made it.
    let path = out.0.path().join("readings.parquet");
    fs::write(&path, fs::read(&path).unwrap()).unwrap();
    assert!(!out.pipex(&["status"]).contains("edited"));
    let shown = out.pipex(&["show", "readings.parquet"]);
    let expected = "station  celsius                 count  sky     gusts  place\n\
                    EWR          1.5  18446744073709551615  Clear   [1,2]  {\"latitude\":40.7,\"longitude\":-74.2}\n\
                    JFK                                  0  Cloudy  []     {\"latitude\":40.7,\"longitude\":-74.2}\n\
                    ä          -0.25                     7  Clear   [-3]   {\"latitude\":40.7,\"longitude\":-74.2}\n";
    assert_eq!(shown, expected);
    assert_eq!(out.pipex(&["show", "readings.arrow"]), expected);
    // What is no table is no mistake.
    fs::write(out.0.path().join("readings.feather"), "some bytes").unwrap();
    assert_eq!(out.pipex(&["show", "readings.feather"]), "");
    let json: serde_json::Value = serde_json::from_str(&out.pipex(&["show", "--json", "joined.parquet"])).unwrap();
    assert_eq!(json["content"][4]["number"], 4);
    assert_eq!(json["type"], "arrow_array::record_batch::RecordBatch");
}
