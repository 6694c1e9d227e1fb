//! What is in a bucket, asked by listing where it would be asked thousands of times.
//!
//! While a flow run goes on, a directory of which more than [`FEW`] objects have been asked for is listed, and from then on known; and so
//! is one with as many directories that have been. What is not in a list is missing, as far as one can know without asking: who
//! claims a target asks for itself.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ahead::Ahead;
use super::seen::Seen;

/// How many questions a list saves at least.
const FEW: u32 = 8;

/// What is known of a bucket.
#[derive(Default)]
pub(super) struct Lists {
    /// Of which flow run.
    run: u64,
    /// The directories that have been listed, with all below.
    listed: HashSet<String>,
    objects: HashMap<String, Known>,
    /// How much has been asked for in each directory that has not been.
    asked: HashMap<String, u32>,
    pub(super) ahead: Ahead,
}

enum Known {
    There(Seen),
    /// Somebody writes it who does not say so.
    Asked,
}

static RUNNING: AtomicUsize = AtomicUsize::new(0);
static RUNS: AtomicU64 = AtomicU64::new(0);

/// What is listed counts while one of these lives, and no longer than until the next.
pub(in crate::store) struct KeptLists(());

impl KeptLists {
    pub(in crate::store) fn keep() -> Self {
        RUNS.fetch_add(1, Ordering::Relaxed);
        RUNNING.fetch_add(1, Ordering::Relaxed);
        KeptLists(())
    }
}

impl Drop for KeptLists {
    fn drop(&mut self) {
        RUNNING.fetch_sub(1, Ordering::Relaxed);
    }
}

/// What is known of a bucket, if anything counts now.
pub(super) fn current(lists: &Mutex<Lists>) -> Option<MutexGuard<'_, Lists>> {
    if RUNNING.load(Ordering::Relaxed) == 0 {
        return None;
    }
    let mut lists = lists.lock().unwrap_or_else(PoisonError::into_inner);
    let run = RUNS.load(Ordering::Relaxed);
    if lists.run != run {
        *lists = Lists { run, ..Lists::default() };
    }
    Some(lists)
}

/// What is known of an object.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Known(Option<Seen>),
    /// Its server is to be asked.
    Ask,
    /// This directory is to be listed.
    List(String),
}

impl Lists {
    /// What is known of the object with this path; it counts as a question.
    pub(super) fn look(&mut self, path: &str) -> Answer {
        match self.objects.get(path) {
            Some(Known::There(seen)) => Answer::Known(Some(seen.clone())),
            Some(Known::Asked) => Answer::Ask,
            None if self.has_listed(path) => Answer::Known(None),
            None => self.count(path).map_or(Answer::Ask, Answer::List),
        }
    }

    /// The object with this path, if it is known to be there.
    pub(super) fn find(&self, path: &str) -> Option<Seen> {
        match self.objects.get(path) {
            Some(Known::There(seen)) => Some(seen.clone()),
            _ => None,
        }
    }

    /// What has been found in a directory that was listed.
    pub(super) fn add(&mut self, directory: String, found: Vec<(String, Seen)>) {
        for (path, seen) in found {
            self.objects.entry(path).or_insert(Known::There(seen));
        }
        self.listed.insert(directory);
    }

    /// It is known to be there.
    pub(super) fn found(&mut self, path: &str, seen: Seen) {
        if !matches!(self.objects.get(path), Some(Known::Asked)) {
            self.objects.insert(path.to_owned(), Known::There(seen));
        }
    }

    /// It is known not to be there.
    pub(super) fn gone(&mut self, path: &str) {
        if let Some(Known::There(_)) = self.objects.get(path) {
            self.objects.remove(path);
        }
    }

    /// From now on its server is asked.
    pub(super) fn always_ask(&mut self, path: &str) {
        self.objects.insert(path.to_owned(), Known::Asked);
    }

    fn has_listed(&self, path: &str) -> bool {
        self.listed_directory(path).is_some()
    }

    /// The nearest directory of this object that has been listed.
    pub(super) fn listed_directory<'p>(&self, path: &'p str) -> Option<&'p str> {
        ancestors(path).find(|directory| self.listed.contains(*directory))
    }

    /// All objects that are known to be there.
    pub(super) fn all(&self) -> impl Iterator<Item = (&str, &Seen)> {
        self.objects.iter().filter_map(|(path, known)| match known {
            Known::There(seen) => Some((&**path, seen)),
            Known::Asked => None,
        })
    }

    /// Counts a question for this object; the directory that is to be listed now, if there is one. It is never the bucket.
    fn count(&mut self, path: &str) -> Option<String> {
        let mut to_list = None;
        for directory in ancestors(path) {
            let asked = self.asked.entry(directory.to_owned()).or_default();
            *asked += 1;
            if *asked > FEW {
                to_list = Some(directory.to_owned());
            }
            // Those further up have been told of this one.
            if *asked > 1 {
                break;
            }
        }
        to_list
    }
}

/// The directories that an object is in, the nearest first, but for the bucket itself.
fn ancestors(path: &str) -> impl Iterator<Item = &str> {
    path.rmatch_indices('/').map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(paths: impl IntoIterator<Item = String>) -> Option<(usize, String)> {
        let mut lists = Lists::default();
        paths.into_iter().enumerate().find_map(|(number, path)| Some((number, lists.count(&path)?)))
    }

    #[test]
    fn a_directory_is_listed_when_much_of_it_is_asked_for() {
        let flat = (0..20).map(|number| format!("run/clean/{number}"));
        assert_eq!(listed(flat), Some((8, "run/clean".to_owned())));
        let deep = (0..20).map(|number| format!("run/{number}/clean"));
        assert_eq!(listed(deep), Some((8, "run".to_owned())));
        let deeper = (0..20).map(|number| format!("lake/run/{}/{number}", number % 3));
        assert_eq!(listed(deeper.clone()), None);
        assert_eq!(listed(deeper.flat_map(|path| [path.clone(), path])), Some((48 / 2, "lake/run/0".to_owned())));
        assert_eq!(listed((0..20).map(|number| format!("{number}"))), None, "never the bucket");
    }
}
