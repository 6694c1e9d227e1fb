//! What the journal knows of places: by keys that are the same in each run, and wherever the project is moved to.
//!
//! The index, a file that is read in one piece, is the sum of all journals. It only saves reading them: deleted or damaged, it is
//! made from them again.

use std::collections::HashMap;
use std::fs;
use std::hash::BuildHasherDefault;
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::line::{Line, Source, There};
use super::whole::{read_whole, write_whole};
use super::{Journal, fingerprint_source, lock};
use crate::model::fingerprint::{AsIs, Fingerprint, Key, fingerprint_bytes};
use crate::model::or_zero;
use crate::model::provenance::{Present, Provenance, Stored};
use crate::model::target::{Location, url_scheme};
use crate::root::normalize;
use crate::store::{Entry, Stamp};

impl Journal {
    /// What tells a target from all others, of whatever store: the same in each run, and wherever the project is moved to.
    pub fn key(&self, store: &str, target: &Location) -> Key {
        let Roots { root, prefix } = self.roots();
        key(root, prefix, store, target.as_str())
    }

    pub(super) fn roots(&self) -> &Roots {
        self.roots.get_or_init(|| Roots::find(&self.directory))
    }

    /// What is known of the place.
    fn known(&self, key: Key) -> Option<IndexRecord> {
        let since = self.has_found.load(Ordering::Acquire).then(|| lock(&self.found).find(key)).flatten();
        since.or_else(|| self.known_before(key)).map(|(_, record)| record)
    }

    /// What was known of it when this run began, and its number among all such places: runs meet them in about this order.
    fn known_before(&self, key: Key) -> Option<(usize, IndexRecord)> {
        self.history.get_or_init(|| self.read_history()).find(key)
    }

    /// The place's number, if it was known when this run began.
    pub fn number(&self, key: Key) -> Option<usize> {
        self.known_before(key).map(|(number, _)| number)
    }

    /// What lies at the place, and what made it, as far as is known now.
    pub fn expected(&self, key: Key) -> Option<(Option<Fingerprint>, Present)> {
        self.known(key).map(|record| (record.stored.content, record.stored.present()))
    }

    /// What lies at the place, as far as the journal knows.
    pub fn content(&self, key: Key) -> Option<Fingerprint> {
        self.known(key)?.stored.content
    }

    /// What lies at the place, and what made it. Where the stamp is another than the journal's, its content decides, and
    /// what was found there comes back for the journal's line.
    pub fn there(
        &self,
        key: Key,
        stamp: Stamp,
        read: impl FnOnce() -> Option<Entry>,
    ) -> (Option<Fingerprint>, Present, Option<There>) {
        let known = self.known(key);
        if let Some(record) = known.filter(|record| record.stamp == stamp) {
            return (record.stored.content, record.stored.present(), None);
        }
        let there = read().map_or(There::new(None::<Fingerprint>, stamp, 0), |entry| There::from_entry(&entry));
        let mut found = IndexRecord::new(key, &there, self.now());
        if let Some(known) = known {
            found = found.succeed(&known);
        }
        self.add(found);
        (found.stored.content, found.stored.present(), Some(there))
    }

    /// Takes down what lies at a place.
    pub fn found(&self, key: Key, there: There) {
        self.add(IndexRecord::new(key, &there, self.now()));
    }

    pub(super) fn add(&self, record: IndexRecord) {
        lock(&self.found).add(record);
        self.has_found.store(true, Ordering::Release);
    }

    /// What lies at a path that is an argument, `Some(None)` if it cannot be read; `None` if it is no file.
    pub fn source(&self, path: &Path) -> Option<Option<Fingerprint>> {
        if let Some(known) = lock(&self.sources).get(path) {
            return *known;
        }
        let content = self.read_source(path);
        lock(&self.sources).insert(path.to_owned(), content);
        content
    }

    fn read_source(&self, path: &Path) -> Option<Option<Fingerprint>> {
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let stamp = Stamp::from_metadata(&metadata);
        let location = Location::new(path.to_str()?);
        let key = self.key("source:", &location);
        if let Some(record) = self.known(key).filter(|record| record.stamp == stamp) {
            return Some(record.stored.content);
        }
        let Ok(content) = fingerprint_source(path) else {
            return Some(None);
        };
        let path = location.as_str().into();
        self.found(key, There::new(content, stamp, metadata.len()));
        self.write(None, false, |_| Line::Source(Source { path, stamp: stamp.get(), content }));
        Some(Some(content))
    }
}

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
        let records = read_whole(path, MAGIC)?;
        records.len().is_multiple_of(RECORD).then(|| History { records, ..Self::default() })
    }

    /// Writes it whole, or leaves what was there.
    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        write_whole(path, MAGIC, &self.records)
    }

    fn len(&self) -> usize {
        self.records.len() / RECORD
    }

    fn at(&self, place: usize) -> Option<&[u8; RECORD]> {
        let start = place * RECORD;
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
        let end = self.len();
        let place = *self.places.get_mut().expect("it was made above").entry(record.key).or_insert(end);
        let Some(other) = self.at(place).map(IndexRecord::from_bytes) else {
            self.records.extend_from_slice(&record.to_bytes());
            return;
        };
        let (later, earlier) = if other.found <= record.found { (record, other) } else { (other, record) };
        let later = later.succeed(&earlier);
        let start = place * RECORD;
        self.records[start..start + RECORD].copy_from_slice(&later.to_bytes());
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What relative targets are relative to, and where the journal is.
#[derive(Debug, Clone)]
pub(super) struct Roots {
    /// The directory that the journal is in.
    pub(super) root: String,
    /// What stands before a relative target to make it one from there.
    pub(super) prefix: String,
}

/// The key of a target where there is no journal.
pub fn target_key(store: &str, target: &Location) -> Key {
    key("", "", store, target.as_str())
}

pub(super) fn key(root: &str, prefix: &str, store: &str, target: &str) -> Key {
    let from_here;
    let target = match target.strip_prefix(root) {
        Some(within) if !root.is_empty() && within.starts_with('/') => &within[1..],
        _ if prefix.is_empty() || target.starts_with('/') || url_scheme(target).is_some() => target,
        // In a store of another kind nothing is relative.
        _ if !is_path(store) => target,
        _ => {
            from_here = normalize(&Path::new(prefix).join(target));
            &from_here.to_string_lossy()
        }
    };
    if store.is_empty() {
        return fingerprint_bytes(target.as_bytes());
    }
    fingerprint_bytes(format!("{store}\0{target}").as_bytes())
}

/// Whether what is in this store is called by its path: files, and those whose paths were arguments.
fn is_path(store: &str) -> bool {
    matches!(store, "" | "source:")
}

impl Roots {
    pub(super) fn find(directory: &Path) -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        let directory = normalize(&here.join(directory));
        let root = directory.parent().map(|root| root.to_string_lossy().into_owned()).unwrap_or_default();
        let here = here.to_string_lossy();
        let prefix = match here.strip_prefix(&root) {
            Some("") => String::new(),
            Some(within) if within.starts_with('/') => format!("{}/", &within[1..]),
            _ => format!("{here}/"),
        };
        Roots { root, prefix }
    }
}
