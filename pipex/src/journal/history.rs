//! What made the outputs that are there: the sum of all journals, in a file that is read in one piece.
//!
//! It only saves reading the journals: deleted or damaged, it is made from them again.

use std::collections::HashMap;
use std::fs;
use std::hash::BuildHasherDefault;
use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::line::There;
use crate::fingerprint::{AsIs, Fingerprint};
use crate::run::Key;
use crate::stale::Maker;
use crate::store::Stamp;

/// What lies at a place, and what made it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Record {
    pub(crate) key: Key,
    pub(crate) stamp: Stamp,
    pub(crate) content: Fingerprint,
    pub(crate) maker: Maker,
    /// When this was found, in nanoseconds since 1970: of two records the later one holds.
    pub(crate) found: u64,
}

const RECORD: usize = 72;
const MAGIC: &[u8; 8] = b"pipex\0\0\x01";

impl Record {
    /// What was found to lie at a place.
    pub(crate) fn of(key: Key, there: &There, found: u64) -> Self {
        Record { key, stamp: Stamp::new(there.stamp), content: there.content, maker: there.maker(), found }
    }

    fn to_bytes(self) -> [u8; RECORD] {
        let Record { key, stamp, content, maker: Maker { code, arguments, inputs }, found } = self;
        let mut bytes = [0; RECORD];
        bytes[..16].copy_from_slice(&key.get().to_le_bytes());
        bytes[16..32].copy_from_slice(&content.get().to_le_bytes());
        for (place, part) in [stamp.get(), code, arguments, inputs, found].into_iter().enumerate() {
            bytes[32 + 8 * place..40 + 8 * place].copy_from_slice(&part.to_le_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8; RECORD]) -> Self {
        let wide = |at: usize| u128::from_le_bytes(bytes[at..at + 16].try_into().expect("16 bytes"));
        let part = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        Record {
            key: Fingerprint::new(wide(0)),
            content: Fingerprint::new(wide(16)),
            stamp: Stamp::new(part(32)),
            maker: Maker { code: part(40), arguments: part(48), inputs: part(56) },
            found: part(64),
        }
    }
}

/// Records, in the order in which their places were first met. A run that is repeated meets them in nearly the same order,
/// and finds each where it looks first.
#[derive(Default)]
pub(crate) struct History {
    records: Vec<u8>,
    places: OnceLock<HashMap<Key, usize, BuildHasherDefault<AsIs>>>,
    last: AtomicUsize,
}

impl History {
    /// Reads the file; `None` if it is not there, or not whole.
    pub(crate) fn read(path: &Path) -> Option<Self> {
        let mut records = fs::read(path).ok()?;
        let checksum = records.split_off(records.len().checked_sub(8)?);
        if !records.starts_with(MAGIC)
            || !(records.len() - MAGIC.len()).is_multiple_of(RECORD)
            || checksum != xxhash_rust::xxh3::xxh3_64(&records).to_le_bytes()
        {
            return None;
        }
        Some(History { records, ..Self::default() })
    }

    /// Writes it whole, or leaves what was there.
    pub(crate) fn write(&self, path: &Path) -> io::Result<()> {
        let draft = path.with_extension("new");
        let mut file = fs::File::create(&draft)?;
        let records = if self.records.is_empty() { MAGIC } else { &self.records[..] };
        file.write_all(records)?;
        file.write_all(&xxhash_rust::xxh3::xxh3_64(records).to_le_bytes())?;
        fs::rename(draft, path)
    }

    fn len(&self) -> usize {
        self.records.len().saturating_sub(MAGIC.len()) / RECORD
    }

    fn at(&self, place: usize) -> Option<&[u8; RECORD]> {
        let start = MAGIC.len() + place * RECORD;
        self.records.get(start..start + RECORD)?.try_into().ok()
    }

    pub(crate) fn records(&self) -> impl Iterator<Item = Record> {
        (0..self.len()).filter_map(|place| self.at(place)).map(Record::from_bytes)
    }

    /// What is known of the place, and where it stands here.
    pub(crate) fn find(&self, key: Key) -> Option<(usize, Record)> {
        let last = self.last.load(Ordering::Relaxed);
        let is_here = |place: &usize| self.at(*place).is_some_and(|bytes| bytes[..16] == key.get().to_le_bytes());
        // A call asks twice.
        let place = match [last, last + 1].into_iter().find(is_here) {
            Some(place) => place,
            None => *self.places().get(&key)?,
        };
        self.last.store(place, Ordering::Relaxed);
        self.at(place).map(|bytes| (place, Record::from_bytes(bytes)))
    }

    fn places(&self) -> &HashMap<Key, usize, BuildHasherDefault<AsIs>> {
        self.places.get_or_init(|| self.records().enumerate().map(|(place, record)| (record.key, place)).collect())
    }

    /// Takes in a record. Of two of the same place the later one holds; if only one of them knows what made that very
    /// content, it is believed.
    pub(crate) fn add(&mut self, record: Record) {
        self.places();
        if self.records.is_empty() {
            self.records.extend_from_slice(MAGIC);
        }
        let end = self.len();
        let place = *self.places.get_mut().expect("it was made above").entry(record.key).or_insert(end);
        let Some(other) = self.at(place).map(Record::from_bytes) else {
            self.records.extend_from_slice(&record.to_bytes());
            return;
        };
        let (mut later, earlier) = if other.found <= record.found { (record, other) } else { (other, record) };
        if later.maker == Maker::default() && later.content == earlier.content {
            later.maker = earlier.maker;
        }
        let start = MAGIC.len() + place * RECORD;
        self.records[start..start + RECORD].copy_from_slice(&later.to_bytes());
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
