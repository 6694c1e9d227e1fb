//! Reading journals. They are data from outside: they come along with a project that is cloned or copied.

use std::fs::{self, OpenOptions};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::line::{FORMAT, Line};
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
pub fn read(path: &Path, mut each: impl FnMut(Line<'static>)) -> io::Result<()> {
    let mut reader = BufReader::with_capacity(256 << 10, open_regular(path, OpenOptions::new().read(true))?);
    let mut text = Vec::new();
    let mut too_long = 0_u64;
    let mut format = u64::from(FORMAT);
    loop {
        text.clear();
        reader.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut text)?;
        if !text.ends_with(b"\n") {
            if (text.len() as u64) < LONGEST_LINE {
                break;
            }
            text = Vec::new();
            too_long += 1;
            reader.skip_until(b'\n')?;
            continue;
        }
        if let Ok(line) = serde_json::from_slice(&text) {
            if let Line::Run(head) = &line {
                format = format.max(head.format.into());
            }
            each(line);
        } else if let Ok(head) = serde_json::from_slice::<AnyHead>(&text) {
            format = format.max(head.run.format);
        } else if serde_json::from_slice::<IgnoredAny>(&text).is_err() {
            break;
        }
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
    // Shared, so that two who ask at once do not take each other for the writer.
    open_regular(path, OpenOptions::new().read(true)).is_ok_and(|file| file.try_lock_shared().is_err())
}
