//! Reading journals. They are data from outside: they come along with a project that is cloned or copied.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::line::{FORMAT, Head, Line};
use super::mention::Mentions;
use super::{LIVE, RUNS};
use crate::store::open_regular;

/// What is longer is no line, with the line break behind it.
pub(super) const LONGEST_LINE: u64 = 16 << 20;

/// A newer pipex has written a journal, and [`read`] has passed over what this one does not know.
///
/// ```no_run
/// use pipex::journal::{self, NewerFormat};
///
/// let read = journal::read(".pipex/runs/20261124-012345.678-year-4711.jsonl".as_ref(), |line| println!("{line:?}"));
/// match read {
///     Err(error) if NewerFormat::is_in(&error) => eprintln!("{error}"),
///     read => read?,
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, thiserror::Error)]
#[error(
    "it is in format {format}, which a newer pipex writes, and this one ({version}) reads format {FORMAT}: update pipex",
    version = env!("CARGO_PKG_VERSION")
)]
#[non_exhaustive]
pub struct NewerFormat {
    /// The version of the journal's format.
    pub format: u64,
}

impl NewerFormat {
    /// Whether this is why `read` has ended with an error.
    #[must_use]
    pub fn is_in(error: &io::Error) -> bool {
        error.get_ref().is_some_and(|error| error.is::<Self>())
    }
}

/// What is known of the head of a journal in whatever format.
#[derive(Deserialize)]
struct AnyHead {
    run: AnyFormat,
}

#[derive(Deserialize)]
struct AnyFormat {
    format: u64,
}

/// The first line of a journal: what run it is of. `None` if it has none yet, or one that this version does not know.
///
/// ```no_run
/// for run in pipex::journal::runs(".pipex".as_ref())? {
///     let flow = pipex::journal::head(&run)?.and_then(|head| head.flow);
///     println!("{}: {}", run.display(), flow.unwrap_or_default());
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When the file cannot be read, or is no regular file; nothing is waited for.
pub fn head(path: &Path) -> io::Result<Option<Head<'static>>> {
    let mut text = Vec::new();
    BufReader::new(open_regular(path, OpenOptions::new().read(true))?)
        .take(LONGEST_LINE)
        .read_until(b'\n', &mut text)?;
    Ok(match serde_json::from_slice(&text) {
        Ok(Line::Run(head)) => Some(head),
        _ => None,
    })
}

/// The journals below this directory, from the first run to the last.
///
/// # Errors
/// When the directory cannot be read. One that is not there has no runs.
pub fn runs(directory: &Path) -> io::Result<Vec<PathBuf>> {
    // In this order, so that one that ends meanwhile is met at least once.
    let mut runs = list_journals(&directory.join(LIVE))?;
    runs.extend(list_journals(&directory.join(RUNS))?);
    runs.retain(|run| run.extension().is_some_and(|extension| extension == "jsonl"));
    // A run that ended meanwhile may be there twice.
    runs.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    runs.dedup_by(|a, b| a.file_name() == b.file_name());
    Ok(runs)
}

/// What is in a directory of journals, if it is there.
pub(super) fn list_journals(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries?,
    };
    let mut journals = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    journals.sort();
    Ok(journals)
}

/// Reads a journal up to its end, or up to where it was cut; a line of a kind that this version does not know is passed over.
///
/// ```no_run
/// use pipex::journal::{self, Line};
///
/// let mut outputs = 0;
/// journal::read(".pipex/runs/20261124-012345.678-year-4711.jsonl".as_ref(), |line| {
///     outputs += usize::from(matches!(line, Line::Ended(_)));
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When the file cannot be read, or is no regular file; nothing is waited for. When it has lines of more than 16 MiB, which
/// are passed over without being held in memory, or is in a [`NewerFormat`]: then all other lines have been shown, or all
/// that are known.
pub fn read(path: &Path, each: impl FnMut(Line<'static>)) -> io::Result<()> {
    Tail::open(path)?.read(each)
}

/// The same, of all lines that have a text in which one of these stands, with its end or a `/` behind it; it may be of others as well.
///
/// # Errors
/// Those of [`read`](fn@read), but for a newer format.
#[doc(hidden)]
pub fn read_about(path: &Path, texts: &[&str], each: impl FnMut(Line<'static>)) -> io::Result<()> {
    let mentions = Mentions::new(texts);
    Tail::open(path)?.read_some(|line| mentions.may_be_in(line), each)
}

/// A journal that is read on as it grows, also when it has moved since its run has ended.
///
/// ```
/// use std::io::Write;
/// use pipex::journal::{Line, Tail};
///
/// let mut file = tempfile::NamedTempFile::new()?;
/// let mut tail = Tail::open(file.path())?;
/// write!(file, r#"{{"over":{{"elapsed":"#)?;
/// tail.read(|line| panic!("it is not whole: {line:?}"))?;
/// writeln!(file, "2.5}}}}")?;
/// let mut seconds = 0.0;
/// tail.read(|line| if let Line::Over(over) = line { seconds = over.elapsed })?;
/// assert_eq!(seconds, 2.5);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Tail {
    reader: BufReader<File>,
    /// The line that has not been read to its end.
    text: Vec<u8>,
    /// That line is too long: its rest is passed over.
    is_skipping: bool,
    /// What follows is no journal.
    is_cut: bool,
}

impl Tail {
    /// The journal at this path, from its first line.
    ///
    /// # Errors
    /// When the file cannot be read, or is no regular file; nothing is waited for.
    pub fn open(path: &Path) -> io::Result<Self> {
        let file = open_regular(path, OpenOptions::new().read(true))?;
        let reader = BufReader::with_capacity(256 << 10, file);
        Ok(Tail { reader, text: Vec::new(), is_skipping: false, is_cut: false })
    }

    /// Shows the lines that are whole and were not shown before.
    ///
    /// # Errors
    /// Those of [`read`](fn@read), about what was read now.
    pub fn read(&mut self, each: impl FnMut(Line<'static>)) -> io::Result<()> {
        self.read_some(|_| true, each)
    }

    /// The same; those that are not meant are passed over, as they stand in the file.
    fn read_some(&mut self, is_meant: impl Fn(&[u8]) -> bool, mut each: impl FnMut(Line<'static>)) -> io::Result<()> {
        let mut too_long = 0_u64;
        let mut format = u64::from(FORMAT);
        while !self.is_cut {
            if self.is_skipping {
                self.is_skipping = !self.skip_rest()?;
                if self.is_skipping {
                    break;
                }
            }
            let left = LONGEST_LINE - self.text.len() as u64;
            self.reader.by_ref().take(left).read_until(b'\n', &mut self.text)?;
            if !self.text.ends_with(b"\n") {
                if (self.text.len() as u64) < LONGEST_LINE {
                    break;
                }
                self.text = Vec::new();
                too_long += 1;
                self.is_skipping = true;
                continue;
            }
            if !is_meant(&self.text) {
                // There is nothing to be said of it.
            } else if let Ok(line) = serde_json::from_slice(&self.text) {
                if let Line::Run(head) = &line {
                    format = format.max(head.format.into());
                }
                each(line);
            } else if let Ok(head) = serde_json::from_slice::<AnyHead>(&self.text) {
                format = format.max(head.run.format);
            } else {
                self.is_cut = serde_json::from_slice::<IgnoredAny>(&self.text).is_err();
            }
            self.text.clear();
        }
        if format > FORMAT.into() {
            return Err(io::Error::other(NewerFormat { format }));
        }
        match too_long {
            0 => Ok(()),
            1 => Err(io::Error::other("a line of more than 16 MiB is passed over")),
            count => Err(io::Error::other(format!("{count} lines of more than 16 MiB are passed over"))),
        }
    }

    /// Passes over the rest of a line; whether its end is there.
    fn skip_rest(&mut self) -> io::Result<bool> {
        loop {
            let there = self.reader.fill_buf()?;
            if there.is_empty() {
                return Ok(false);
            }
            let end = there.iter().position(|byte| *byte == b'\n');
            let count = end.map_or(there.len(), |end| end + 1);
            self.reader.consume(count);
            if end.is_some() {
                return Ok(true);
            }
        }
    }

    /// How many bytes have come that it has not read.
    ///
    /// # Errors
    /// When the file cannot be looked at.
    pub fn unread(&mut self) -> io::Result<u64> {
        let read = self.reader.stream_position()?;
        Ok(self.reader.get_ref().metadata()?.len().saturating_sub(read))
    }

    /// Whether a process writes it, as [`is_live`] has it.
    #[must_use]
    pub fn is_live(&self) -> bool {
        is_locked(self.reader.get_ref())
    }
}

/// Whether a process writes this journal: whoever does holds its lock.
///
/// ```no_run
/// for run in pipex::journal::runs(".pipex".as_ref())? {
///     println!("{} {}", run.display(), if pipex::journal::is_live(&run) { "goes on" } else { "has ended" });
/// }
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn is_live(path: &Path) -> bool {
    open_regular(path, OpenOptions::new().read(true)).is_ok_and(|file| is_locked(&file))
}

fn is_locked(file: &File) -> bool {
    // Shared, so that two who ask at once do not take each other for the writer.
    let is_free = file.try_lock_shared().is_ok();
    if is_free {
        // It stays open, and what stays locked would be taken for what is written.
        let _ = file.unlock();
    }
    !is_free
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    /// What a tail shows of a journal that grows by these pieces, piece by piece.
    fn follow(pieces: &[&[u8]]) -> Vec<(Vec<f64>, Option<String>)> {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let mut tail = Tail::open(file.path()).unwrap();
        let shown = |piece: &&[u8]| {
            file.write_all(piece).unwrap();
            let mut seconds = Vec::new();
            let read = tail.read(|line| {
                let Line::Over(over) = line else { panic!("{line:?}") };
                seconds.push(over.elapsed);
            });
            (seconds, read.err().map(|error| error.to_string()))
        };
        pieces.iter().map(shown).collect()
    }

    #[test]
    fn a_line_is_shown_once_when_it_is_whole() {
        let pieces: [&[u8]; 4] = [b"{\"over\":{\"ela", b"psed\":1}}\n{\"over\":{\"elapsed\":2}}\n", b"", b"{\"over\""];
        let shown: Vec<_> = follow(&pieces).into_iter().map(|(seconds, _)| seconds).collect();
        assert_eq!(shown, [vec![], vec![1.0, 2.0], vec![], vec![]]);
    }

    #[test]
    fn what_is_no_line_ends_it_and_what_is_too_long_does_not() {
        let long = vec![b'x'; LONGEST_LINE as usize + 7];
        let over = b"\n{\"over\":{\"elapsed\":3}}\n";
        let shown = follow(&[&long, over, b"no line\n", over]);
        let told: Vec<bool> = shown.iter().map(|(_, error)| error.is_some()).collect();
        assert_eq!(told, [true, false, false, false]);
        let seconds: Vec<_> = shown.into_iter().map(|(seconds, _)| seconds).collect();
        assert_eq!(seconds, [vec![], vec![3.0], vec![], vec![]]);
    }
}
