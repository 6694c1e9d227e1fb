//! What tells an output from one that was there before.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;

use serde::{Deserialize, Serialize};

/// What tells the output that is there from one that was there before, without a look at its content.
///
/// It only saves work: where it is the same, the content is that which was recorded; where it is another, the content is
/// looked at, and decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp(u64);

impl Stamp {
    /// The stamp with this value.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Stamp(value)
    }

    /// Its value.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Of a file or directory: its device, inode, size and time of change.
    #[must_use]
    pub fn from_metadata(metadata: &Metadata) -> Self {
        let parts =
            [metadata.dev(), metadata.ino(), metadata.size(), metadata.mtime() as u64, metadata.mtime_nsec() as u64];
        let mut bytes = [0; 40];
        for (place, part) in parts.into_iter().enumerate() {
            bytes[8 * place..8 * place + 8].copy_from_slice(&part.to_le_bytes());
        }
        Stamp(xxhash_rust::xxh3::xxh3_64(&bytes))
    }
}
