//! What an object's server says of it.

use std::time::SystemTime;

use crate::model::fingerprint::fingerprint_bytes;
use crate::store::stamp::Stamp;

/// What is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) stamp: Stamp,
    pub(super) bytes: u64,
    pub(super) saved: SystemTime,
}

impl Seen {
    pub(super) fn new(tag: Option<&str>, bytes: u64, saved: SystemTime) -> Self {
        let number = match tag {
            // Some quote it, and some say that it is weak, and the same one does not always.
            Some(tag) => fingerprint_bytes(tag.trim_start_matches("W/").trim_matches('"').as_bytes()).half(),
            None => saved.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64),
        };
        Seen { stamp: Stamp::new(number ^ bytes.rotate_left(32)), bytes, saved }
    }

    pub(super) fn from_meta(meta: &object_store::ObjectMeta) -> Self {
        Seen::new(meta.e_tag.as_deref(), meta.size, meta.last_modified.into())
    }
}
