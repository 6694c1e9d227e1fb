//! Which targets have been committed, by whichever process, as soon as they are.

use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::thread;

use pipex::store::{Claim, Store, StoreResult};
use pipex::{FileStore, Location};

use crate::events::{happened, until};
use crate::servers::Place;

const FILE: &str = "commits";

/// A [`FileStore`] that takes down each commit.
pub struct Counted;

impl Store<u64> for Counted {
    fn exists(&self, target: &Location) -> StoreResult<bool> {
        Store::<u64>::exists(&FileStore::new(), target)
    }
    fn load(&self, target: &Location) -> StoreResult<u64> {
        FileStore::new().load(target)
    }
    fn save(&self, claim: Claim, value: &u64) -> StoreResult<u64> {
        let bytes = FileStore::new().save(claim, value)?;
        let mut commits = OpenOptions::new().append(true).create(true).open(FILE)?;
        commits.write_all(format!("{value}\n").as_bytes())?;
        Ok(bytes)
    }
    fn remove(&self, target: &Location) -> StoreResult<()> {
        Store::<u64>::remove(&FileStore::new(), target)
    }
}

/// The commits of all processes that work in a place: a FIFO that is read here.
pub struct Commits {
    fifo: File,
    lines: Arc<Mutex<Vec<String>>>,
}

/// What stands behind the last commit.
const END: &str = "end";

impl Commits {
    pub fn of(place: &Place) -> Self {
        let path = place.file(FILE);
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        // To write, too: so it is open as long as this lives, whoever dies.
        let fifo = OpenOptions::new().read(true).write(true).open(path).unwrap();
        let lines = Arc::<Mutex<Vec<String>>>::default();
        let (into, said) = (Arc::clone(&lines), BufReader::new(fifo.try_clone().unwrap()));
        thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                let is_end = line == END;
                into.lock().unwrap().push(line);
                happened();
                if is_end {
                    break;
                }
            }
        });
        Commits { fifo, lines }
    }

    /// How many there have been so far.
    pub fn count(&self) -> u64 {
        self.lines.lock().unwrap().len() as u64
    }

    /// How many there have been in all, each no more than once.
    pub fn all(mut self) -> u64 {
        self.fifo.write_all(format!("{END}\n").as_bytes()).unwrap();
        until("all commits", || (self.lines.lock().unwrap().last()? == END).then_some(()));
        let mut lines = self.lines.lock().unwrap();
        let count = lines.len();
        lines.sort_unstable();
        lines.dedup();
        assert_eq!(lines.len(), count, "a target was committed twice");
        count as u64 - 1
    }
}
