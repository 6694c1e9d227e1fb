//! Text has no checksum: what can be told all the same.

use std::fs;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;

use super::tests::{load, save, target};
use super::{FileStore, Store, StoreResult};
use crate::model::target::Location;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    station: String,
    celsius: Option<f64>,
    #[serde(default)]
    hour: u8,
}

fn reading(station: &str, celsius: Option<f64>, hour: u8) -> Reading {
    Reading { station: station.to_owned(), celsius, hour }
}

fn some_readings() -> Vec<Reading> {
    vec![reading("EWR", Some(0.1), 7), reading("J,F\"K\nä\n", None, 18), reading("LGA", Some(-1234.5), 19)]
}

/// A target of this name in a directory of its own, which may have this text.
fn at(name: &str, text: impl AsRef<[u8]>) -> (TempDir, Location) {
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), name);
    fs::write(target.path(), text).unwrap();
    (dir, target)
}

fn saved<T: Serialize + DeserializeOwned + 'static>(name: &str, value: &T) -> StoreResult<String> {
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), name);
    save(&FileStore::new(), &target, value)?;
    let text = fs::read_to_string(target.path())?;
    let back = load::<T>(&target)?;
    assert_eq!(serde_json::to_value(&back)?, serde_json::to_value(value)?);
    Ok(text)
}

/// What loading says, with its cause.
fn refused<T: Serialize + DeserializeOwned + 'static>(name: &str, text: impl AsRef<[u8]>) -> String {
    let (_dir, target) = at(name, text);
    match load::<T>(&target) {
        Ok(_) => panic!("it was loaded: {:?}", fs::read_to_string(target.path())),
        Err(error) => {
            let cause = error.source().map(ToString::to_string).unwrap_or_default();
            let error = error.to_string();
            assert!(error.starts_with(target.as_str()) && error.contains("delete it"), "{error}");
            format!("{error}: {cause}")
        }
    }
}

#[test]
fn no_rows_have_their_header() {
    #[derive(Serialize, Deserialize)]
    struct Odd {
        #[serde(rename = "a, b")]
        both: u8,
        #[serde(rename = "the \"name\"")]
        name: String,
    }
    #[derive(Serialize, Deserialize)]
    struct Wrapped(Reading);

    assert_eq!(saved::<Vec<Reading>>("x.csv", &Vec::new()).unwrap(), "station,celsius,hour\n");
    assert_eq!(saved::<Vec<Odd>>("x.csv", &Vec::new()).unwrap(), "\"a, b\",\"the \"\"name\"\"\"\n");
    assert_eq!(saved::<Vec<Wrapped>>("x.csv", &Vec::new()).unwrap(), "station,celsius,hour\n");
    // It does not say what its columns would be.
    assert_eq!(saved::<Vec<serde_json::Value>>("x.csv", &Vec::new()).unwrap(), "\n");
}

#[test]
fn a_file_of_no_bytes_counts_as_missing() {
    for name in ["x.csv", "x.json"] {
        let (_dir, target) = at(name, "");
        assert!(!Store::<Vec<Reading>>::exists(&FileStore::new(), &target).unwrap());
        load::<Vec<Reading>>(&target).unwrap_err();
    }
}

#[test]
fn columns_are_those_of_the_type_in_any_order() {
    let (_dir, target) = at("x.csv", "hour,station,celsius\n7,EWR,0.5\n");
    assert_eq!(load::<Vec<Reading>>(&target).unwrap(), [reading("EWR", Some(0.5), 7)]);
    let (_dir, target) = at("x.csv", "hour,celsius,station\n");
    assert_eq!(load::<Vec<Reading>>(&target).unwrap(), []);

    for rows in ["", "EWR,0.5\n"] {
        let less = refused::<Vec<Reading>>("x.csv", format!("station,celsius\n{rows}"));
        assert!(less.ends_with("its columns are others than those of its type: without `hour`"), "{less}");
    }
    for rows in ["", "EWR,0.5,7,1\n"] {
        let more = refused::<Vec<Reading>>("x.csv", format!("station,celsius,hour,minute\n{rows}"));
        assert!(more.ends_with("its columns are others than those of its type: with `minute`"), "{more}");
    }
    for rows in ["", "1,2\n"] {
        let foreign = refused::<Vec<Reading>>("x.csv", format!("a,b\n{rows}"));
        assert!(foreign.ends_with("without `station`, `celsius`, `hour`, with `a`, `b`"), "{foreign}");
    }
    let twice = refused::<Vec<Reading>>("x.csv", "station,celsius,hour,hour\n");
    assert!(twice.ends_with("with one twice"), "{twice}");
    let value = refused::<Vec<Reading>>("x.csv", "station,celsius,hour\nEWR,warm,7\n");
    assert!(value.contains("line 2") && value.contains("\"warm\""), "{value}");
}

#[test]
fn an_alias_is_as_good_as_a_name() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Row {
        #[serde(alias = "temperature", alias = "temp")]
        celsius: f64,
        #[serde(default)]
        hour: u8,
    }
    let row = || vec![Row { celsius: 0.5, hour: 7 }];
    assert_eq!(saved("x.csv", &row()).unwrap(), "celsius,hour\n0.5,7\n");
    let none = saved::<Vec<Row>>("x.csv", &Vec::new()).unwrap();
    let mut names: Vec<_> = none.trim_end().split(',').collect();
    names.sort_unstable();
    assert_eq!(names, ["celsius", "hour", "temp", "temperature"]);
    for header in ["celsius,hour", "temp,hour"] {
        let (_dir, target) = at("x.csv", format!("{header}\n0.5,7\n"));
        assert_eq!(load::<Vec<Row>>(&target).unwrap(), row());
        let (_dir, target) = at("x.csv", format!("{header}\n"));
        assert_eq!(load::<Vec<Row>>(&target).unwrap(), []);
    }
    let less = refused::<Vec<Row>>("x.csv", "temp\n0.5\n");
    assert!(less.contains("without `celsius`, `hour`, with `temp`"), "{less}");
    refused::<Vec<Row>>("x.csv", "temp,celsius\n0.5,0.6\n");
}

#[test]
fn what_cannot_be_told_from_a_file_that_was_not_written_is_refused_when_it_is_saved() {
    let error = saved("x.csv", &vec![reading("N\0L", None, 1)]).unwrap_err().to_string();
    assert!(error.contains("would not come back from csv") && error.contains("NUL"), "{error}");
    saved("x.json", &vec![reading("N\0L", None, 1)]).unwrap();
    #[cfg(feature = "zstd")]
    {
        let dir = tempfile::tempdir().unwrap();
        let target = target(dir.path(), "x.csv.zst");
        save(&FileStore::new(), &target, &vec![reading("N\0L", None, 1)]).unwrap();
        assert_eq!(load::<Vec<Reading>>(&target).unwrap()[0].station, "N\0L");
    }
}

/// All but one: behind a row a file with fewer rows is as whole as any.
#[test]
fn no_cut_and_no_zeros_give_other_rows() {
    let text = saved("x.csv", &some_readings()).unwrap();
    let (_dir, target) = at("x.csv", "");
    let mut ends = Vec::new();
    for cut in 0..text.len() {
        fs::write(target.path(), &text.as_bytes()[..cut]).unwrap();
        if let Ok(rows) = load::<Vec<Reading>>(&target) {
            assert_eq!(rows, some_readings()[..rows.len()], "cut at {cut}");
            ends.push(cut);
        }
        let mut zeros = text.clone().into_bytes();
        zeros[cut..].fill(0);
        fs::write(target.path(), zeros).unwrap();
        load::<Vec<Reading>>(&target).unwrap_err();
    }
    assert_eq!(ends, [21, 31, 48], "{text}");
    fs::write(target.path(), "\0".repeat(4096)).unwrap();
    assert!(refused::<Vec<Reading>>("x.csv", "\0".repeat(4096)).contains("is not whole: it has NUL bytes"));
    assert!(refused::<Vec<Reading>>("x.csv", text.trim_end()).contains("it does not end in a newline"));
}

#[test]
fn a_quoted_text_that_does_not_end_is_no_text() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Note {
        hour: u8,
        text: String,
    }
    let notes = |text: &str| vec![Note { hour: 1, text: text.to_owned() }];
    for text in ["first line\nsecond line\n", "\"\n", "\n\"\n\"", "a\r\nb"] {
        let whole = saved("x.csv", &notes(text)).unwrap();
        for cut in "hour,text\n1".len()..whole.len() {
            refused::<Vec<Note>>("x.csv", &whole[..cut]);
        }
    }
    // Quotes are quotes only where a text begins.
    let (_dir, target) = at("x.csv", "hour,text\n1,a 5\" pipe\n");
    assert_eq!(load::<Vec<Note>>(&target).unwrap(), notes("a 5\" pipe"));
    let (_dir, target) = at("x.csv", "\u{feff}\"hour\",\"text\"\r\n1,\"a\"\r\n");
    assert_eq!(load::<Vec<Note>>(&target).unwrap(), notes("a"));
}

#[test]
fn no_cut_of_a_document_gives_another() {
    fn cut<T: Serialize + DeserializeOwned + PartialEq + 'static>(value: &T) {
        let text = saved("x.json", value).unwrap();
        let (_dir, target) = at("x.json", "");
        for cut in 0..text.len() {
            let mut zeros = text.clone().into_bytes();
            zeros[cut..].fill(0);
            for bytes in [&text.as_bytes()[..cut], &zeros] {
                fs::write(target.path(), bytes).unwrap();
                if let Ok(loaded) = load::<T>(&target) {
                    assert!(loaded == *value, "cut at {cut}: {text}");
                }
            }
        }
    }
    cut(&1234_u64);
    cut(&-0.1);
    cut(&1.5e300);
    cut(&"12".to_owned());
    cut(&true);
    cut(&Some(12));
    cut(&some_readings());
    assert!(refused::<u64>("x.json", "12").contains("it ends in a digit, without a newline, and may go on"));
    for (text, value) in [("12\n", 12), (" 12 ", 12)] {
        let (_dir, target) = at("x.json", text);
        assert_eq!(load::<u64>(&target).unwrap(), value);
    }
    // As other programs write it.
    let (_dir, target) = at("x.json", "[1, 2]");
    assert_eq!(load::<Vec<u64>>(&target).unwrap(), [1, 2]);
}
