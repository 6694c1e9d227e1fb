//! From journals to what is known of each place, and back to the file that has it in one piece.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use super::history::{History, Record};
use super::line::{Line, Source, There, read};
use super::roots::{Roots, key};
use super::{Journal, LIVE, RUNS};
use crate::store::Stamp;

const INDEX: &str = "index";

impl Journal {
    /// Adds what this run found, and what runs that were killed had found, to the sum.
    pub(super) fn settle(&self, own: &Path, found: &History) -> io::Result<()> {
        let gate = OpenOptions::new().append(true).create(true).open(self.directory.join("lock"))?;
        gate.lock()?;
        let mut ended = vec![own.to_owned()];
        for journal in journals(&self.directory.join(LIVE))? {
            // Whoever writes it holds its lock.
            if journal != own && File::open(&journal).is_ok_and(|file| file.try_lock().is_ok()) {
                ended.push(journal);
            }
        }
        if !found.is_empty() || ended.len() > 1 {
            let mut sum = self.read_sum();
            found.records().for_each(|record| sum.add(record));
            for journal in &ended[1..] {
                self.records(journal, |record| sum.add(record));
            }
            sum.write(&self.directory.join(INDEX))?;
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

    /// The sum, and what the journals have that are not in it yet.
    pub(super) fn read_history(&self) -> History {
        let mut history = self.read_sum();
        for journal in journals(&self.directory.join(LIVE)).unwrap_or_default() {
            self.records(&journal, |record| history.add(record));
        }
        history
    }

    /// The sum of all journals of runs that have ended.
    fn read_sum(&self) -> History {
        History::read(&self.directory.join(INDEX)).unwrap_or_else(|| {
            let mut sum = History::default();
            for journal in journals(&self.directory.join(RUNS)).unwrap_or_default() {
                self.records(&journal, |record| sum.add(record));
            }
            sum
        })
    }

    /// What a journal has found.
    fn records(&self, journal: &Path, mut each: impl FnMut(Record)) {
        let Roots { root, .. } = self.roots();
        let (mut prefix, mut started) = (String::new(), 0);
        // What cannot be read says nothing.
        let _ = read(journal, |line| {
            let (key, there, at) = match &line {
                Line::Run(head) => {
                    prefix = head.prefix.clone().into_owned();
                    let moment: Option<jiff::Timestamp> = head.started.parse().ok();
                    started = moment.map_or(0, |moment| moment.as_nanosecond() as u64);
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
            each(Record::new(key, &there, started + (at * 1e9) as u64));
        });
    }
}

/// What is in a directory of journals, if it is there.
pub(super) fn journals(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut journals = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    journals.sort();
    Ok(journals)
}
