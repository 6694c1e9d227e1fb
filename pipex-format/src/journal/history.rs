//! What made the outputs that are there: the sum of all journals, in a file that is read in one piece.
//!
//! It only saves reading the journals: deleted or damaged, it is made from them again.

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::hash::BuildHasherDefault;
use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::line::There;
use crate::model::fingerprint::{AsIs, Fingerprint, Key};
use crate::model::or_zero;
use crate::model::provenance::{Provenance, Stored};
use crate::store::{Stamp, open_regular};

/// What lies at a place, and what made it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct IndexRecord {
    pub(super) key: Key,
    pub(super) stamp: Stamp,
    pub(super) stored: Stored,
    /// When this was found, in nanoseconds since 1970: of two records the later one holds.
    pub(super) found: u64,
}

const RECORD: usize = 88;
const MAGIC: &[u8; 8] = b"pipex\0\0\x02";

impl IndexRecord {
    /// What was found to lie at a place.
    pub(super) fn new(key: Key, there: &There, found: u64) -> Self {
        IndexRecord { key, stamp: Stamp::new(there.stamp), stored: there.stored(), found }
    }

    /// What is there now, found where `earlier` was.
    pub(super) fn succeed(self, earlier: &Self) -> Self {
        IndexRecord { stored: self.stored.succeed(&earlier.stored), ..self }
    }

    fn to_bytes(self) -> [u8; RECORD] {
        let IndexRecord { key, stamp, stored: Stored { content, provenance, original, .. }, found } = self;
        let Provenance { code, arguments, inputs, format } = provenance;
        let mut bytes = [0; RECORD];
        bytes[..16].copy_from_slice(&key.get().to_le_bytes());
        bytes[16..32].copy_from_slice(&or_zero::to_number(content).to_le_bytes());
        let halves = [code, arguments, inputs, format, original].map(or_zero::to_half);
        for (place, part) in [stamp.get()].into_iter().chain(halves).chain([found]).enumerate() {
            bytes[32 + 8 * place..40 + 8 * place].copy_from_slice(&part.to_le_bytes());
        }
        bytes
    }

    fn from_bytes(bytes: &[u8; RECORD]) -> Self {
        let wide = |at: usize| u128::from_le_bytes(bytes[at..at + 16].try_into().expect("16 bytes"));
        let part = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("8 bytes"));
        let half = |at: usize| or_zero::from_number(part(at).into());
        let provenance = Provenance::new(half(40), half(48), half(56)).with_format(half(64));
        IndexRecord {
            key: Fingerprint::new(wide(0)),
            stamp: Stamp::new(part(32)),
            stored: Stored { original: half(72), ..Stored::new(or_zero::from_number(wide(16)), provenance) },
            found: part(80),
        }
    }
}

/// Records, in the order in which their places were first met. A run that is repeated meets them in nearly the same order,
/// and finds each where it looks first.
#[derive(Default)]
pub(super) struct History {
    records: Vec<u8>,
    places: OnceLock<HashMap<Key, usize, BuildHasherDefault<AsIs>>>,
    last: AtomicUsize,
}

impl History {
    /// Reads the file; `None` if it is not there, or not whole.
    pub(super) fn read(path: &Path) -> Option<Self> {
        let mut file = open_regular(path, OpenOptions::new().read(true)).ok()?;
        let mut records = vec![0; MAGIC.len()];
        file.read_exact(&mut records).ok().filter(|()| records == MAGIC)?;
        file.read_to_end(&mut records).ok()?;
        let checksum = records.split_off(records.len().checked_sub(8)?);
        if !records.len().checked_sub(MAGIC.len())?.is_multiple_of(RECORD)
            || checksum != xxhash_rust::xxh3::xxh3_64(&records).to_le_bytes()
        {
            return None;
        }
        Some(History { records, ..Self::default() })
    }

    /// Writes it whole, or leaves what was there.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        let draft = path.with_extension("new");
        // What a kill left there, or a link to somewhere else, is not written to.
        if let Err(error) = fs::remove_file(&draft)
            && error.kind() != io::ErrorKind::NotFound
        {
            return Err(error);
        }
        let mut file = OpenOptions::new().write(true).create_new(true).open(&draft)?;
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

    pub(super) fn records(&self) -> impl Iterator<Item = IndexRecord> {
        (0..self.len()).filter_map(|place| self.at(place)).map(IndexRecord::from_bytes)
    }

    /// What is known of the place, and where it stands here.
    pub(super) fn find(&self, key: Key) -> Option<(usize, IndexRecord)> {
        let last = self.last.load(Ordering::Relaxed);
        let is_here = |place: &usize| self.at(*place).is_some_and(|bytes| bytes[..16] == key.get().to_le_bytes());
        // A call asks twice.
        let place = match [last, last + 1].into_iter().find(is_here) {
            Some(place) => place,
            None => *self.places().get(&key)?,
        };
        self.last.store(place, Ordering::Relaxed);
        self.at(place).map(|bytes| (place, IndexRecord::from_bytes(bytes)))
    }

    fn places(&self) -> &HashMap<Key, usize, BuildHasherDefault<AsIs>> {
        self.places.get_or_init(|| self.records().enumerate().map(|(place, record)| (record.key, place)).collect())
    }

    /// Takes in a record. Of two of the same place the later one holds; what it does not know of its maker, the earlier one
    /// may.
    pub(super) fn add(&mut self, record: IndexRecord) {
        self.places();
        if self.records.is_empty() {
            self.records.extend_from_slice(MAGIC);
        }
        let end = self.len();
        let place = *self.places.get_mut().expect("it was made above").entry(record.key).or_insert(end);
        let Some(other) = self.at(place).map(IndexRecord::from_bytes) else {
            self.records.extend_from_slice(&record.to_bytes());
            return;
        };
        let (later, earlier) = if other.found <= record.found { (record, other) } else { (other, record) };
        let later = later.succeed(&earlier);
        let start = MAGIC.len() + place * RECORD;
        self.records[start..start + RECORD].copy_from_slice(&later.to_bytes());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
