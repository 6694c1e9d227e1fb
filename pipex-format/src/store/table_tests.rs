//! Tables of Arrow and Parquet: what comes back, what says what made it, and what damage gives.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::sync::Arc;

use arrow_array::{Float64Array, Int32Array, RecordBatch, StringArray};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::tests::{load, record, save, target};
use super::{Arrow, Claim, Codec, FileStore, Files, Listing, Parquet, Record, Rows, Store};
use crate::model::fingerprint::{Fingerprint, fingerprint_bytes};
use crate::model::target::{Location, Template};
use crate::model::task::Task;

const NAMES: [&str; 3] = ["x.parquet", "x.arrow", "x.feather"];

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Sky {
    Clear,
    Cloudy,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wind {
    speed: f32,
    gusts: Vec<Option<i16>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    station: String,
    number: u64,
    celsius: Option<f64>,
    sky: Sky,
    wind: Wind,
    place: (i32, i32),
    counts: BTreeMap<String, u8>,
}

fn readings() -> Vec<Reading> {
    let reading = |station: &str, celsius, gusts: &[_]| Reading {
        station: station.to_owned(),
        number: u64::MAX,
        celsius,
        sky: if celsius.is_some() { Sky::Clear } else { Sky::Cloudy },
        wind: Wind { speed: 0.1, gusts: gusts.to_vec() },
        place: (-1, 7),
        counts: BTreeMap::from([(station.to_owned(), 3)]),
    };
    vec![
        reading("EWR", Some(0.1), &[Some(1), None]),
        reading("ä \"J\n", None, &[]),
        reading("", Some(f64::MIN_POSITIVE), &[None]),
    ]
}

fn load_by<T>(store: &impl Store<T>, target: &Location) -> T {
    store.load(target).unwrap()
}

fn came_back<T: Serialize + DeserializeOwned + PartialEq + Debug + 'static>(value: &T) {
    let dir = tempfile::tempdir().unwrap();
    for name in NAMES
        .into_iter()
        .chain(["x.parquet.zst", "x.arrow.zst"])
        .filter(|name| cfg!(feature = "zstd") || !name.ends_with(".zst"))
    {
        let target = target(dir.path(), name);
        save(&FileStore::new(), &target, value).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert!(Store::<T>::exists(&FileStore::new(), &target).unwrap(), "{name}");
        assert_eq!(load::<T>(&target).unwrap(), *value, "{name}");
        let entry = Files.entry(&target).unwrap().unwrap();
        let made = entry.made.expect(name);
        assert_eq!((&*made.task, made.code), ("tests::made", Some(record().task().code)), "{name}");
        assert_eq!((made.arguments, made.inputs), (Some(record().arguments()), record().inputs()), "{name}");
        assert_eq!(made.provenance().format, Store::<T>::format(&FileStore::new()), "{name}");
    }
}

#[test]
fn rows_come_back_and_their_files_say_what_made_them() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wrapped(Vec<Wind>);
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Renamed {
        #[serde(rename = "celsius")]
        a: f64,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        b: Option<bool>,
    }

    came_back(&readings());
    came_back(&Vec::<Wind>::new());
    came_back(&Wrapped(vec![Wind { speed: -0.0, gusts: vec![] }]));
    came_back(&vec![Renamed { a: 1.5, b: None }, Renamed { a: -1.5, b: Some(true) }]);
    came_back(&vec![Renamed { a: 1.5, b: None }]);
    let many: Vec<_> = (0..5_000).map(|row| Wind { speed: row as f32, gusts: vec![Some(3); row % 5] }).collect();
    came_back(&many);
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "x.parquet");
    for codec in [Parquet.snappy(), Parquet.uncompressed(), Parquet.row_group(1000)] {
        let store = FileStore::new().codec(Rows(codec));
        save(&store, &target, &many).unwrap();
        assert_eq!(load_by::<Vec<Wind>>(&store, &target), many, "{codec:?}");
        assert_eq!(load::<Vec<Wind>>(&target).unwrap(), many, "{codec:?}");
    }
}

#[test]
fn numbers_that_are_none_come_back() {
    #[derive(Serialize, Deserialize)]
    struct Number {
        value: f64,
    }
    let dir = tempfile::tempdir().unwrap();
    for name in NAMES {
        let target = target(dir.path(), name);
        save(&FileStore::new(), &target, &vec![Number { value: f64::NAN }, Number { value: f64::INFINITY }]).unwrap();
        let back = load::<Vec<Number>>(&target).unwrap();
        assert!(back[0].value.is_nan() && back[1].value == f64::INFINITY, "{name}");
    }
}

#[test]
fn what_would_not_come_back_is_refused_and_named() {
    #[derive(Serialize, Deserialize)]
    enum Any {
        Number(f64),
        Text(String),
    }
    #[derive(Serialize, Deserialize)]
    struct Row<T> {
        good: u8,
        field: T,
    }

    fn said<T: Serialize + DeserializeOwned + 'static>(name: &str, field: T) -> String {
        let dir = tempfile::tempdir().unwrap();
        let target = target(dir.path(), name);
        fs::write(target.path(), "before").unwrap();
        let error = save(&FileStore::new(), &target, &vec![Row { good: 1, field }]).unwrap_err();
        assert_eq!(fs::read(target.path()).unwrap(), b"before");
        format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default())
    }
    for name in NAMES {
        let error = said(name, u128::MAX);
        assert!(error.contains("u128 is not supported") && error.contains("Row{good,field}(u8,u128)"), "{error}");
        let error = said(name, Some(None::<u8>));
        assert!(error.contains("would not come back") && error.contains("Row{good,field}(u8,??u8)"), "{error}");
    }
    for any in [Any::Number(1.5), Any::Text(String::new())] {
        let error = said("x.parquet", any);
        assert!(error.contains("`field` has an enum with data (a union), which Parquet does not have"), "{error}");
    }
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "x.arrow");
    let rows = vec![Row { good: 1, field: Any::Number(1.5) }, Row { good: 2, field: Any::Text("a".to_owned()) }];
    save(&FileStore::new(), &target, &rows).unwrap();
    assert!(matches!(&load::<Vec<Row<Any>>>(&target).unwrap()[1].field, Any::Text(text) if text == "a"));
}

#[test]
fn columns_that_are_others_than_the_types_are_told() {
    #[derive(Debug, Serialize, Deserialize)]
    struct More {
        station: String,
        #[serde(default)]
        more: u8,
    }
    #[derive(Debug, Serialize, Deserialize)]
    struct Less {
        station: String,
    }
    let dir = tempfile::tempdir().unwrap();
    for name in NAMES {
        let (written, read) = (target(dir.path(), name), target(dir.path(), &format!("foreign-{name}")));
        let copy = |end: &[u8]| {
            // What another program writes says nothing of pipex.
            let bytes = fs::read(written.path()).unwrap();
            let at = bytes.windows(10).position(|window| window == br#"{"pipex_no"#).unwrap();
            let mut bytes = bytes;
            bytes[at..at + end.len()].copy_from_slice(end);
            fs::write(read.path(), bytes).unwrap();
        };
        save(&FileStore::new(), &written, &vec![Less { station: "EWR".to_owned() }]).unwrap();
        let error = load::<Vec<More>>(&written).unwrap_err().to_string();
        assert!(error.contains("has a value of another type"), "{error}");
        copy(b"{");
        copy(b"nothing of ours");
        let error = format!("{:?}", load::<Vec<More>>(&read).unwrap_err());
        assert!(error.contains("without `more`"), "{error}");
        save(&FileStore::new(), &written, &vec![More { station: "EWR".to_owned(), more: 1 }]).unwrap();
        copy(b"nothing of ours");
        let error = format!("{:?}", load::<Vec<Less>>(&read).unwrap_err());
        assert!(error.contains("with `more`"), "{error}");
        assert_eq!(load::<Vec<More>>(&read).unwrap()[0].more, 1);
        assert!(Files.entry(&read).unwrap().unwrap().made.is_none());
    }
}

fn batch(rows: i32) -> RecordBatch {
    let names: StringArray = (0..rows).map(|row| (row % 3 > 0).then(|| format!("row {row}"))).collect();
    let numbers = Int32Array::from_iter(0..rows);
    let floats: Float64Array = (0..rows).map(|row| Some(f64::from(row) / 7.0)).collect();
    let columns: [(_, Arc<dyn arrow_array::Array>); 3] =
        [("name", Arc::new(names)), ("number", Arc::new(numbers)), ("float", Arc::new(floats))];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

#[test]
fn record_batches_come_back_as_they_are() {
    fn check<C: Codec<RecordBatch> + Codec<Vec<RecordBatch>>>(name: &str, codec: C) {
        let dir = tempfile::tempdir().unwrap();
        let target = target(dir.path(), name);
        let store = FileStore::new().codec(codec);
        for value in [batch(0), batch(1), batch(3_000)] {
            save(&store, &target, &value).unwrap();
            assert_eq!(load_by::<RecordBatch>(&store, &target), value, "{name}");
            assert!(Files.entry(&target).unwrap().unwrap().made.is_some(), "{name}");
        }
        for value in [vec![batch(0)], vec![batch(3), batch(2)]] {
            save(&store, &target, &value).unwrap();
            assert_eq!(load_by::<Vec<RecordBatch>>(&store, &target), value, "{name}");
        }
        assert_eq!(load_by::<RecordBatch>(&store, &target).num_rows(), 5, "{name}");
        let error = format!("{:?}", save(&store, &target, &Vec::<RecordBatch>::new()).unwrap_err());
        assert!(error.contains("no schema"), "{error}");
        let schema = batch(1).schema().as_ref().clone().with_metadata([("pipex".to_owned(), "mine".to_owned())]);
        let error = save(&store, &target, &batch(1).with_schema(schema.into()).unwrap()).unwrap_err().to_string();
        assert!(error.contains("metadata has a `pipex`"), "{error}");
    }
    check("x.parquet", Parquet);
    check("x.parquet", Parquet.row_group(3));
    check("x.arrow", Arrow);
    check("x", Parquet);
}

#[test]
fn the_content_is_the_same_whatever_made_it() {
    static OTHER: Task = Task { code: Fingerprint::new(99), ..Task::new("other", "x", "", 1, Template::Plain(&[])) };
    let dir = tempfile::tempdir().unwrap();
    for name in NAMES {
        let target = target(dir.path(), name);
        let contents = [record(), Record::new(&OTHER, Fingerprint::new(5), None)].map(|record| {
            let store = FileStore::new();
            let claim = Claim::wait(&target.sibling(), target.clone(), record).unwrap();
            let receipt = claim.receipt();
            store.save(claim, &readings()).unwrap();
            assert!(receipt.is_recorded.load(std::sync::atomic::Ordering::Relaxed), "{name}");
            let entry = Files.entry(&target).unwrap().unwrap();
            assert_eq!(receipt.content.get(), entry.content.as_ref(), "{name}");
            assert_eq!(entry.made.unwrap().code, Some(record.task().code), "{name}");
            entry.content.unwrap()
        });
        assert_eq!(contents[0], contents[1], "{name}");
        let mut others = readings();
        others[0].number = 7;
        save(&FileStore::new(), &target, &others).unwrap();
        assert_ne!(Files.entry(&target).unwrap().unwrap().content, Some(contents[0]), "{name}");
    }
}

#[test]
fn any_byte_that_flips_and_any_cut_is_told_or_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let value = readings();
    for name in NAMES {
        let target = target(dir.path(), name);
        save(&FileStore::new(), &target, &value).unwrap();
        let whole = fs::read(target.path()).unwrap();
        let (mut told, mut tried) = (0, 0);
        for at in (0..whole.len()).step_by(whole.len() / 500 + 1) {
            let mut flipped = whole.clone();
            flipped[at] ^= 1 << (at % 8);
            fs::write(target.path(), &flipped).unwrap();
            tried += 1;
            match load::<Vec<Reading>>(&target) {
                Ok(back) => assert_eq!(back, value, "{name}: {at}"),
                Err(error) => {
                    told += 1;
                    assert!(error.to_string().contains(name), "{error}");
                }
            }
            let payload = Files.payload(&target);
            assert!(payload.is_err() || Files.entry(&target).unwrap().unwrap().made.is_none(), "{name}: {at}");
        }
        assert!(tried > 300 && told * 10 > tried * 9, "{name}: {told} of {tried}");
        for end in (0..whole.len()).step_by(whole.len() / 100 + 1) {
            fs::write(target.path(), &whole[..end]).unwrap();
            let error = load::<Vec<Reading>>(&target).unwrap_err().to_string();
            assert!(error.contains("is not whole: it does not begin and end in"), "{error}");
            fs::write(target.path(), [&whole[..end], &vec![0; whole.len() - end]].concat()).unwrap();
            load::<Vec<Reading>>(&target).unwrap_err();
        }
        fs::write(target.path(), [&whole[..], b"\n"].concat()).unwrap();
        load::<Vec<Reading>>(&target).unwrap_err();
    }
}

/// Nothing says what they were: but nothing ends the program.
#[test]
fn what_another_program_wrote_and_damaged_ends_nothing() {
    let mut written = [(Vec::new(), "parquet"), (Vec::new(), "arrow")];
    Parquet.encode(&batch(20), &mut written[0].0).unwrap();
    Arrow.encode(&batch(20), &mut written[1].0).unwrap();
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let mut seed = 7_u64;
    for (whole, format) in &written {
        for at in 0..whole.len() {
            let mut bytes = whole.clone();
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            bytes[at] = (seed >> 33) as u8;
            let decoded: Result<RecordBatch, _> =
                if *format == "arrow" { Arrow.decode(&bytes) } else { Parquet.decode(&bytes) };
            drop(decoded);
        }
    }
    std::panic::set_hook(hook);
}

#[test]
fn what_another_program_copied_of_a_note_says_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (target, copy) = (target(dir.path(), "x.parquet"), target(dir.path(), "copy.parquet"));
    save(&FileStore::new(), &target, &readings()).unwrap();
    let bytes = fs::read(target.path()).unwrap();
    let at = bytes.windows(14).position(|window| window == br#"{"pipex_note":"#).unwrap();
    let end = bytes[at..].windows(2).position(|window| window == b"  ").unwrap();
    let note = str::from_utf8(&bytes[at..at + end]).unwrap();
    // A reader hands the metadata on, and a writer writes it.
    let mut rewritten = Vec::new();
    let more = Vec::from_iter(readings().into_iter().cycle().take(7));
    Rows(Parquet.snappy()).encode_with_note(&more, note, &mut rewritten).unwrap();
    fs::write(copy.path(), &rewritten).unwrap();
    let entry = Files.entry(&copy).unwrap().unwrap();
    assert_eq!((entry.made, entry.content), (None, Some(fingerprint_bytes(&rewritten))));
    assert_eq!(load::<Vec<Reading>>(&copy).unwrap(), more);
    assert_eq!(Files.payload(&copy).unwrap(), rewritten);
}

#[test]
fn bytes_are_still_written_as_they_are() {
    let dir = tempfile::tempdir().unwrap();
    for name in NAMES {
        let target = target(dir.path(), name);
        save(&FileStore::new(), &target, &b"any bytes".to_vec()).unwrap();
        assert_eq!(fs::read(target.path()).unwrap(), b"any bytes");
        assert_eq!(load::<Vec<u8>>(&target).unwrap(), b"any bytes");
        let error =
            Store::<BTreeMap<u8, u8>>::exists(&FileStore::new(), &super::tests::target(dir.path(), "y.parquet"));
        assert!(error.unwrap_err().to_string().contains("y.parquet takes a vector of structs"), "{name}");
    }
}
