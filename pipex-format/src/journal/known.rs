//! What the journal knows of places: by keys that are the same in each run, and wherever the project is moved to.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;

use super::history::IndexRecord;
use super::line::{Line, Source, There};
use super::{Journal, fingerprint_source, lock};
use crate::model::fingerprint::{Fingerprint, Key, fingerprint_bytes};
use crate::model::provenance::Present;
use crate::model::target::Location;
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
    let target = match target.strip_prefix(root) {
        Some(within) if !root.is_empty() && within.starts_with('/') => &within[1..],
        _ if prefix.is_empty() || target.starts_with('/') => target,
        _ => return fingerprint_bytes(format!("{store}\0{prefix}{target}").as_bytes()),
    };
    if store.is_empty() {
        return fingerprint_bytes(target.as_bytes());
    }
    fingerprint_bytes(format!("{store}\0{target}").as_bytes())
}

impl Roots {
    pub(super) fn find(directory: &Path) -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        let root = here.join(directory).parent().map(|root| root.to_string_lossy().into_owned()).unwrap_or_default();
        let here = here.to_string_lossy();
        let prefix = match here.strip_prefix(&root) {
            Some("") => String::new(),
            Some(within) if within.starts_with('/') => format!("{}/", &within[1..]),
            _ => format!("{here}/"),
        };
        Roots { root, prefix }
    }
}
