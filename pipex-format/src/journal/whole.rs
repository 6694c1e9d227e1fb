//! The summary, a file that saves the command reading the journals: whole, or as good as not there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::Xxh3;

use crate::store::{bincode_reader, bincode_writer, open_regular};

const CHECKSUM: usize = 8;
/// The length that stands before each value of a summary.
const LENGTH: usize = 8;

/// Reads the values of a summary, one after the other: what they were is known to be whole only [at the end](Self::is_whole).
#[doc(hidden)]
pub struct SummaryReader {
    file: BufReader<File>,
    /// How many bytes of values there are to come.
    left: u64,
    hasher: Xxh3,
    /// The last value, as it stands in the file.
    bytes: Vec<u8>,
}

impl SummaryReader {
    /// Of the file that begins with these bytes.
    pub fn open(path: &Path, magic: &[u8; 8]) -> Option<Self> {
        let file = open_regular(path, OpenOptions::new().read(true)).ok()?;
        let left = file.metadata().ok()?.len().checked_sub((magic.len() + CHECKSUM) as u64)?;
        let mut file = BufReader::new(file);
        let mut start = [0; 8];
        file.read_exact(&mut start).ok().filter(|()| start == *magic)?;
        let mut hasher = Xxh3::new();
        hasher.update(magic);
        Some(SummaryReader { file, left, hasher, bytes: Vec::new() })
    }

    /// The next value, if it can be read as one of this type.
    pub fn read<T: DeserializeOwned>(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(LENGTH as u64)?;
        let mut length = [0; LENGTH];
        self.file.read_exact(&mut length).ok()?;
        self.hasher.update(&length);
        let length = u64::from_le_bytes(length);
        self.left = self.left.checked_sub(length)?;
        self.bytes.clear();
        self.file.by_ref().take(length).read_to_end(&mut self.bytes).ok()?;
        self.hasher.update(&self.bytes);
        bincode_reader::read(&self.bytes).ok()
    }

    /// Whether these were all values, and the file is as it was written.
    pub fn is_whole(mut self) -> bool {
        let mut checksum = [0; CHECKSUM];
        let read = self.file.read_exact(&mut checksum);
        self.left == 0 && read.is_ok() && checksum == self.hasher.digest().to_le_bytes()
    }
}

/// Writes the values of a summary, one after the other.
#[doc(hidden)]
pub struct SummaryWriter {
    path: PathBuf,
    draft: PathBuf,
    file: BufWriter<File>,
    hasher: Xxh3,
    bytes: Vec<u8>,
}

impl SummaryWriter {
    /// To the file, behind these bytes; what is there stays until [all is written](Self::finish).
    pub fn create(path: &Path, magic: &[u8; 8]) -> io::Result<Self> {
        let (draft, file) = create_draft(path)?;
        let (path, file) = (path.to_owned(), BufWriter::new(file));
        let mut writer = SummaryWriter { path, draft, file, hasher: Xxh3::new(), bytes: Vec::new() };
        writer.write(magic)?;
        Ok(writer)
    }

    /// The next value, as bincode behind its length.
    pub fn add<T: Serialize>(&mut self, value: &T) -> io::Result<()> {
        let mut bytes = std::mem::take(&mut self.bytes);
        bytes.clear();
        bincode_writer::write(value, &mut bytes).map_err(io::Error::other)?;
        self.write(&(bytes.len() as u64).to_le_bytes())?;
        self.write(&bytes)?;
        self.bytes = bytes;
        Ok(())
    }

    /// All is written.
    pub fn finish(mut self) -> io::Result<()> {
        self.file.write_all(&self.hasher.digest().to_le_bytes())?;
        self.file.flush()?;
        fs::rename(self.draft, self.path)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.hasher.update(bytes);
        self.file.write_all(bytes)
    }
}

/// The file that is renamed to this one when it is whole.
pub(super) fn create_draft(path: &Path) -> io::Result<(PathBuf, File)> {
    let draft = path.with_extension("new");
    // What a kill left there, or a link to somewhere else, is not written to.
    if let Err(error) = fs::remove_file(&draft)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let file = OpenOptions::new().write(true).create_new(true).open(&draft)?;
    Ok((draft, file))
}
