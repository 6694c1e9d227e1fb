//! Large values: the bytes are bincode's, however they are written, and what is wrong with them is told, however they are read.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::path::Path;

use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer, Serialize};

use super::tests::{load, save, target};
use super::{Codec, FileStore, Location, Store, StoreResult};

fn bincode<T: Serialize>(value: &T) -> Vec<u8> {
    bincode::serde::encode_to_vec(value, bincode::config::legacy()).unwrap()
}

/// Saved as bincode writes it, whatever the codec, and loaded as it was.
fn check_with<T: Serialize + PartialEq + Debug>(store: &impl Store<T>, dir: &Path, value: &T) {
    let expected = bincode(value);
    for name in ["x", "x.zst"] {
        let target = target(dir, name);
        save(store, &target, value).unwrap();
        assert!(store.load(&target).unwrap() == *value, "{name}: {}", std::any::type_name::<T>());
        let payload = super::Listing::payload(&super::Files, &target).unwrap();
        let payload = if name == "x" { payload } else { super::expand(&payload, Some(expected.len() as u64)).unwrap() };
        assert!(payload == expected, "{name}: {}", std::any::type_name::<T>());
    }
}

fn check<T: Serialize + DeserializeOwned + PartialEq + Debug + 'static>(dir: &Path, value: &T) {
    check_with(&FileStore::new(), dir, value);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Kind {
    Unit,
    Newtype(Vec<f32>),
    Tuple(u8, Vec<i16>),
    Struct { a: char, b: Option<Vec<u128>> },
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Series(Vec<f64>);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Everything {
    kinds: Vec<Kind>,
    unit: Unit,
    series: Series,
    maybe: (Option<Vec<f64>>, Option<Vec<i64>>),
    boxed: Box<[u16]>,
    bytes: Vec<u8>,
    points: Vec<[f32; 3]>,
    more: Vec<[f64; 5]>,
    by_name: BTreeMap<String, Vec<i32>>,
    nested: Vec<Vec<Vec<i8>>>,
    flags: Vec<bool>,
    characters: Vec<char>,
    texts: Vec<String>,
    sizes: Vec<usize>,
    numbers: (i8, i16, i32, i64, i128, u8, u16, u32, u64, u128, f32, f64),
}

fn everything(count: usize) -> Everything {
    let numbers = || (0..count).map(|number| number as f64 - 7.5);
    Everything {
        kinds: vec![
            Kind::Unit,
            Kind::Newtype(numbers().map(|number| number as f32).collect()),
            Kind::Tuple(7, numbers().map(|number| number as i16).collect()),
            Kind::Struct { a: 'é', b: Some(vec![u128::MAX; count]) },
            Kind::Struct { a: '𝄞', b: None },
        ],
        unit: Unit,
        series: Series(numbers().collect()),
        maybe: (Some(numbers().collect()), None),
        boxed: vec![0x1234; count].into(),
        bytes: numbers().map(|number| number as u8).collect(),
        points: numbers().map(|number| [number as f32, 0.5, -0.0]).collect(),
        more: vec![[0.5, 1.5, 2.5, f64::INFINITY, f64::MIN_POSITIVE]; count],
        by_name: ["a", "b"].map(|name| (name.to_owned(), numbers().map(|number| number as i32).collect())).into(),
        nested: vec![vec![vec![-1; count], Vec::new()], Vec::new()],
        flags: vec![true; count],
        characters: vec!['€'; count],
        texts: vec!["a text".to_owned(); count],
        sizes: vec![usize::MAX; count],
        numbers: (-1, -2, -3, -4, -5, 1, 2, 3, 4, 5, 0.1, 0.2),
    }
}

#[test]
fn what_is_written_is_what_bincode_writes() {
    let dir = tempfile::tempdir().unwrap();
    // Around what is written at once, and what is read at once.
    for count in [0, 1, 8_192, 8_193, 20_000] {
        let numbers: Vec<f64> = (0..count).map(|number| number as f64 / 3.0).collect();
        check(dir.path(), &numbers.iter().map(|number| *number as u8).collect::<Vec<u8>>());
        check(dir.path(), &numbers.iter().map(|number| *number as i32).collect::<Vec<i32>>());
        check(dir.path(), &numbers.iter().map(|number| [*number, 0.5, 1.5]).collect::<Vec<[f64; 3]>>());
        check(dir.path(), &numbers.iter().map(|number| [*number as u8, 1, 2]).collect::<Vec<[u8; 3]>>());
        check(dir.path(), &numbers.iter().map(|number| [*number as u64; 7]).collect::<Vec<[u64; 7]>>());
        check(dir.path(), &(vec![numbers.clone(); 3], "behind".to_owned()));
        check(dir.path(), &numbers);
        check(dir.path(), &everything(count));
    }
    let text = "a text, €".repeat(50_000);
    check(dir.path(), &text);
    check(dir.path(), &vec![text; 2]);
    let signs = [f64::NAN, -0.0, f64::from_bits(0x7ff0_0000_0000_0001)];
    let target = target(dir.path(), "signs");
    save(&FileStore::new(), &target, &signs.to_vec()).unwrap();
    assert_eq!(load::<Vec<f64>>(&target).unwrap().map_bits(), signs.to_vec().map_bits());
}

trait MapBits {
    fn map_bits(&self) -> Vec<u64>;
}

impl MapBits for Vec<f64> {
    fn map_bits(&self) -> Vec<u64> {
        self.iter().map(|number| number.to_bits()).collect()
    }
}

/// What serde shows number by number grows as they come, to a power of two.
#[test]
fn vectors_of_numbers_are_read_at_once_wherever_they_are() {
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "x");
    let count = 300_000;
    save(&FileStore::new(), &target, &everything(count)).unwrap();
    let Everything { kinds, series, maybe, bytes, points, by_name, nested, .. } = load(&target).unwrap();
    let (Kind::Newtype(first), Kind::Tuple(_, second)) = (&kinds[1], &kinds[2]) else { panic!("other kinds") };
    assert_eq!([first.capacity(), second.capacity(), series.0.capacity(), points.capacity()], [count; 4]);
    assert_eq!([maybe.0.unwrap().capacity(), bytes.capacity(), by_name["b"].capacity()], [count; 3]);
    assert_eq!(nested[0][0].capacity(), count);
}

#[test]
fn what_a_type_makes_of_a_vector_it_makes_of_it() {
    fn only_positive<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<f64>, D::Error> {
        struct Positive;
        impl<'de> serde::de::Visitor<'de> for Positive {
            type Value = Vec<f64>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("positive numbers")
            }
            fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<f64>, A::Error> {
                let mut numbers = Vec::new();
                while let Some(number) = elements.next_element()? {
                    if number < 0.0 {
                        return Err(A::Error::custom("a number below zero"));
                    }
                    numbers.push(number);
                }
                Ok(numbers)
            }
        }
        deserializer.deserialize_seq(Positive)
    }
    #[derive(Debug, Serialize, Deserialize)]
    struct Strict {
        #[serde(deserialize_with = "only_positive")]
        numbers: Vec<f64>,
    }
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "x");
    save(&FileStore::new(), &target, &Strict { numbers: vec![1.0; 100_000] }).unwrap();
    assert_eq!(load::<Strict>(&target).unwrap().numbers.len(), 100_000);
    save(&FileStore::new(), &target, &Strict { numbers: vec![-1.0] }).unwrap();
    let error = load::<Strict>(&target).unwrap_err();
    assert_eq!(error.source().unwrap().to_string(), "a number below zero");
}

/// The pieces of a value, and what is said of it in the end.
fn pieces<T: 'static>(store: &impl Store<T>, target: &Location, count: usize) -> StoreResult<(Vec<T>, Option<String>)> {
    let pieces = store.pieces(target, count)?.expect("it has pieces");
    let (mut whole, mut said) = (Vec::new(), Vec::new());
    for piece in pieces {
        assert!(said.is_empty(), "something behind an error");
        match piece {
            Ok(piece) => whole.push(piece),
            Err(error) => said.push(error.to_string()),
        }
    }
    Ok((whole, said.pop()))
}

fn rows(count: u32) -> Vec<(u32, String)> {
    // Some are large.
    (0..count)
        .map(|number| (number, "x".repeat(if number % 1_000 == 7 { 200_000 } else { number as usize % 50 })))
        .collect()
}

#[test]
fn a_vector_comes_in_pieces() {
    let dir = tempfile::tempdir().unwrap();
    let numbers: Vec<f64> = (0..100_000).map(f64::from).collect();
    let rows = rows(10_000);
    for name in ["x", "x.zst"] {
        let target = target(dir.path(), name);
        for count in [1_000, 7_777, 99_999, 100_000, usize::MAX] {
            save(&FileStore::new(), &target, &numbers).unwrap();
            let (whole, said) = pieces::<Vec<f64>>(&FileStore::new(), &target, count).unwrap();
            assert_eq!((said, whole.len()), (None, numbers.len().div_ceil(count)));
            assert!(whole[..whole.len() - 1].iter().all(|piece: &Vec<f64>| piece.len() == count));
            assert!(whole.concat() == numbers, "{count}");

            save(&FileStore::new(), &target, &rows).unwrap();
            let (whole, said) = pieces::<Vec<(u32, String)>>(&FileStore::new(), &target, count).unwrap();
            assert_eq!(said, None);
            assert!(whole.concat() == rows, "{count}");
        }
        save(&FileStore::new(), &target, &Vec::<f64>::new()).unwrap();
        assert_eq!(pieces::<Vec<f64>>(&FileStore::new(), &target, 10).unwrap(), (Vec::new(), None));
        save(&FileStore::new(), &target, &vec![(); 100]).unwrap();
        assert_eq!(pieces::<Vec<()>>(&FileStore::new(), &target, 60).unwrap().0, [vec![(); 60], vec![(); 40]]);
    }
    // What is no sequence has none.
    let target = target(dir.path(), "number");
    save(&FileStore::new(), &target, &7_u64).unwrap();
    assert!(Store::<u64>::pieces(&FileStore::new(), &target, 1).unwrap().is_none());
}

/// Each byte that is another, and each that is missing, is told: by the load, and by the pieces no later than with the last.
#[test]
fn damage_of_what_is_large_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let numbers: Vec<f64> = (0..50_000).map(f64::from).collect();
    let rows = rows(2_000);
    for name in ["x", "x.zst"] {
        let target = target(dir.path(), name);
        save(&FileStore::new(), &target, &numbers).unwrap();
        damage::<Vec<f64>>(&target);
        save(&FileStore::new(), &target, &rows).unwrap();
        damage::<Vec<(u32, String)>>(&target);
    }
}

fn damage<T: Serialize + DeserializeOwned + 'static>(target: &Location) {
    let whole = fs::read(target.path()).unwrap();
    let footer = u32::from_le_bytes(*whole[..whole.len() - 16].last_chunk().unwrap()) as usize;
    let length = whole.len() - footer;
    let places = (0..8).chain((8..length).step_by(length / 40)).chain(length - 8..length);
    for at in places {
        let mut bytes = whole.clone();
        bytes[at] ^= 0x10;
        fs::write(target.path(), bytes).unwrap();
        let error = load::<T>(target).err().expect("it was loaded").to_string();
        assert!(error.contains("is damaged"), "{target}, {at}: {error}");
        let said = match pieces::<T>(&FileStore::new(), target, 1_000) {
            Ok((_, said)) => said.expect("nothing was said"),
            Err(error) => error.to_string(),
        };
        assert!(said.contains("is damaged"), "{target}, {at}: {said}");
    }
    fs::write(target.path(), &whole[..length - 100]).unwrap();
    assert!(load::<T>(target).is_err_and(|error| error.to_string().contains("is truncated")));
    assert!(Store::<T>::pieces(&FileStore::new(), target, 10).unwrap().is_none(), "loading says it");
    fs::write(target.path(), &whole).unwrap();
    assert!(load::<T>(target).is_ok());
}

#[test]
fn pieces_of_another_type_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let target = target(dir.path(), "x");
    save(&FileStore::new(), &target, &vec![1.5_f64; 100_000]).unwrap();
    let said = pieces::<Vec<i64>>(&FileStore::new(), &target, 10).unwrap_err().to_string();
    assert!(said.contains("[f64]") && said.contains("[i64]"), "{said}");
    let said = load::<Vec<i64>>(&target).unwrap_err().to_string();
    assert!(said.contains("[f64]") && said.contains("[i64]"), "{said}");
}

#[test]
fn arrays_are_as_ndarray_shows_them_to_serde() {
    let dir = tempfile::tempdir().unwrap();
    let grid = ndarray::Array2::from_shape_fn((300, 200), |(row, column)| row as f64 + column as f64 / 1_000.0);
    check(dir.path(), &grid);
    check(dir.path(), &grid.reversed_axes());
}

#[cfg(feature = "bytemuck")]
mod pod {
    use bytemuck::Zeroable;

    use super::*;
    use crate::store::Pod;

    #[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, Zeroable, Serialize, Deserialize)]
    #[repr(C)]
    struct Particle {
        place: [f32; 3],
        id: u32,
        kind: [u8; 8],
    }

    /// Memory has it otherwise than serde shows it.
    #[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, Zeroable, Serialize, Deserialize)]
    #[repr(C)]
    struct Mixed {
        #[serde(skip)]
        skipped: u32,
        #[serde(serialize_with = "write_negative", deserialize_with = "read_negative")]
        number: f32,
    }

    fn write_negative<S: serde::Serializer>(number: &f32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f32(-number)
    }

    fn read_negative<'de, D: Deserializer<'de>>(deserializer: D) -> Result<f32, D::Error> {
        f32::deserialize(deserializer).map(|number| -number)
    }

    #[test]
    fn plain_structs_are_what_bincode_writes_too() {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::new().codec(Pod);
        for count in [0, 1, 50_000] {
            let particles: Vec<Particle> =
                (0..count).map(|id| Particle { place: [id as f32, 0.5, 1.5], id, kind: *b"particle" }).collect();
            check_with(&store, dir.path(), &particles);
            // The one reads what the other wrote.
            let target = target(dir.path(), "x");
            assert!(load::<Vec<Particle>>(&target).unwrap() == particles);
            save(&FileStore::new(), &target, &particles).unwrap();
            let loaded: Vec<Particle> = store.load(&target).unwrap();
            assert!(loaded == particles);
            let (whole, said) = pieces::<Vec<Particle>>(&store, &target, 999).unwrap();
            assert!(said.is_none() && whole.concat() == particles);
            check_with(&store, dir.path(), &vec![Mixed { skipped: 0, number: 0.5 }; count as usize]);
        }
    }

    #[test]
    fn damage_of_plain_structs_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let target = target(dir.path(), "x");
        let store = FileStore::new().codec(Pod);
        for count in [3, 50_000] {
            save(&store, &target, &vec![Particle::zeroed(); count]).unwrap();
            let mut bytes = fs::read(target.path()).unwrap();
            bytes[60] ^= 1;
            fs::write(target.path(), bytes).unwrap();
            let said = Store::<Vec<Particle>>::load(&store, &target).unwrap_err().to_string();
            assert!(said.contains("is damaged"), "{said}");
        }
        // A length that nothing stands behind.
        for count in [1, 1_u64 << 40, u64::MAX] {
            let bytes = [&count.to_le_bytes()[..], &[0; 10]].concat();
            let decoded: StoreResult<Vec<Particle>> = Pod.decode(&bytes);
            assert_eq!(decoded.unwrap_err().to_string(), "it ends before the value does");
        }
    }
}
