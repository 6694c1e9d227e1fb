//! The journals of runs, read on while they are written.

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pipex_format::journal::{self, Line, NewerFormat, Tail};

use crate::CommandError;
use crate::reading::report_unreadable;

/// How often there may be something new: the library writes what is not urgent after 50 ms. It is asked for, and not waited
/// for: a look at a few files takes microseconds, and events of the file system come for every line of every task.
pub const INTERVAL: Duration = Duration::from_millis(200);

/// What has happened in a run.
pub enum News {
    /// Its journal has this line. The first is its [`Head`](pipex_format::journal::Head).
    Line(Box<Line<'static>>),
    /// It is over: it said so, or its process is gone. Nothing follows.
    Over,
}

/// All runs of a project, those that begin meanwhile as well.
pub struct Follower {
    journal: PathBuf,
    /// Those that were met, by their names.
    known: BTreeSet<String>,
    live: Vec<FollowedRun>,
}

/// The journal of a run.
pub struct FollowedRun {
    pub id: String,
    path: PathBuf,
    tail: Tail,
    has_begun: bool,
    has_ended: bool,
}

impl Follower {
    /// Of the project with this journal; runs that have ended by now are left out.
    pub fn new(journal: &Path) -> Result<Self, CommandError> {
        let mut follower = Follower { journal: journal.to_owned(), known: BTreeSet::new(), live: Vec::new() };
        for path in follower.list()? {
            // Between making its journal and locking it, a run has written nothing.
            let has_begun = path.metadata().is_ok_and(|metadata| metadata.len() > 0);
            if has_begun && !journal::is_live(&path) {
                follower.known.insert(name_run(&path));
            }
        }
        Ok(follower)
    }

    /// Shows what has happened since this was called last, with the name of the run: of each run in its order.
    pub fn read(&mut self, mut each: impl FnMut(&str, News)) -> Result<(), CommandError> {
        for path in self.list()? {
            let id = name_run(&path);
            if self.known.insert(id.clone())
                && let Ok(run) = FollowedRun::open(&self.journal, &id)
            {
                self.live.push(run);
            }
        }
        for run in &mut self.live {
            let id = run.id.clone();
            run.read(|news| each(&id, news));
        }
        self.live.retain(|run| !run.has_ended);
        Ok(())
    }

    fn list(&self) -> Result<Vec<PathBuf>, CommandError> {
        journal::runs(&self.journal).map_err(|source| CommandError::Journal { path: self.journal.clone(), source })
    }
}

impl FollowedRun {
    /// The run with this name, from its first line, whether it goes on or not.
    pub fn open(journal: &Path, id: &str) -> io::Result<Self> {
        // A name, and no way to somewhere else.
        if Path::new(id).file_name() != Some(id.as_ref()) {
            return Err(io::ErrorKind::NotFound.into());
        }
        let file = format!("{id}.jsonl");
        // In this order, since it moves when it has ended.
        let (path, tail) = ["live", "runs"]
            .iter()
            .map(|directory| journal.join(directory).join(&file))
            .find_map(|path| Tail::open(&path).ok().map(|tail| (path, tail)))
            .ok_or(io::ErrorKind::NotFound)?;
        Ok(FollowedRun { id: id.to_owned(), path, tail, has_begun: false, has_ended: false })
    }

    /// Shows what has happened since this was called last.
    pub fn read(&mut self, mut each: impl FnMut(News)) {
        if self.has_ended {
            return;
        }
        // Before it is read: what is written until its process has gone is read then.
        let is_live = self.tail.is_live();
        let mut is_over = false;
        let has_begun = &mut self.has_begun;
        let read = self.tail.read(|line| {
            *has_begun = true;
            is_over |= matches!(line, Line::Over(_));
            each(News::Line(Box::new(line)));
        });
        if let Err(error) = read
            && !NewerFormat::is_in(&error)
        {
            report_unreadable(&self.path, &error);
        }
        // Who makes a journal locks it before its first line.
        if is_over || !is_live && self.has_begun {
            self.has_ended = true;
            each(News::Over);
        }
    }
}

#[cfg(feature = "ui")]
impl FollowedRun {
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Whether a process writes it.
    pub fn is_live(&self) -> bool {
        self.tail.is_live()
    }

    /// How many bytes there are to be read.
    pub fn unread(&mut self) -> u64 {
        self.tail.unread().unwrap_or(0)
    }

    /// How long it has been there, where the file system tells.
    pub fn age(&self) -> Option<Duration> {
        std::fs::metadata(&self.path).and_then(|metadata| metadata.created()).ok()?.elapsed().ok()
    }
}

fn name_run(path: &Path) -> String {
    path.file_stem().unwrap_or_default().to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};
    use std::io::Write as _;

    use super::*;

    /// A run as its process writes it.
    fn begin(journal: &Path, id: &str) -> File {
        let mut file = File::create_new(journal.join("live").join(format!("{id}.jsonl"))).unwrap();
        file.lock().unwrap();
        file.write_all(b"{\"removed\":{\"target\":\"out/1\"}}\n").unwrap();
        file
    }

    fn read(follower: &mut Follower) -> Vec<(String, &'static str)> {
        let mut all = Vec::new();
        let name = |news| match news {
            News::Line(line) if matches!(*line, Line::Over(_)) => "over line",
            News::Line(_) => "line",
            News::Over => "over",
        };
        follower.read(|run, news| all.push((run.to_owned(), name(news)))).unwrap();
        all
    }

    #[test]
    fn runs_are_followed_from_their_first_line_to_their_end_wherever_their_journals_are() {
        let directory = tempfile::tempdir().unwrap();
        let journal = directory.path();
        ["live", "runs"].iter().for_each(|name| fs::create_dir(journal.join(name)).unwrap());
        drop(begin(journal, "0-killed-long-ago"));
        let mut one = begin(journal, "1");
        let mut follower = Follower::new(journal).unwrap();
        let told = |run: &str, news| (run.to_owned(), news);
        assert_eq!(read(&mut follower), [told("1", "line")]);
        assert_eq!(read(&mut follower), []);
        let unlocked = File::create_new(journal.join("live/3.jsonl")).unwrap();
        let two = begin(journal, "2");
        writeln!(one, r#"{{"over":{{"elapsed":1.0}}}}"#).unwrap();
        fs::rename(journal.join("live/1.jsonl"), journal.join("runs/1.jsonl")).unwrap();
        assert_eq!(read(&mut follower), [told("1", "over line"), told("1", "over"), told("2", "line")]);
        drop((one, two, unlocked));
        assert_eq!(read(&mut follower), [told("2", "over")]);
        assert_eq!(read(&mut follower), []);
        assert!(FollowedRun::open(journal, "1").is_ok());
        for id in ["", "../runs/1", "/etc/1", ".."] {
            assert!(FollowedRun::open(journal, id).is_err(), "{id}");
        }
    }
}
