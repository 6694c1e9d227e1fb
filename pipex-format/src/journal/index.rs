//! The index: from journals to what is known of each place, and back to the files that have it at hand.

use std::collections::HashSet;
use std::fs::{self, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex};

use super::known::{History, Index, IndexRecord, Records, Roots, key};
use super::line::{Line, Source, There};
use super::reader::{NewerFormat, is_live, list_journals, read};
use super::{Journal, LIVE, RUNS, lock};
use crate::say::say;
use crate::store::{Stamp, open_regular};

const INDEX: &str = "index";
/// What was found since the index was written, as long as that is little beside it.
const RECENT: &str = "recent";
/// How many times as much the index has.
const LITTLE: usize = 16;
/// In nanoseconds.
const DAY: u64 = 86_400_000_000_000;

impl Journal {
    /// Adds what this run found, and what runs that were killed had found, to the index.
    pub(super) fn settle(&self, own: &Path, found: &Records) -> io::Result<()> {
        let gate =
            open_regular(&self.directory.join("lock"), OpenOptions::new().append(true).create(true).truncate(false))?;
        gate.lock()?;
        let mut ended = vec![own.to_owned()];
        for journal in list_journals(&self.directory.join(LIVE))? {
            if journal != own && journal.is_file() && !is_live(&journal) {
                ended.push(journal);
            }
        }
        let lacks_index = self.history.get().is_some_and(History::lacks_index);
        if !found.is_empty() || ended.len() > 1 || lacks_index {
            let (mut recent, index) = if lacks_index { (self.read_runs(), None) } else { self.read_index() };
            found.iter().for_each(|record| recent.add(record));
            self.add_records(&ended[1..], &mut recent);
            self.write_index(index, recent)?;
        }
        fs::create_dir_all(self.directory.join(RUNS))?;
        for journal in &ended {
            match fs::rename(journal, self.directory.join(RUNS).join(journal.file_name().unwrap_or_default())) {
                // Before it was locked, another took it for one whose process was killed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                renamed => renamed?,
            }
        }
        Ok(())
    }

    /// Adds this to the index, or has it in a file beside it.
    fn write_index(&self, index: Option<Index>, recent: Records) -> io::Result<()> {
        let path = self.directory.join(RECENT);
        let all = match index {
            Some(index) if recent.len() <= index.len() / LITTLE => return recent.write(&path),
            Some(index) => {
                let mut all = index.read().unwrap_or_else(|| self.read_runs());
                recent.iter().for_each(|record| all.add(record));
                all
            }
            None => recent,
        };
        if !all.is_empty() {
            all.write(&self.directory.join(INDEX))?;
        }
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The index, and what was found since it was written: in this order, since what goes from there is in the index before. What
    /// the journals say, if there is no index, or one of the two is damaged.
    fn read_index(&self) -> (Records, Option<Index>) {
        let path = self.directory.join(RECENT);
        let recent = match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Some(Records::default()),
            _ => Index::open(&path).and_then(|recent| recent.read()),
        };
        match (recent, Index::open(&self.directory.join(INDEX))) {
            (Some(recent), Some(index)) => (recent, Some(index)),
            _ => (self.read_runs(), None),
        }
    }

    /// The index, and what is known besides. What runs say that go on or were killed comes first: who ends has it in the index before
    /// it goes from there.
    pub(super) fn read_history(&self) -> History {
        let mut live = Records::default();
        self.add_records(&list_journals(&self.directory.join(LIVE)).unwrap_or_default(), &mut live);
        let (mut beside, index) = self.read_index();
        live.iter().for_each(|record| beside.add(record));
        History::new(index, beside)
    }

    /// What the journals of all runs that have ended say.
    pub(super) fn read_runs(&self) -> Records {
        let mut records = Records::default();
        self.add_records(&list_journals(&self.directory.join(RUNS)).unwrap_or_default(), &mut records);
        records
    }

    /// Adds what these journals have found. What of them is passed over is told once for each; of those that a newer pipex
    /// wrote there may be as many as there were runs, and one line tells all.
    fn add_records(&self, journals: &[PathBuf], records: &mut Records) {
        static TOLD: LazyLock<Mutex<HashSet<PathBuf>>> = LazyLock::new(Mutex::default);
        let mut newer = None;
        for journal in journals {
            let Err(error) = self.read_records(journal, |record| records.add(record)) else { continue };
            // One that is gone has moved, since its run has ended.
            if fs::symlink_metadata(journal).is_ok() && lock(&TOLD).insert(journal.clone()) {
                if NewerFormat::is_in(&error) {
                    newer.get_or_insert((journal, error, 0)).2 += 1;
                } else {
                    say(&format!("passed over what cannot be read of the journal {}: {error}", journal.display()));
                }
            }
        }
        if let Some((first, error, count)) = newer {
            let what = if count == 1 { "the journal".to_owned() } else { format!("{count} journals, such as") };
            say(&format!("passed over what is not known of {what} {}: {error}", first.display()));
        }
    }

    /// What a journal has found.
    fn read_records(&self, journal: &Path, mut each: impl FnMut(IndexRecord)) -> io::Result<()> {
        let Roots { root, .. } = self.roots();
        let (mut prefix, mut started) = (String::new(), 0);
        let now = self.now();
        read(journal, |line| {
            let (key, there, at) = match &line {
                Line::Run(head) => {
                    prefix = head.prefix.clone().into_owned();
                    let moment: Option<jiff::Timestamp> = head.started.parse().ok();
                    started = moment.and_then(|moment| u64::try_from(moment.as_nanosecond()).ok()).unwrap_or(0);
                    return;
                }
                Line::Ended(ended) => {
                    let (Some(there), Some(target)) = (ended.there, &ended.target) else { return };
                    (key(root, &prefix, &ended.store, target), there, ended.at + ended.elapsed)
                }
                Line::Source(Source { path, stamp, content }) => {
                    (key(root, &prefix, "source:", path), There::new(*content, Stamp::new(*stamp), 0), 0.0)
                }
                _ => return,
            };
            // What claims to be of a future that no clock explains would hold against all that is found from now on.
            let found = Some(started.saturating_add((at * 1e9) as u64)).filter(|found| *found < now + DAY);
            each(IndexRecord::new(key, &there, found.unwrap_or(0)));
        })
    }
}
