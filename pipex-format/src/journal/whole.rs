//! Files that save reading the journals: whole, or as good as not there.

use std::fs::{self, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::path::Path;

use serde::Serialize;
use serde::de::DeserializeOwned;
use xxhash_rust::xxh3::Xxh3;

use crate::store::{bincode_reader, bincode_writer, open_regular};

const CHECKSUM: usize = 8;

/// The value that stands in the file behind these bytes, as bincode; `None` if it is not there, or not whole.
#[doc(hidden)]
pub fn read_summary<T: DeserializeOwned>(path: &Path, magic: &[u8; 8]) -> Option<T> {
    bincode_reader::read(&read_whole(path, magic)?).ok()
}

/// Has this value stand in the file behind these bytes, or leaves what was there.
#[doc(hidden)]
pub fn write_summary<T: Serialize>(path: &Path, magic: &[u8; 8], value: &T) -> io::Result<()> {
    let mut bytes = Vec::new();
    bincode_writer::write(value, &mut bytes).map_err(io::Error::other)?;
    write_whole(path, magic, &bytes)
}

/// What stands in the file behind these bytes; `None` if it is not there, or not whole.
pub(super) fn read_whole(path: &Path, magic: &[u8; 8]) -> Option<Vec<u8>> {
    let mut file = open_regular(path, OpenOptions::new().read(true)).ok()?;
    let mut start = [0; 8];
    file.read_exact(&mut start).ok().filter(|()| start == *magic)?;
    let mut content = Vec::new();
    file.read_to_end(&mut content).ok()?;
    let checksum = content.split_off(content.len().checked_sub(CHECKSUM)?);
    (checksum == checksum_of(magic, &content)).then_some(content)
}

/// Has this stand in the file behind these bytes, or leaves what was there.
pub(super) fn write_whole(path: &Path, magic: &[u8; 8], content: &[u8]) -> io::Result<()> {
    let draft = path.with_extension("new");
    // What a kill left there, or a link to somewhere else, is not written to.
    if let Err(error) = fs::remove_file(&draft)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut file = OpenOptions::new().write(true).create_new(true).open(&draft)?;
    file.write_all(magic)?;
    file.write_all(content)?;
    file.write_all(&checksum_of(magic, content))?;
    fs::rename(draft, path)
}

fn checksum_of(magic: &[u8; 8], content: &[u8]) -> [u8; CHECKSUM] {
    let mut hasher = Xxh3::new();
    hasher.update(magic);
    hasher.update(content);
    hasher.digest().to_le_bytes()
}
