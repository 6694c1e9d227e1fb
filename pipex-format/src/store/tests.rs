//! What stores promise of any value and any damage.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::Path;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::schema::schema;
use super::{Claim, FileStore, Record, Store, StoreError, StoreResult};
use crate::model::fingerprint::Fingerprint;
use crate::model::target::{Location, Template};
use crate::model::task::Task;

static TASK: Task = Task::new("made", "tests", file!(), line!(), Template::Plain(&[]));

pub(super) fn target(dir: &Path, name: &str) -> Location {
    Location::new(dir.join(name).to_str().unwrap())
}

pub(super) fn record() -> Record {
    Record::new(&TASK, Fingerprint::new(7), Fingerprint::new(8))
}

pub(super) fn save<T>(store: &impl Store<T>, target: &Location, value: &T) -> StoreResult<u64> {
    store.save(Claim::wait(&store.claim_path(target), target.clone(), record())?, value)
}

pub(super) fn load<T>(target: &Location) -> StoreResult<T>
where
    FileStore: Store<T>,
{
    FileStore::new().load(target)
}

/// What loading a `T` says of the target.
fn said<T>(target: &Location) -> String
where
    FileStore: Store<T>,
{
    match load::<T>(target) {
        Ok(_) => "nothing".to_owned(),
        Err(error) => error.to_string(),
    }
}

/// Everything that serde has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Anything {
    Unit,
    Bool(bool),
    Small(i8, u16, i32),
    Large { unsigned: u64, signed: i64 },
    Float(f64),
    Single(f32),
    Text(String),
    Character(char),
    Maybe(Option<Box<Anything>>),
    List(Vec<Anything>),
    Map(BTreeMap<String, Anything>),
    Tuple((u8, String, ())),
    Struct(Inner),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Inner {
    name: String,
    values: Vec<f64>,
    nothing: Nothing,
    wrapped: Wrapped,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Nothing;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Wrapped(u64);

fn anything() -> impl Strategy<Value = Anything> {
    let inner = (any::<String>(), prop::collection::vec(-1e300..1e300, 0..5), any::<u64>())
        .prop_map(|(name, values, wrapped)| Inner { name, values, nothing: Nothing, wrapped: Wrapped(wrapped) });
    let leaf = prop_oneof![
        Just(Anything::Unit),
        any::<bool>().prop_map(Anything::Bool),
        any::<(i8, u16, i32)>().prop_map(|(a, b, c)| Anything::Small(a, b, c)),
        any::<(u64, i64)>().prop_map(|(unsigned, signed)| Anything::Large { unsigned, signed }),
        prop::num::f64::NORMAL.prop_map(Anything::Float),
        prop::num::f32::NORMAL.prop_map(Anything::Single),
        any::<String>().prop_map(Anything::Text),
        any::<char>().prop_map(Anything::Character),
        any::<(u8, String)>().prop_map(|(number, text)| Anything::Tuple((number, text, ()))),
        inner.prop_map(Anything::Struct),
    ];
    leaf.prop_recursive(4, 24, 6, |inner| {
        prop_oneof![
            prop::option::of(inner.clone().prop_map(Box::new)).prop_map(Anything::Maybe),
            prop::collection::vec(inner.clone(), 0..6).prop_map(Anything::List),
            prop::collection::btree_map(any::<String>(), inner, 0..6).prop_map(Anything::Map),
        ]
    })
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Row {
    text: String,
    integer: i64,
    float: f64,
    flag: bool,
    maybe: Option<u32>,
    kind: Kind,
    wrapped: Wrapped,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Kind {
    Clear,
    Rain,
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    let row = ("[^\0]*", any::<i64>(), prop::num::f64::NORMAL, any::<(bool, bool, u64)>(), any::<Option<u32>>());
    prop::collection::vec(row, 0..20).prop_map(|rows| {
        let row = |(text, integer, float, (flag, rain, wrapped), maybe)| Row {
            text,
            integer,
            float,
            flag,
            maybe,
            kind: if rain { Kind::Rain } else { Kind::Clear },
            wrapped: Wrapped(wrapped),
        };
        rows.into_iter().map(row).collect()
    })
}

#[cfg(feature = "zstd")]
const BINARY: [&str; 5] = ["value", "value.bin", "value.v1.2", "value.zst", "value.json.zst"];
#[cfg(not(feature = "zstd"))]
const BINARY: [&str; 3] = ["value", "value.bin", "value.v1.2"];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn any_value_comes_back(value in anything()) {
        let dir = tempfile::tempdir().unwrap();
        for name in BINARY.into_iter().chain(["value.json"]) {
            let target = target(dir.path(), name);
            let bytes = save(&FileStore::new(), &target, &value).unwrap();
            prop_assert_eq!(bytes, fs::metadata(target.path()).unwrap().len());
            prop_assert_eq!(&load::<Anything>(&target).unwrap(), &value, "{}", name);
        }
    }

    #[test]
    fn any_rows_come_back_from_csv(rows in rows()) {
        let dir = tempfile::tempdir().unwrap();
        let target = target(dir.path(), "rows.csv");
        save(&FileStore::new(), &target, &rows).unwrap();
        prop_assert_eq!(load::<Vec<Row>>(&target).unwrap(), rows);
    }

    /// Every truncation, and every single bit that flips.
    #[test]
    fn any_damage_is_reported(value in anything(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
        let dir = tempfile::tempdir().unwrap();
        for name in BINARY {
            let target = target(dir.path(), name);
            save(&FileStore::new(), &target, &value).unwrap();
            let whole = fs::read(target.path()).unwrap();
            let at = at.index(whole.len());

            let mut flipped = whole.clone();
            flipped[at] ^= 1 << bit;
            fs::write(target.path(), flipped).unwrap();
            let error = load::<Anything>(&target).unwrap_err();
            prop_assert!(error.is::<StoreError>(), "{}", error);

            fs::write(target.path(), &whole[..at]).unwrap();
            let error = load::<Anything>(&target).unwrap_err();
            prop_assert!(error.is::<StoreError>(), "{}", error);
        }
    }
}

#[test]
fn each_damage_has_a_message_of_its_own() {
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "numbers");
    let numbers: Vec<u64> = (0..100).collect();
    save(&FileStore::new(), &target, &numbers).unwrap();
    let whole = fs::read(target.path()).unwrap();
    let damage = |bytes: &[u8]| {
        fs::write(target.path(), bytes).unwrap();
        let said = said::<Vec<u64>>(&target);
        assert!(said.starts_with(target.as_str()) && said.contains("delete it"), "{said}");
        said
    };

    assert!(damage(&whole[..400]).contains("is truncated"), "in the payload");
    assert!(damage(&whole[..whole.len() - 1]).contains("is truncated"), "in the footer");
    let mut flipped = whole.clone();
    flipped[50] ^= 16;
    assert!(damage(&flipped).contains("is damaged"));
    assert!(
        damage(b"these are some words that somebody put where numbers should be, and enough of them")
            .contains("is foreign")
    );
    assert!(damage(&[7; 300]).contains("is foreign"));
    let mut newer = whole.clone();
    *newer.last_mut().unwrap() = 1;
    assert!(damage(&newer).contains("which a newer pipex wrote"));
    // What is there is not called less than it is.
    for behind in [&b"x"[..], b"pipex\0\x01\0\n", &[0; 100_000], &whole[60..]] {
        let said = damage(&[&whole, behind].concat());
        let more = format!("is whole, and has {} more bytes behind its end", behind.len());
        assert_eq!(said.contains(&more), behind != &whole[60..], "{said}");
        assert!(!said.contains("truncated"), "{said}");
    }
    let mut version_0 = whole.clone();
    version_0[whole.len() - 2] = 0;
    assert!(damage(&version_0).contains("is damaged"));

    fs::write(target.path(), &whole).unwrap();
    let wrong = said::<Vec<String>>(&target);
    assert!(wrong.contains("`alloc::vec::Vec<u64>` with the shape `[u64]` was saved"), "{wrong}");
    assert!(wrong.contains("`alloc::vec::Vec<alloc::string::String>` with the shape `[str]` is asked for"), "{wrong}");
    assert_eq!(load::<Vec<u64>>(&target).unwrap(), numbers);
}

mod before {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct Range {
        pub from: f64,
        pub to: f64,
    }
}
mod after {
    #[derive(serde::Serialize, serde::Deserialize)]
    pub struct Range {
        pub to: f64,
        pub from: f64,
    }
    pub mod moved {
        #[derive(serde::Serialize, serde::Deserialize)]
        pub struct Range {
            pub from: f64,
            pub to: f64,
        }
    }
}

/// bincode writes no names: without its shape, the one would be read as the other.
#[test]
fn a_struct_whose_fields_changed_places_is_another_type() {
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "range");
    save(&FileStore::new(), &target, &before::Range { from: 1.0, to: 2.0 }).unwrap();
    let said = said::<after::Range>(&target);
    assert!(
        said.contains("Range{from,to}(f64,f64)` was saved") && said.contains("Range{to,from}(f64,f64)` is asked for"),
        "{said}"
    );
    assert_eq!(load::<after::moved::Range>(&target).unwrap().to, 2.0, "a type may move to another module");
}

#[test]
fn what_text_cannot_say_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let refused = |name: &str, save: &dyn Fn(&Location) -> StoreResult<u64>| {
        let target = self::target(dir.path(), name);
        let error = save(&target).unwrap_err().to_string();
        assert!(!target.path().exists());
        assert!(error.starts_with(&format!("the value for {target} ")) && error.contains("extension"), "{error}");
        error
    };
    let nan = vec![1.0, f64::NAN];
    assert!(
        refused("nan.json", &|target| save(&FileStore::new(), target, &nan)).contains("would not come back from json")
    );
    assert!(refused("nan.json", &|target| save(&FileStore::new(), target, &Some(f64::INFINITY))).contains("infinity"));
    let empty = vec![OnlyText { text: Some(String::new()) }];
    refused("empty.csv", &|target| save(&FileStore::new(), target, &empty));

    let json = serde_json::json!({ "a": [1, null] });
    refused("value.bin", &|target| save(&FileStore::new(), target, &json));
    let target = self::target(dir.path(), "value.json");
    save(&FileStore::new(), &target, &json).unwrap();
    assert_eq!(load::<serde_json::Value>(&target).unwrap(), json);

    // Sets come back in another order, and are the same.
    let set: HashSet<u32> = (0..1000).collect();
    let target = self::target(dir.path(), "set.json");
    save(&FileStore::new(), &target, &set).unwrap();
    assert_eq!(load::<HashSet<u32>>(&target).unwrap(), set);
}

#[derive(Debug, Serialize, Deserialize)]
struct OnlyText {
    text: Option<String>,
}

#[test]
fn text_that_its_parser_does_not_take_is_told_with_the_line() {
    let dir = tempfile::tempdir().unwrap();
    let csv = target(dir.path(), "rows.csv");
    fs::write(csv.path(), "text\na\nb,c\n").unwrap();
    let error = load::<Vec<OnlyText>>(&csv).unwrap_err();
    assert!(error.to_string().contains("cannot be read as csv: correct it, or delete it"), "{error}");
    assert!(error.source().unwrap().to_string().contains("line: 3"), "{}", error.source().unwrap());
    let json = target(dir.path(), "rows.json");
    fs::write(json.path(), "[1, 2,").unwrap();
    assert!(said::<Vec<u8>>(&json).contains("cannot be read as json"));
}

#[test]
fn a_directory_in_the_targets_place_is_no_output() {
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "place");
    fs::create_dir(target.path()).unwrap();
    let error = Store::<u8>::exists(&FileStore::new(), &target).unwrap_err();
    assert!(error.to_string().contains("is a directory, not an output"), "{error}");
}

/// Types of which the trace has to find its way out.
#[test]
fn shapes() {
    #[derive(Serialize, Deserialize)]
    struct Tree {
        value: u8,
        children: Vec<Tree>,
        parent: Option<Box<Tree>>,
    }
    #[derive(Serialize, Deserialize)]
    enum Shape {
        Circle(f64),
        Named { name: String, inner: Option<Box<Shape>> },
        Empty,
    }
    assert_eq!(&*schema::<BTreeMap<String, (u8, char)>>().shape, "{str:(u8,char)}");
    let tree = &schema::<Tree>().shape;
    assert!(tree.starts_with("Tree{value,children,parent}(u8,[") && !tree.ends_with(".."), "{tree}");
    let shape = &schema::<Vec<Shape>>().shape;
    assert!(shape.starts_with("[Shape];Shape=Circle(f64)|Named{name,inner}(str,?"), "{shape}");
    assert!(shape.ends_with("|Empty"), "{shape}");
}

#[test]
fn what_a_killed_holder_left_is_used_and_gone() {
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "value");
    fs::write(target.sibling(), "half of something longer than the value that is saved now".repeat(100)).unwrap();
    save(&FileStore::new(), &target, &1u8).unwrap();
    assert_eq!(load::<u8>(&target).unwrap(), 1);
    assert!(!target.sibling().exists());
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use super::*;
    use crate::store::SqliteStore;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn any_value_comes_back_from_a_table(value in anything()) {
            let dir = tempfile::tempdir().unwrap();
            let store = SqliteStore::new(dir.path().join("deep/outputs.sqlite"));
            for name in BINARY.into_iter().chain(["value.json"]) {
                let target = Location::new(name);
                save(&store, &target, &value).unwrap();
                let loaded: Anything = store.load(&target).unwrap();
                prop_assert_eq!(&loaded, &value);
            }
        }
    }

    #[test]
    fn a_text_is_written_as_it_is_and_another_codecs_row_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("outputs.sqlite");
        let store = SqliteStore::new(&database);
        let target = Location::new("notes.md");
        let text = "# notes".to_owned();
        save(&store, &target, &text).unwrap();
        assert_eq!(Store::<String>::load(&store, &target).unwrap(), text);
        let connection = rusqlite::Connection::open(&database).unwrap();
        let value: String = connection.query_row("SELECT value FROM outputs", [], |row| row.get(0)).unwrap();
        assert_eq!(value, text);
        assert!(Store::<u64>::exists(&store, &Location::new("other.md")).unwrap_err().to_string().contains("a text"));

        // As it was before `.md` meant anything.
        save(&store, &Location::new("older"), &text).unwrap();
        connection.execute("DELETE FROM outputs WHERE target = 'notes.md'", []).unwrap();
        connection.execute("UPDATE outputs SET target = 'notes.md'", []).unwrap();
        let error = Store::<String>::load(&store, &target).unwrap_err().to_string();
        assert!(error.contains("was written as bincode, and is to be read as text: delete it"), "{error}");
    }

    #[test]
    fn what_is_kept_can_be_read_checked_and_removed() {
        let dir = tempfile::tempdir().unwrap();
        let database = dir.path().join("outputs.sqlite");
        let store = SqliteStore::new(&database);
        let target = Location::new("a/b.json");
        let there = |target| Store::<u64>::exists(&store, target).unwrap();

        assert!(!there(&target));
        assert!(!database.exists(), "looking makes nothing");
        save(&store, &target, &42u64).unwrap();
        assert!(there(&target));

        let connection = rusqlite::Connection::open(&database).unwrap();
        let row: (String, String, String) = connection
            .query_row("SELECT value, task, type FROM outputs WHERE target = 'a/b.json'", [], |row| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?))
            })
            .unwrap();
        assert_eq!(row, ("42\n".to_owned(), "tests::made".to_owned(), "u64".to_owned()));

        let wrong = Store::<String>::load(&store, &target).unwrap_err().to_string();
        assert!(wrong.contains("a/b.json in ") && wrong.contains("another type"), "{wrong}");
        connection.execute("UPDATE outputs SET value = '43'", []).unwrap();
        let damaged = Store::<u64>::load(&store, &target).unwrap_err().to_string();
        assert!(damaged.contains("is damaged"), "{damaged}");

        Store::<u64>::remove(&store, &target).unwrap();
        assert!(!there(&target));
        let missing = Store::<u64>::remove(&store, &target).unwrap_err().to_string();
        assert!(missing.contains("is not there"), "{missing}");

        // The database itself is deleted, as any output may be.
        drop(connection);
        fs::remove_file(&database).unwrap();
        assert!(!there(&target));
        save(&store, &target, &44u64).unwrap();
        assert_eq!(Store::<u64>::load(&store, &target).unwrap(), 44);
    }
}
