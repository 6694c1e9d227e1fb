//! The texts of task functions and helpers, for people who compare two versions of them.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::line::UsedHelper;
use crate::model::fingerprint::Fingerprint;
use crate::model::task::Code;
use crate::store::open_regular;

/// No function has more text than that.
const LONGEST_TEXT: u64 = 1 << 20;

impl Code {
    pub(super) fn as_used(&self) -> UsedHelper<'static> {
        UsedHelper { name: self.name.into(), code: self.fingerprint }
    }

    /// Keeps its text in the journal's directory, unless it is there already. Nothing needs it but people.
    pub(super) fn keep_text(&self, directory: &Path) {
        let path = text_path(directory, self.fingerprint);
        if self.text.is_empty() || path.exists() {
            return;
        }
        let draft = path.with_extension(std::process::id().to_string());
        let made = fs::create_dir_all(directory.join(CODE));
        let Ok(mut file) = made.and_then(|()| OpenOptions::new().write(true).create_new(true).open(&draft)) else {
            return;
        };
        if writeln!(file, "{}", self.text).and_then(|()| fs::rename(&draft, &path)).is_err() {
            let _ = fs::remove_file(draft);
        }
    }
}

const CODE: &str = "code";

fn text_path(directory: &Path, code: Fingerprint) -> PathBuf {
    directory.join(CODE).join(code.to_string())
}

/// The text of the task function or helper with this fingerprint, as the journal in this directory has it.
///
/// ```no_run
/// use pipex::journal::{self, Line};
///
/// journal::read(".pipex/runs/20261124-012345.678-year-4711.jsonl".as_ref(), |line| {
///     if let Line::Task(function) = line {
///         println!("{}", journal::read_code(".pipex".as_ref(), function.code).unwrap_or_default());
///     }
/// })?;
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When it is not there, or cannot be read.
pub fn read_code(directory: &Path, code: Fingerprint) -> io::Result<String> {
    let mut text = String::new();
    let file = open_regular(&text_path(directory, code), OpenOptions::new().read(true))?;
    file.take(LONGEST_TEXT).read_to_string(&mut text)?;
    Ok(text)
}
