//! What a store knows of an output.

use std::time::SystemTime;

use super::record::Made;
use super::stamp::Stamp;
use crate::model::fingerprint::Fingerprint;

/// An output that is there.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Entry {
    /// What tells it from one that was there before.
    pub stamp: Stamp,
    /// The bytes that it takes.
    pub bytes: u64,
    /// When it was saved.
    pub saved: SystemTime,
    /// The fingerprint of its content, if there is one to be had.
    pub content: Option<Fingerprint>,
    /// What made it, where the store has room for that.
    pub made: Option<Made>,
    /// How many bytes its payload expands to, if it is compressed and the store knows: see [`expand`](super::expand).
    pub expanded: Option<u64>,
}

impl Entry {
    /// An output with this stamp, of so many bytes, saved then.
    #[must_use]
    pub fn new(stamp: Stamp, bytes: u64, saved: SystemTime) -> Self {
        Entry { stamp, bytes, saved, content: None, made: None, expanded: None }
    }
}

/// What was put in the place of an object.
#[derive(Debug)]
pub(super) struct PutObject {
    pub(super) stamp: Stamp,
    pub(super) bytes: u64,
    /// The fingerprint of its content, if that is all of its bytes.
    pub(super) content: Option<Fingerprint>,
}
