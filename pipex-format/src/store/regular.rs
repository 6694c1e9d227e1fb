//! Files that are opened only if they are files: a FIFO would be waited for, and a device has no end.

use std::fs::{self, File, FileType, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;

use rustix::fs::OFlags;

use super::error::StoreError;

/// Opens a regular file, or what a link to one leads to. Anything else is an error that says what it is.
pub(crate) fn open_regular(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let opened = options.custom_flags(OFlags::NONBLOCK.bits() as i32).open(path);
    // A socket cannot be opened at all.
    let metadata = opened.as_ref().map_or_else(|_| fs::metadata(path), File::metadata);
    match metadata.ok().and_then(|metadata| kind(metadata.file_type())) {
        Some(found) => Err(io::Error::other(StoreError::not_regular(path, found))),
        None => opened,
    }
}

/// Opens a regular file to read it.
pub(super) fn read(path: &Path) -> Result<File, StoreError> {
    open_regular(path, OpenOptions::new().read(true)).map_err(|error| StoreError::io("read", path, error))
}

/// All that a regular file has.
pub(super) fn read_regular(path: &Path) -> Result<Vec<u8>, StoreError> {
    read_all(read(path)?, path)
}

/// All that this file has, which is at the path.
pub(super) fn read_all(mut file: File, path: &Path) -> Result<Vec<u8>, StoreError> {
    let mut bytes = Vec::new();
    // A file with holes may have more bytes than memory.
    let room = bytes.try_reserve_exact(file.metadata().map_or(0, |metadata| metadata.len() as usize));
    let read = room.map_err(|_| io::ErrorKind::OutOfMemory.into()).and_then(|()| file.read_to_end(&mut bytes));
    read.map_err(|error| StoreError::io("read", path, error))?;
    Ok(bytes)
}

/// What is at the path, if it is no regular file; links are not followed.
pub(super) fn not_regular(path: &Path) -> Option<StoreError> {
    let metadata = fs::symlink_metadata(path).ok()?;
    kind(metadata.file_type()).map(|found| StoreError::not_regular(path, found))
}

/// What this is, if it is no regular file.
pub(super) fn kind(file_type: FileType) -> Option<&'static str> {
    Some(match () {
        () if file_type.is_file() => return None,
        () if file_type.is_dir() => "a directory",
        () if file_type.is_symlink() => "a symbolic link",
        () if file_type.is_fifo() => "a FIFO",
        () if file_type.is_socket() => "a socket",
        () => "a device",
    })
}
