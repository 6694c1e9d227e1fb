//! Files whose checksums are right and whose contents are made up: an error, and no more memory or time than there are bytes.

use std::collections::{BTreeMap, HashMap};
use std::fs;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::codec::Shape;
use super::footer::Footer;
use super::tests::{load, record, save, target};
use super::{FileStore, Location, Store};
use crate::model::fingerprint::fingerprint_bytes;

/// What loading a `T` says of a whole file with this payload, with its cause.
fn refused<T: Serialize + DeserializeOwned + 'static>(name: &str, payload: &[u8], expanded: Option<u64>) -> String {
    let dir = tempfile::tempdir().unwrap();
    let target = forged::<T>(&target(dir.path(), name), payload, expanded);
    match load::<T>(&target) {
        Ok(_) => panic!("it was loaded"),
        Err(error) => format!("{error}: {}", error.source().map(ToString::to_string).unwrap_or_default()),
    }
}

fn forged<T: DeserializeOwned + 'static>(target: &Location, payload: &[u8], expanded: Option<u64>) -> Location {
    let mut file = payload.to_vec();
    let length = payload.len() as u64;
    let shape = Shape::from_serde::<T>();
    Footer::new(record(), std::any::type_name::<T>(), Some(&shape), length, fingerprint_bytes(payload), expanded)
        .append_to(&mut file);
    fs::write(target.path(), file).unwrap();
    target.clone()
}

const LENGTHS: [u64; 4] = [u64::MAX, 1 << 63, 1 << 40, 1 << 20];

#[test]
fn a_length_is_believed_as_far_as_there_are_bytes() {
    for length in LENGTHS {
        let payload = [&length.to_le_bytes()[..], b"some bytes"].concat();
        for said in [
            refused::<String>("x", &payload, None),
            refused::<Vec<u8>>("x", &payload, None),
            refused::<Vec<f64>>("x", &payload, None),
            refused::<Vec<Vec<String>>>("x", &payload, None),
            refused::<Box<str>>("x", &payload, None),
            refused::<HashMap<u8, u8>>("x", &payload, None),
            refused::<BTreeMap<String, ()>>("x", &payload, None),
            refused::<std::path::PathBuf>("x", &payload, None),
        ] {
            assert!(said.contains("cannot be read as bincode") && said.contains("it ends before"), "{length}: {said}");
        }
    }
}

/// Makes room for as many as it is told that there are.
#[derive(Serialize)]
struct Trusting(Vec<f64>);

impl<'de> Deserialize<'de> for Trusting {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Trusting;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("numbers")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut elements: A) -> Result<Trusting, A::Error> {
                let mut numbers = Vec::with_capacity(elements.size_hint().unwrap_or_default());
                while let Some(number) = elements.next_element()? {
                    numbers.push(number);
                }
                Ok(Trusting(numbers))
            }
        }
        deserializer.deserialize_seq(Visitor)
    }
}

#[test]
fn a_type_that_believes_what_it_is_told_is_told_no_more_than_there_is() {
    for length in LENGTHS {
        let payload = [&length.to_le_bytes()[..], &[0; 80]].concat();
        assert!(refused::<Trusting>("x", &payload, None).contains("it ends before"));
    }
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "x");
    save(&FileStore::new(), &target, &Trusting(vec![0.5; 1000])).unwrap();
    assert_eq!(load::<Trusting>(&target).unwrap().0, [0.5; 1000]);
}

#[test]
fn elements_that_take_no_bytes_are_not_counted_for_ever() {
    let payload = u64::MAX.to_le_bytes();
    assert!(refused::<HashMap<(), ()>>("x", &payload, None).contains("elements that take no bytes"));
    let nested = [&1_u64.to_le_bytes()[..], &payload].concat();
    assert!(refused::<Vec<Vec<((), [u8; 0])>>>("x", &nested, None).contains("elements that take no bytes"));
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "x");
    save(&FileStore::new(), &target, &vec![(); 100_000]).unwrap();
    assert_eq!(load::<Vec<()>>(&target).unwrap().len(), 100_000);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct List {
    number: u32,
    next: Option<Box<List>>,
}

impl List {
    fn new(length: u32) -> Self {
        let first = List { number: 0, next: None };
        (1..length).fold(first, |next, number| List { number, next: Some(Box::new(next)) })
    }
}

#[test]
fn nesting_ends_before_the_stack_does() {
    let level = [&7_u32.to_le_bytes()[..], &[1]].concat();
    assert!(refused::<List>("x", &level.repeat(100_000), None).contains("nests so deep"));
    let deep = "[".repeat(100_000);
    let dir = tempfile::tempdir().unwrap();
    let json = target(dir.path(), "x.json");
    fs::write(json.path(), deep).unwrap();
    let error = load::<serde_json::Value>(&json).unwrap_err();
    assert!(error.source().unwrap().to_string().contains("recursion limit"), "{error}");

    // What could not be read again is not saved.
    let list = target(dir.path(), "x");
    save(&FileStore::new(), &list, &List::new(200)).unwrap();
    assert_eq!(load::<List>(&list).unwrap(), List::new(200));
    let thread = std::thread::Builder::new().stack_size(256 << 20);
    let saved = thread.spawn(move || {
        let mut deep = List::new(100_000);
        let saved = save(&FileStore::new(), &target(dir.path(), "deep"), &deep).unwrap_err().to_string();
        // Dropped as it is, it would take all of any stack.
        while let Some(next) = deep.next.take() {
            deep = *next;
        }
        saved
    });
    let error = saved.unwrap().join().unwrap();
    assert!(error.contains("cannot be written as bincode"), "{error}");
}

#[cfg(feature = "zstd")]
#[test]
fn what_is_compressed_expands_to_what_its_footer_says() {
    let payload = |bytes: usize| zstd::encode_all(&vec![0; bytes][..], 19).unwrap();
    let bomb = payload(64 << 20);
    assert!(bomb.len() < 10_000);
    for expanded in [0, 1000, (64 << 20) - 1, (64 << 20) + 1] {
        let said = [
            refused::<Vec<u8>>("x.zst", &bomb, Some(expanded)),
            refused::<Vec<u8>>("x.json.zst", &bomb, Some(expanded)),
            refused::<Vec<List>>("x.csv.zst", &bomb, Some(expanded)),
        ];
        for said in said {
            assert!(said.contains(&format!("it does not expand to the {expanded} bytes")), "{said}");
        }
    }
    // No more room is made than there is.
    assert!(refused::<Vec<u8>>("x.zst", &bomb, Some(u64::MAX)).contains("cannot be read as zstd of bincode"));

    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "x.zst");
    let zeros = vec![0_u8; 1 << 20];
    save(&FileStore::new(), &target, &zeros).unwrap();
    assert_eq!(load::<Vec<u8>>(&target).unwrap(), zeros);
    let entry = super::Listing::entry(&super::Files, &target).unwrap().unwrap();
    assert_eq!(entry.expanded, Some((1 << 20) + 8));
}

/// A footer that goes on behind what this version knows is read as far as it is known.
#[test]
fn a_footer_may_have_more_fields() {
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "x");
    save(&FileStore::new(), &target, &7_u64).unwrap();
    let whole = fs::read(target.path()).unwrap();
    let tail = whole.len() - 20;
    let mut footer = [&whole[8..tail], b"some field of tomorrow"].concat();
    let length = footer.len() as u32 + 20;
    footer[4..8].copy_from_slice(&(length - 8).to_le_bytes());
    footer.extend_from_slice(&length.to_le_bytes());
    let checksum = xxhash_rust::xxh3::xxh3_64(&footer);
    footer.extend_from_slice(&checksum.to_le_bytes());
    footer.extend_from_slice(&whole[whole.len() - 8..]);
    fs::write(target.path(), [&whole[..8], &footer].concat()).unwrap();
    assert_eq!(load::<u64>(&target).unwrap(), 7);
    assert!(Store::<u64>::exists(&FileStore::new(), &target).unwrap());
}
