//! The index: what is written is found again, and what is damaged is found out.

use std::fs;

use proptest::prelude::*;
use proptest::sample::Index as Any;

use super::There;
use super::known::{Index, IndexRecord, Records, Table as _};
use crate::model::fingerprint::{Key, fingerprint_bytes};
use crate::store::Stamp;

fn key(place: u64) -> Key {
    fingerprint_bytes(&place.to_le_bytes())
}

fn records(count: u64) -> Records {
    let mut records = Records::default();
    for place in 0..count {
        let there = There::new(Some(key(place)), Stamp::new(place), 7);
        records.add(IndexRecord::new(key(place), &there, place));
    }
    records
}

#[test]
fn what_is_written_is_found_again_and_nothing_else() {
    let path = tempfile::tempdir().unwrap();
    let path = path.path().join("index");
    for count in [1, 8, 743, 744, 5_000] {
        let all = records(count);
        let known: Vec<_> = all.iter().collect();
        all.write(&path).unwrap();
        // Each from a file of which nothing has been read yet, and all from one.
        let index = Index::open(&path).unwrap();
        for (place, record) in known.iter().enumerate().rev() {
            let fresh = if place % 500 == 0 { &Index::open(&path).unwrap() } else { &index };
            assert_eq!(fresh.look_up(record.key), Some(Ok(place)));
            assert_eq!(fresh.at(place), Some(*record));
        }
        assert!(matches!(index.look_up(key(count)), Some(Err(_))));
        let mut read = index.read().unwrap();
        assert!(read.iter().eq(known.iter().copied()));
        // It goes on growing.
        for record in records(2 * count).iter() {
            read.add(record);
        }
        assert!((0..2 * count).all(|place| read.find(key(place)).unwrap().0 as u64 == place));
    }
}

#[test]
fn who_asks_for_few_places_of_many_reads_little() {
    let path = tempfile::tempdir().unwrap();
    let path = path.path().join("index");
    records(20_000).write(&path).unwrap();
    let index = Index::open(&path).unwrap();
    assert_eq!(index.read_so_far(), 0);
    for place in 9_000..9_010 {
        assert_eq!(index.look_up(key(place)), Some(Ok(place as usize)));
    }
    // The first record, the table once, and one or two blocks of records.
    assert!(index.read_so_far() <= 4, "{} blocks", index.read_so_far());
}

proptest! {
    #[test]
    fn what_is_damaged_is_never_taken_for_something_else(at in any::<Any>(), bit in 0..8u8) {
        let path = tempfile::tempdir().unwrap();
        let path = path.path().join("index");
        records(2_000).write(&path).unwrap();
        let mut bytes = fs::read(&path).unwrap();
        *at.get_mut(&mut bytes) ^= 1 << bit;
        fs::write(&path, bytes).unwrap();
        let Some(index) = Index::open(&path) else { return Ok(()) };
        prop_assert!(index.read().is_none());
        for place in 0..2_000 {
            match index.look_up(key(place)) {
                None => {}
                Some(found) => {
                    prop_assert_eq!(found, Ok(place as usize));
                    prop_assert_eq!(index.at(place as usize).unwrap().found, place);
                }
            }
        }
        prop_assert!(!matches!(index.look_up(key(2_000)), Some(Ok(_))));
    }
}
