//! What the journal knows of places: by keys that are the same in each run, and wherever the project is moved to.
//!
//! What was found since is in memory, and what was known before in the index, a file of which a run reads what it asks for.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::blocks::{BLOCK, Blocks, write_blocks};
use super::line::{Line, Source, There};
use super::{Journal, fingerprint_source, lock};
use crate::model::fingerprint::{Fingerprint, Key, fingerprint_bytes};
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
        since.map(|(_, record)| record).or_else(|| self.known_before(key).map(|(_, record)| record))
    }

    /// What was known of it when this run began, and its number.
    fn known_before(&self, key: Key) -> Option<(Option<usize>, IndexRecord)> {
        self.history.get_or_init(|| self.read_history()).find(key, || self.read_runs())
    }

    /// The place's number among those that were known when this run began: runs meet them in about this order. Not all have one.
    pub fn number(&self, key: Key) -> Option<usize> {
        self.known_before(key)?.0
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

/// Of a record in the index, in bytes.
const RECORD: usize = 88;
/// Of a slot of the table that finds them.
const SLOT: usize = 4;
const MAGIC: &[u8; 8] = b"pipex\0\0\x03";
const _: () = assert!(BLOCK.is_multiple_of(RECORD) && BLOCK.is_multiple_of(SLOT), "each is within one block");

impl IndexRecord {
    /// What was found to lie at a place.
    pub(super) fn new(key: Key, there: &There, found: u64) -> Self {
        IndexRecord { key, stamp: Stamp::new(there.stamp), stored: there.stored(), found }
    }

    /// What is there now, found where `earlier` was.
    pub(super) fn succeed(self, earlier: &Self) -> Self {
        IndexRecord { stored: self.stored.succeed(&earlier.stored), ..self }
    }

    /// Of two of the same place the later one; what it does not know of its maker, the earlier one may.
    fn or_later(self, other: Self) -> Self {
        let (later, earlier) = if self.found <= other.found { (other, self) } else { (self, other) };
        later.succeed(&earlier)
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

/// What was known when a run began.
pub(super) struct History {
    index: Option<Index>,
    /// What the index does not have.
    beside: Records,
    /// What the journals say, where the index turns out to be damaged.
    again: OnceLock<Records>,
}

impl History {
    pub(super) fn new(index: Option<Index>, beside: Records) -> Self {
        History { index, beside, again: OnceLock::new() }
    }

    /// Whether there is no index, or it turned out to be damaged.
    pub(super) fn lacks_index(&self) -> bool {
        self.index.is_none() || self.again.get().is_some()
    }

    /// What is known of the place, and its number in the index, if it has one: runs meet places in about this order. What the
    /// journals say is asked for where the index is damaged.
    pub(super) fn find(&self, key: Key, journals: impl FnOnce() -> Records) -> Option<(Option<usize>, IndexRecord)> {
        let beside = self.beside.find(key);
        let Some(index) = &self.index else { return beside.map(|(number, record)| (Some(number), record)) };
        let known = match index.look_up(key) {
            Some(found) => found.ok().and_then(|place| Some((Some(place), index.at(place)?))),
            None => self.again.get_or_init(journals).find(key).map(|(_, record)| (None, record)),
        };
        match (known, beside) {
            (Some((number, known)), Some((_, beside))) => Some((number, known.or_later(beside))),
            (known, beside) => known.or(beside.map(|(_, record)| (None, record))),
        }
    }
}

/// Records in the order in which their places were first met, and a hash table that finds them by their keys, with open addressing: a
/// slot is zero, or has the number of a record, counted from 1.
pub(super) trait Table {
    /// The bytes of a record; `None` if there is none, or it is damaged.
    fn record(&self, place: usize) -> Option<&[u8; RECORD]>;
    /// How many slots there are, a power of two.
    fn slots(&self) -> usize;
    fn slot(&self, slot: usize) -> Option<u32>;
    /// The place that was found last.
    fn last(&self) -> &AtomicUsize;

    /// Where the place's record is, or in which slot it belongs; `None` if that is damaged.
    fn look_up(&self, key: Key) -> Option<Result<usize, usize>> {
        let bytes = key.get().to_le_bytes();
        let is_here = |place: &usize| self.record(*place).is_some_and(|record| record[..16] == bytes);
        // A call asks twice, and a run that is repeated meets the places in nearly the same order.
        let last = self.last().load(Ordering::Relaxed);
        if let Some(place) = [last, last + 1].into_iter().find(is_here) {
            self.last().store(place, Ordering::Relaxed);
            return Some(Ok(place));
        }
        for slot in slots_from(key.get() as u64, self.slots()) {
            let Some(place) = (self.slot(slot)? as usize).checked_sub(1) else { return Some(Err(slot)) };
            if self.record(place)?[..16] == bytes {
                self.last().store(place, Ordering::Relaxed);
                return Some(Ok(place));
            }
        }
        None
    }

    fn at(&self, place: usize) -> Option<IndexRecord> {
        self.record(place).map(IndexRecord::from_bytes)
    }
}

/// All of so many slots, in the order in which a place with this lower half of its key is looked for in them.
fn slots_from(half: u64, slots: usize) -> impl Iterator<Item = usize> {
    (0..slots).map(move |step| (half as usize).wrapping_add(step) & (slots - 1))
}

/// In memory.
#[derive(Default)]
pub(super) struct Records {
    records: Vec<u8>,
    table: Vec<u8>,
    last: AtomicUsize,
}

impl Table for Records {
    fn record(&self, place: usize) -> Option<&[u8; RECORD]> {
        self.records.get(place * RECORD..)?.first_chunk()
    }

    fn slots(&self) -> usize {
        self.table.len() / SLOT
    }

    fn slot(&self, slot: usize) -> Option<u32> {
        self.table.get(slot * SLOT..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    fn last(&self) -> &AtomicUsize {
        &self.last
    }
}

impl Records {
    pub(super) fn len(&self) -> usize {
        self.records.len() / RECORD
    }

    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = IndexRecord> {
        (0..self.len()).filter_map(|place| self.at(place))
    }

    /// What is known of the place, and its number here.
    pub(super) fn find(&self, key: Key) -> Option<(usize, IndexRecord)> {
        let place = self.look_up(key)?.ok()?;
        Some((place, self.at(place)?))
    }

    /// Takes in a record. Of two of the same place the later one holds; what it does not know of its maker, the earlier one
    /// may.
    pub(super) fn add(&mut self, record: IndexRecord) {
        if 2 * (self.len() + 1) > self.slots() {
            self.grow();
        }
        match self.look_up(record.key) {
            Some(Ok(place)) => {
                let later = self.at(place).map_or(record, |known| known.or_later(record));
                self.records[place * RECORD..][..RECORD].copy_from_slice(&later.to_bytes());
            }
            Some(Err(slot)) => {
                self.records.extend_from_slice(&record.to_bytes());
                self.enter(slot, self.len());
            }
            // The table came from a file, and is none of these records.
            None => {
                self.grow();
                self.add(record);
            }
        }
    }

    /// Makes a table of twice as many slots.
    fn grow(&mut self) {
        let slots = (2 * self.slots()).max(16);
        self.table = vec![0; slots * SLOT];
        for place in 0..self.len() {
            let Some(record) = self.record(place) else { continue };
            let half = u64::from_le_bytes(*record.first_chunk().expect("a key has 16 bytes"));
            let free = slots_from(half, slots).find(|slot| self.slot(*slot) == Some(0)).expect("half of them are");
            self.enter(free, place + 1);
        }
    }

    fn enter(&mut self, slot: usize, number: usize) {
        self.table[slot * SLOT..][..SLOT].copy_from_slice(&(number as u32).to_le_bytes());
    }

    /// Writes it whole, or leaves what was there.
    pub(super) fn write(mut self, path: &Path) -> io::Result<()> {
        let count = self.len() as u64;
        self.records.append(&mut self.table);
        write_blocks(path, MAGIC, count, &self.records)
    }
}

/// In a file.
pub(super) struct Index {
    blocks: Blocks,
    /// How many bytes of it are records.
    records: usize,
    last: AtomicUsize,
}

impl Table for Index {
    fn record(&self, place: usize) -> Option<&[u8; RECORD]> {
        let start = place.checked_mul(RECORD).filter(|start| *start < self.records)?;
        self.blocks.get(start, RECORD)?.first_chunk()
    }

    fn slots(&self) -> usize {
        (self.blocks.len() - self.records) / SLOT
    }

    fn slot(&self, slot: usize) -> Option<u32> {
        self.blocks.get(self.records + slot * SLOT, SLOT)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    fn last(&self) -> &AtomicUsize {
        &self.last
    }
}

impl Index {
    /// The file; `None` if it is not there, or not whole as far as can be told without reading it.
    pub(super) fn open(path: &Path) -> Option<Self> {
        let blocks = Blocks::open(path, MAGIC)?;
        let records = usize::try_from(blocks.number()).ok()?.checked_mul(RECORD)?;
        let table = blocks.len().checked_sub(records)?;
        let is_table =
            table.is_multiple_of(SLOT) && (table / SLOT).is_power_of_two() && table / SLOT > records / RECORD;
        is_table.then(|| Index { blocks, records, last: AtomicUsize::new(0) })
    }

    pub(super) fn len(&self) -> usize {
        self.records / RECORD
    }

    /// How many of its blocks have been read.
    #[cfg(test)]
    pub(super) fn read_so_far(&self) -> usize {
        self.blocks.read_so_far()
    }

    /// All of it in memory; `None` if it is not whole.
    pub(super) fn read(&self) -> Option<Records> {
        let mut records = self.blocks.read_all()?;
        let table = records.split_off(self.records);
        Some(Records { records, table, last: AtomicUsize::new(0) })
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
