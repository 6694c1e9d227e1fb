//! What was written in format 1 is read for ever: `tests/fixtures/format-1` has a project as the first code wrote it.
//!
//! `tests/fixtures/format-1/out` are its outputs, `journal` is its `.pipex`. Both were written by [`pipeline`], started by
//! [`write_fixture`]; they are kept, and not written again when the code changes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use pipex::journal::{self, Line};
use pipex::{FileStore, Location, SqliteStore, State, Store, flow, task};
use serde::{Deserialize, Serialize};

use crate::Desk;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Sky {
    Clear,
    Cloudy(u8),
    Rain { millimetres: f32, since: (u8, u8) },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Station(String);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    station: Station,
    skies: Vec<Sky>,
    by_hour: BTreeMap<u8, Option<f64>>,
    initial: char,
    nothing: (),
    big: u64,
    open: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    station: String,
    celsius: Option<f64>,
    hour: u8,
}

fn an_everything() -> Everything {
    Everything {
        station: Station("Newark Ä".to_owned()),
        skies: vec![Sky::Clear, Sky::Cloudy(3), Sky::Rain { millimetres: 1.5, since: (7, 30) }],
        by_hour: BTreeMap::from([(1, Some(-2.5)), (2, None)]),
        initial: 'Ä',
        nothing: (),
        big: u64::MAX,
        open: true,
    }
}

fn some_readings() -> Vec<Reading> {
    let reading = |station: &str, celsius, hour| Reading { station: station.to_owned(), celsius, hour };
    vec![reading("EWR", Some(0.1), 7), reading("J,F\"K\nä", None, 8), reading("LGA", Some(-1234.5), 9)]
}

macro_rules! saved {
    ($($name:ident $target:literal $type:ty = $value:expr;)*) => {
        $(
            #[task(target = $target)]
            fn $name() -> $type {
                println!("\nran {}", stringify!($name));
                $value
            }
        )*

        /// Makes each, or takes what is there, and compares.
        fn all_files() -> pipex::Result<()> {
            $(assert_eq!($name().run()?.load()?, $value, stringify!($name));)*
            Ok(())
        }

        const FILES: &[&str] = &[$($target),*];
    };
}
saved! {
    everything "{path}/everything" Everything = an_everything();
    everything_bin "{path}/everything.bin" Everything = an_everything();
    everything_json "{path}/everything.json" Everything = an_everything();
    everything_zst "{path}/everything.zst" Everything = an_everything();
    everything_json_zst "{path}/everything.json.zst" Everything = an_everything();
    readings "{path}/deep/readings.v1" Vec<Reading> = some_readings();
    readings_csv "{path}/deep/readings.csv" Vec<Reading> = some_readings();
    readings_csv_zst "{path}/deep/readings.csv.zst" Vec<Reading> = some_readings();
    empty_csv "{path}/empty.csv" Vec<Reading> = Vec::new();
    number_json "{path}/number.json" u64 = 1234;
}

fn database() -> SqliteStore {
    SqliteStore::new("out/outputs.sqlite")
}

#[task(target = "rows/{base}.csv", store = database())]
fn row_csv(readings: Vec<Reading>) -> Vec<Reading> {
    println!("\nran row_csv");
    readings
}

#[task(target = "rows/{base}", store = database())]
fn row(readings: Vec<Reading>) -> Everything {
    println!("\nran row");
    assert_eq!(readings.len(), 3);
    an_everything()
}

#[task(target = "rows/{base}.json.zst", store = database())]
fn row_json_zst(readings: Vec<Reading>) -> Vec<Reading> {
    println!("\nran row_json_zst");
    readings
}

#[task(save = false, target = "{path}/plot.svg", load = fs::read_to_string)]
fn plot(readings: &[Reading], #[target] to: &Path) -> std::io::Result<String> {
    println!("\nran plot");
    let text = format!("<svg>{}</svg>", readings.len());
    fs::write(to, &text)?;
    Ok(text)
}

#[task(save = false, target = "{path}/parts", load = count_parts)]
fn parts(readings: &[Reading], #[target] to: &Path) -> std::io::Result<usize> {
    println!("\nran parts");
    fs::create_dir_all(to.join("more"))?;
    fs::write(to.join("a.txt"), "a")?;
    fs::write(to.join("more/b.txt"), "b")?;
    Ok(readings.len() - 1)
}

fn count_parts(parts: &Path) -> std::io::Result<usize> {
    Ok(fs::read_dir(parts)?.count())
}

#[flow(path = "out")]
fn all() -> pipex::Result<()> {
    all_files()?;
    let readings = readings().run()?;
    assert_eq!(row_csv(readings.clone()).base("readings").run()?.load()?, some_readings());
    assert_eq!(row(readings.clone()).base("everything").run()?.load()?, an_everything());
    assert_eq!(row_json_zst(readings.clone()).base("readings").run()?.load()?, some_readings());
    assert_eq!(plot(readings.clone()).run()?.load()?, "<svg>3</svg>");
    assert_eq!(parts(readings).run()?.load()?, 2);
    Ok(())
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    all().unwrap();
}

fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/format-1")
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Writes what is kept, with today's code. Only a new format needs that, and then in a directory of its own.
#[test]
#[ignore = "what it writes is kept"]
fn write_fixture() {
    let desk = Desk::new();
    assert!(desk.pipeline("format_1::pipeline").status().unwrap().success());
    copy(&desk.file("out"), &fixture().join("out"));
    fs::remove_file(desk.file(".pipex/.gitignore")).unwrap();
    copy(&desk.file(".pipex"), &fixture().join("journal"));
}

/// The project on a desk of its own.
fn desk() -> Desk {
    let desk = Desk::new();
    copy(&fixture().join("out"), &desk.file("out"));
    copy(&fixture().join("journal"), &desk.file(".pipex"));
    desk
}

#[test]
fn every_output_but_one_is_loaded_and_nothing_is_stale() {
    let desk = desk();
    let ended = desk.pipeline("format_1::pipeline").output().unwrap();
    let said = String::from_utf8(ended.stdout).unwrap();
    assert!(ended.status.success(), "{said} {}", String::from_utf8_lossy(&ended.stderr));
    let ran: Vec<_> = said.lines().filter(|line| line.starts_with("ran ")).collect();
    // No rows were a file of no bytes, which a loss of power leaves as well: now they have a header, and that is missing.
    assert_eq!(ran, ["ran empty_csv"]);
    assert_eq!(fs::read_to_string(desk.file("out/empty.csv")).unwrap(), "station,celsius,hour\n");
    assert!(!String::from_utf8_lossy(&ended.stderr).contains("stale"));
}

/// What is loaded from these bytes at the place of this target, if anything is.
fn loaded<T>(target: &Location, bytes: &[u8]) -> Option<T>
where
    FileStore: Store<T>,
{
    fs::write(target.path(), bytes).unwrap();
    FileStore::new().load(target).ok()
}

/// Every cut, every byte that is lost, and every bit that flips. `is_checked` says whether a checksum tells of other contents.
fn assert_damage_is_told<T: PartialEq + std::fmt::Debug>(name: &str, value: &T, is_checked: bool)
where
    FileStore: Store<T>,
{
    let desk = Desk::new();
    let whole = fs::read(fixture().join("out").join(name)).unwrap();
    let target = Location::new(desk.file(Path::new(name).file_name().unwrap().to_str().unwrap()).to_str().unwrap());
    assert_eq!(loaded::<T>(&target, &whole).as_ref(), Some(value));
    for at in 0..whole.len() {
        let zeros = [&whole[..at], &vec![0; whole.len() - at]].concat();
        for damaged in [&whole[..at], &zeros].into_iter().filter(|damaged| **damaged != whole) {
            let loaded = loaded::<T>(&target, damaged);
            assert!(loaded.is_none() || !is_checked && loaded.as_ref() == Some(value), "{name} at {at}: {loaded:?}");
        }
        if is_checked {
            for byte in (0..8).map(|bit| whole[at] ^ (1 << bit)).chain([0]).filter(|byte| *byte != whole[at]) {
                let mut flipped = whole.clone();
                flipped[at] = byte;
                let loaded = loaded::<T>(&target, &flipped);
                assert_eq!(loaded, None, "{name} at {at}");
            }
        }
    }
    fs::write(target.path(), "").unwrap();
    assert!(!FileStore::new().exists(&target).unwrap());
}

#[test]
fn damage_is_never_taken_for_another_value() {
    assert_damage_is_told("everything", &an_everything(), true);
    assert_damage_is_told("everything.bin", &an_everything(), true);
    assert_damage_is_told("everything.zst", &an_everything(), true);
    assert_damage_is_told("everything.json.zst", &an_everything(), true);
    assert_damage_is_told("deep/readings.v1", &some_readings(), true);
    assert_damage_is_told("deep/readings.csv.zst", &some_readings(), true);
    assert_damage_is_told("everything.json", &an_everything(), false);
    assert_damage_is_told("number.json", &1234_u64, false);
}

/// Behind a row, a file with fewer rows is as whole as any: nothing tells, but the journal.
#[test]
fn plain_rows_that_are_cut_are_fewer_rows_or_none() {
    let desk = Desk::new();
    let target = Location::new(desk.file("readings.csv").to_str().unwrap());
    let whole = fs::read(fixture().join("out/deep/readings.csv")).unwrap();
    for at in 0..whole.len() {
        let zeros = [&whole[..at], &vec![0; whole.len() - at]].concat();
        assert_eq!(loaded::<Vec<Reading>>(&target, &zeros), None);
        if let Some(rows) = loaded::<Vec<Reading>>(&target, &whole[..at]) {
            assert_eq!(rows, some_readings()[..rows.len()]);
            assert_eq!(whole[at - 1], b'\n');
        }
    }
}

/// The first footers, and rows of databases, do not say how many bytes it will be.
#[test]
fn what_does_not_say_how_large_it_is_expands_as_far_as_the_setting_allows() {
    let desk = desk();
    let show = |target: &str, limit: &str| {
        let output = desk.command().args(["show", target]).env("PIPEX_DECODE_LIMIT", limit).output().unwrap();
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat()
    };
    for target in ["out/everything.zst", "out/everything.json.zst", "rows/readings.json.zst"] {
        let refused = show(target, "10");
        assert!(refused.contains("it expands to more than 10 bytes"), "{refused}");
        assert!(refused.contains("set PIPEX_DECODE_LIMIT to more") && refused.contains(target), "{refused}");
        for enough in ["1000", "1KB", "1 GiB", ""] {
            assert!(!show(target, enough).contains("PIPEX_DECODE_LIMIT"));
        }
        assert!(show(target, "much").contains("PIPEX_DECODE_LIMIT=much is not a number of bytes, such as"));
    }
    let run = desk.pipeline("format_1::pipeline").env("PIPEX_DECODE_LIMIT", "10").output().unwrap();
    let said = String::from_utf8_lossy(&run.stderr).into_owned();
    assert!(
        !run.status.success() && said.contains("out/everything.zst") && said.contains("PIPEX_DECODE_LIMIT"),
        "{said}"
    );

    // What is written now says it, and is read whatever the setting is.
    fs::remove_dir_all(desk.file("out")).unwrap();
    let run = |limit: &str| desk.pipeline("format_1::pipeline").env("PIPEX_DECODE_LIMIT", limit).status().unwrap();
    assert!(run("1GB").success());
    let shown = show("out/everything.zst", "10");
    assert!(shown.contains("Newark"), "{shown}");
}

#[test]
fn every_journal_is_read() {
    let mut states = BTreeMap::new();
    let runs = journal::runs(&fixture().join("journal")).unwrap();
    for run in &runs {
        let count = |line| match line {
            Line::Ended(ended) => *states.entry(format!("{:?}", ended.state)).or_insert(0) += 1,
            Line::Cached(_) => *states.entry(format!("{:?}", State::Cached)).or_insert(0) += 1,
            _ => {}
        };
        journal::read(run, count).unwrap();
    }
    assert_eq!(runs.len(), 1);
    assert_eq!(states, BTreeMap::from([("Cached".to_owned(), 1), ("Completed".to_owned(), 15)]));
}

#[test]
fn the_command_knows_and_shows_every_output() {
    let desk = desk();
    let status = desk.json("status");
    let status = status.as_array().unwrap();
    assert_eq!(status.len(), 15, "{status:?}");
    for row in status {
        assert_eq!(row["fresh"], 1, "{row}");
    }

    let shown = |name: &str| desk.json(&format!("show {name}"))["content"].clone();
    let readings = serde_json::to_value(some_readings()).unwrap();
    let everything = serde_json::to_value(an_everything()).unwrap();
    let csv = "station,celsius,hour\nEWR,0.1,7\n\"J,F\"\"K\nä\",,8\nLGA,-1234.5,9\n";
    for target in FILES {
        let name = target.replace("{path}", "out");
        let expected = match name.as_str() {
            "out/number.json" => 1234.into(),
            "out/empty.csv" => "".into(),
            "out/deep/readings.v1" => readings.clone(),
            csv_file if csv_file.contains(".csv") => csv.into(),
            _ => everything.clone(),
        };
        assert_eq!(shown(&name), expected, "{name}");
    }
    assert_eq!(shown("rows/readings.csv"), csv);
    assert_eq!(shown("rows/readings.json.zst"), readings);
    assert_eq!(shown("rows/everything"), everything);
    assert_eq!(shown("out/plot.svg"), "<svg>3</svg>");
    assert_eq!(shown("out/parts"), serde_json::json!(["a.txt", "more/b.txt"]));
}
