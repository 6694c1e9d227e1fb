//! What can be wrong with what is kept.

use std::io;
use std::path::{Path, PathBuf};

/// Why a store of pipex's own could not do what it was asked. Each names the target and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A file name is longer than the file system allows.
    #[error("the file name of {} has {length} bytes, more than the file system allows (255): shorten base, or the values that the target's template names", path.display())]
    NameTooLong {
        /// The target.
        path: PathBuf,
        /// The bytes of its file name.
        length: usize,
    },
    /// A directory is where the output should be.
    #[error("{} is a directory, not an output: remove it, or give the task another target", path.display())]
    Directory {
        /// The target.
        path: PathBuf,
    },
    /// Something else is where a file should be.
    #[error("{} is {found} where a regular file should be: remove it, or use another path", path.display())]
    NotRegular {
        /// Where.
        path: PathBuf,
        /// What it is: `a FIFO`.
        found: &'static str,
    },
    /// The claim's file went while the value was made.
    #[error(
        "the claim on {target} was lost, since {} was removed or replaced while the value was made: run it again",
        claim.display()
    )]
    ClaimLost {
        /// The target.
        target: String,
        /// The claim's file.
        claim: PathBuf,
    },
    /// The file ends too early.
    #[error("{target} is truncated, it ends in the midst of what was saved: delete it, and it will be made again")]
    Truncated {
        /// The target.
        target: String,
    },
    /// Something stands behind what was saved.
    #[error(
        "{target} is whole, and has {bytes} more bytes behind its end, which are not of pipex: delete it, and it will be made again"
    )]
    Appended {
        /// The target.
        target: String,
        /// How many bytes they are.
        bytes: usize,
    },
    /// The text, which has no checksum, cannot be all that was saved.
    #[error("{target} is not whole: {problem}: correct it, or delete it and it will be made again")]
    NotWhole {
        /// The target.
        target: String,
        /// What it lacks.
        problem: &'static str,
    },
    /// The file's content is not what was saved.
    #[error("{target} is damaged, its checksum does not match what was saved: delete it, and it will be made again")]
    Damaged {
        /// The target.
        target: String,
    },
    /// The file was not written by pipex.
    #[error(
        "{target} is foreign, something other than pipex wrote it: move it away, or delete it and it will be made again"
    )]
    Foreign {
        /// The target.
        target: String,
    },
    /// The file is of a format that this version does not know.
    #[error(
        "{target} is of format {version}, which a newer pipex wrote: use that, or delete it and it will be made again"
    )]
    NewerFormat {
        /// The target.
        target: String,
        /// Its format.
        version: u16,
    },
    /// The output is of another type than the one asked for.
    #[error(
        "{target} has a value of another type: {found} was saved, {wanted} is asked for: delete it, and it will be made again"
    )]
    WrongType {
        /// The target.
        target: String,
        /// The type that was saved.
        found: String,
        /// The type that is asked for.
        wanted: String,
    },
    /// The target's format is one that pipex was built without.
    #[error(
        "{target} needs pipex's cargo feature `{feature}`, without which this program was built: add it, or give the target another {}",
        if *feature == "object-store" { "path" } else { "extension" }
    )]
    WithoutFeature {
        /// The target.
        target: String,
        /// The feature.
        feature: &'static str,
    },
    /// The target's extension is not for values of this type.
    #[error("{target} takes {takes}, and `{value}` is none: {instead}")]
    NotTaken {
        /// The target.
        target: String,
        /// The type of the value.
        value: &'static str,
        /// What the extension takes.
        takes: &'static str,
        /// What to do.
        instead: &'static str,
    },
    /// The codec wrote nothing.
    #[error(
        "the codec {codec} wrote no bytes for {target}, and a file of none counts as missing: have it write one at least, or end the target in .zst"
    )]
    NothingEncoded {
        /// The target.
        target: String,
        /// The codec.
        codec: String,
    },
    /// Another codec wrote the output.
    #[error("{target} was written as {found}, and is to be read as {wanted}: delete it, and it will be made again")]
    OtherCodec {
        /// The target.
        target: String,
        /// The codec that wrote it.
        found: String,
        /// The codec that is to read it.
        wanted: String,
    },
    /// The content cannot be decoded.
    #[error("{target} cannot be read as {codec}: correct it, or delete it and it will be made again")]
    Decode {
        /// The target.
        target: String,
        /// The codec.
        codec: String,
        /// What the codec said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The content would take more memory than it may.
    #[error("{target} is larger than what is read without being asked for")]
    TooLarge {
        /// The target.
        target: String,
        /// What to do.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The value cannot be encoded.
    #[error(
        "the value for {target} cannot be written as {codec}; another codec may, by another extension or by `FileStore::codec`"
    )]
    Encode {
        /// The target.
        target: String,
        /// The codec.
        codec: String,
        /// What the codec said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The value would not come back as it is.
    #[error(
        "the value for {target} would not come back from {codec} as it is: {reason}; give the target no extension, which keeps any value"
    )]
    Lossy {
        /// The target.
        target: String,
        /// The codec.
        codec: String,
        /// What would be lost.
        reason: String,
    },
    /// The function that saves its own output has no way to load it.
    #[error(
        "{target} was saved by the task itself (`save = false`), so pipex cannot load it: give the task `load = path::to::function`"
    )]
    NoLoader {
        /// The target.
        target: String,
    },
    /// The function that saves its own output did not.
    #[error("the task saves its own output (`save = false`) and returned without having written {}", path.display())]
    NothingWritten {
        /// Where it should have written.
        path: PathBuf,
    },
    /// Nothing is there.
    #[error("{target} is not there")]
    Missing {
        /// The target.
        target: String,
    },
    /// A URL that names no object.
    #[cfg(feature = "object-store")]
    #[error("{target} names no object that can be kept: {problem}")]
    NoObject {
        /// What was given.
        target: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The server that keeps objects refused, or was not to be reached.
    #[cfg(feature = "object-store")]
    #[error("cannot {action} {target}: {advice}")]
    Refused {
        /// What was tried.
        action: &'static str,
        /// On which object.
        target: String,
        /// What to do.
        advice: String,
        /// What it said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A function wrote a directory where one file is to be.
    #[error(
        "{target} is an object of a bucket, which is one file, and the task wrote a directory: have it write an archive, or give it a target \
         that is a path"
    )]
    NotOneFile {
        /// The target.
        target: String,
    },
    /// A variable of the environment has a value that it cannot have.
    #[cfg(feature = "object-store")]
    #[error("what is kept in a bucket cannot be claimed")]
    Setting {
        /// What is wrong with it.
        source: Box<crate::model::error::Error>,
    },
    /// A database that keeps nothing.
    #[cfg(feature = "sqlite")]
    #[error(
        "{:?} names no file, so nothing would be kept in this database: give `SqliteStore::new` the path of one",
        path
    )]
    NoDatabase {
        /// What was given.
        path: PathBuf,
    },
    /// The database refused.
    #[cfg(feature = "sqlite")]
    #[error("the database {} refused", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What it said.
        source: rusqlite::Error,
    },
}

impl StoreError {
    pub(super) fn not_regular(path: &Path, found: &'static str) -> Self {
        let path = path.to_owned();
        if found == "a directory" { StoreError::Directory { path } } else { StoreError::NotRegular { path, found } }
    }

    /// What the system said of `path`.
    pub(super) fn io(action: &'static str, path: &Path, source: io::Error) -> Self {
        // What pipex itself has said needs nothing more.
        let source = match source.downcast::<StoreError>() {
            Ok(error) => return error,
            Err(source) => source,
        };
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::InvalidFilename => {
                let longest = path.iter().map(|part| part.len()).max().unwrap_or(0);
                StoreError::NameTooLong { path, length: longest }
            }
            io::ErrorKind::IsADirectory => StoreError::Directory { path },
            io::ErrorKind::NotFound => StoreError::Missing { target: path.display().to_string() },
            _ => StoreError::Io { action, path, source },
        }
    }
}
