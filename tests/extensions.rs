//! What the end of a target's name says: a text is a text, and what cannot be written there is told before it is made.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use pipex::{Mode, State, flow, task};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::support::Bench;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    station: String,
    celsius: f64,
}

#[task(target = "{path}/readings.jsonl")]
fn readings() -> Vec<Reading> {
    ["EWR", "JFK"].map(|station| Reading { station: station.to_owned(), celsius: 1.5 }).into()
}

#[task(target = "{path}/report.md")]
fn report(readings: &[Reading]) -> Result<String, std::fmt::Error> {
    Ok(readings.iter().map(|reading| format!("- {}: {}\n", reading.station, reading.celsius)).collect())
}

#[task(target = "{path}/pixels.png")]
fn picture(report: &str) -> Vec<u8> {
    vec![0x89, report.len() as u8]
}

/// Its reader takes the text's path.
#[task(target = "{path}/size.json")]
fn size(report: &str, file: &Path) -> (usize, bool) {
    (report.len(), file.as_os_str().is_empty())
}

#[flow]
fn reported() -> pipex::Result<(String, Vec<u8>)> {
    let report = report(readings().submit()).submit();
    let picture = picture(report.clone()).submit();
    size(report.clone(), Path::new("")).submit();
    Ok((report.load()?, picture.load()?))
}

const REPORT: &str = "- EWR: 1.5\n- JFK: 1.5\n";

#[test]
fn texts_and_bytes_are_written_as_they_are_in_every_mode() {
    for mode in [Mode::DoNothing, Mode::Cache, Mode::Prefect, Mode::PrefectCache] {
        let bench = Bench::new();
        let run = || bench.config(mode).scope(reported).unwrap();
        let expected = (REPORT.to_owned(), vec![0x89, 22]);
        assert_eq!(run(), expected, "{mode:?}");
        if !matches!(mode, Mode::Cache | Mode::PrefectCache) {
            assert_eq!(bench.files(), [""; 0]);
            continue;
        }
        assert_eq!(fs::read_to_string(bench.file("report.md")).unwrap(), REPORT);
        assert_eq!(fs::read(bench.file("pixels.png")).unwrap(), [0x89, 22]);
        let lines = "{\"station\":\"EWR\",\"celsius\":1.5}\n{\"station\":\"JFK\",\"celsius\":1.5}\n";
        assert_eq!(fs::read_to_string(bench.file("readings.jsonl")).unwrap(), lines);
        bench.states();
        assert_eq!(run(), expected, "{mode:?}");
        assert!(bench.states().iter().all(|(_, state)| *state == State::Cached), "{mode:?}");

        // An edit is told, and what somebody writes there is read as it is.
        fs::write(bench.file("report.md"), "mine").unwrap();
        assert_eq!(run().0, "mine");
        fs::remove_file(bench.file("report.md")).unwrap();
        assert_eq!(run(), expected);
        assert_eq!(bench.ran(), ["report"], "{mode:?}");
    }
}

#[task(target = "{path}/log.txt")]
fn log(lines: usize) -> String {
    "line\n".repeat(lines)
}

#[test]
fn an_empty_text_is_one() {
    let bench = Bench::new();
    for ran in [&["log"][..], &[]] {
        assert_eq!(bench.cache(|| log(0).run()).unwrap().load().unwrap(), "");
        assert_eq!(bench.ran(), ran);
        assert_eq!(bench.files(), ["log.txt"]);
    }
}

#[task(target = "{path}/{base}")]
fn numbers(count: u64) -> Vec<u64> {
    (0..count).collect()
}

/// What a generic function gives is known where it is called.
#[task(target = "{path}/{base}.md")]
fn generic<T: Serialize + DeserializeOwned + Send + Sync + 'static>(value: T) -> T {
    value
}

struct Station(&'static str);

impl Station {
    #[task(target = "{path}/method.md")]
    fn describe(&self) -> String {
        format!("# {}\n", self.0)
    }
}

#[task(target = "{path}/counts.csv")]
fn counts() -> HashMap<String, u64> {
    HashMap::from([("EWR".to_owned(), 7)])
}

#[test]
fn what_cannot_be_written_there_is_told_before_anything_runs() {
    for mode in [Mode::Cache, Mode::PrefectCache] {
        let bench = Bench::new();
        let told = |error: pipex::Error| format!("{error:?}");
        bench.config(mode).scope(|| {
            for base in ["plot.png", "notes.md", "notes.md.zst"] {
                let error = told(numbers(3).base(base).run().unwrap_err());
                let name = bench.file(base).display().to_string();
                assert!(error.contains(&format!("{name} takes ")) && error.contains("`#[target]`"), "{error}");
                assert!(!told(numbers(3).base(base).submit().load().unwrap_err()).is_empty());
            }
            let error = told(generic(3_u64).base("number").run().unwrap_err());
            assert!(error.contains("number.md takes a text (a `String`) or bytes (a `Vec<u8>`), and `u64` is none"));
            let error = told(counts().run().unwrap_err());
            assert!(
                error.contains("counts.csv takes a vector of structs") && error.contains("end the target in .json")
            );
        });
        assert_eq!((bench.ran(), bench.files()), (Vec::new(), Vec::new()), "{mode:?}");
        let texts = bench.config(mode).scope(|| -> pipex::Result<_> {
            let texts =
                [generic("# text".to_owned()).base("generic").run()?.load()?, Station("EWR").describe().run()?.load()?];
            numbers(3).base("EWR.2013").run()?;
            Ok(texts)
        });
        assert_eq!(texts.unwrap(), ["# text", "# EWR\n"]);
        assert_eq!(bench.files(), ["EWR.2013", "generic.md", "method.md"]);
        assert_eq!(fs::read_to_string(bench.file("method.md")).unwrap(), "# EWR\n");
    }
    // Where nothing is saved, nothing is refused.
    for mode in [Mode::DoNothing, Mode::Prefect] {
        let counts = Bench::new().config(mode).scope(|| counts().run()?.load());
        assert_eq!(counts.unwrap()["EWR"], 7, "{mode:?}");
    }
}

/// `tests/fixtures/format-1` was written by the first code, to which `.txt` meant nothing.
#[test]
fn what_an_older_pipex_wrote_is_told_and_made_again_once_it_is_deleted() {
    let bench = Bench::new();
    let older = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/format-1/out/everything");
    fs::copy(older, bench.file("log.txt")).unwrap();
    let load = || bench.cache(|| log(2).run()?.load());
    let error = format!("{:?}", load().unwrap_err());
    assert!(error.contains("log.txt was written as bincode, and is to be read as text: delete it"), "{error}");
    fs::remove_file(bench.file("log.txt")).unwrap();
    assert_eq!(load().unwrap(), "line\nline\n");
    assert_eq!(fs::read_to_string(bench.file("log.txt")).unwrap(), "line\nline\n");
}
