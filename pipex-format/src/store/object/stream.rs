//! A value on its way to a bucket while it is written.
//!
//! What is small is one request in the end. Of what is larger, parts go while the rest is written, and no more of it is in memory than is
//! under way: at most the [`LARGE`] bytes before its first part, and then a part that fills and those that are sent.

use std::mem;

use bytes::Bytes;
use xxhash_rust::xxh3::Xxh3;

use super::parts::Parts;
use crate::model::fingerprint::Fingerprint;
use crate::store::error::StoreError;
use crate::store::footer::Footer;
use crate::store::note::WITHIN;

/// What is larger goes in parts: several requests, none of which has to take long.
pub(super) const LARGE: usize = 16 << 20;
/// The bytes of a part.
const PART: usize = 8 << 20;
/// Servers take no more parts than 10,000, and objects of 5 TB: after so many parts (11 GB) the next ones grow with what has been sent.
const SAME: u64 = 1_400;
/// What stays behind when a part is sent, so that the end of it all is seen at once, and a note can be put there.
const END: usize = WITHIN;

/// What has been written.
#[derive(Default)]
pub(super) struct Stream {
    /// All of it is one request, whatever its size.
    is_one: bool,
    buffer: Vec<u8>,
    sent: u64,
    hasher: Box<Xxh3>,
    parts: Option<Parts>,
}

/// All that was written.
pub(super) enum Written {
    AtOnce(Bytes),
    /// All has been sent, but nothing is put together.
    InParts {
        parts: Parts,
        length: u64,
        print: Fingerprint,
        has_footer: bool,
    },
}

impl Stream {
    /// Of what goes to a server that takes no parts.
    pub(super) fn new(takes_parts: bool) -> Self {
        Stream { is_one: !takes_parts, ..Stream::default() }
    }

    pub(super) fn len(&self) -> u64 {
        self.sent + self.buffer.len() as u64
    }

    /// The last bytes, if not all of them.
    pub(super) fn end(&mut self) -> &mut [u8] {
        &mut self.buffer
    }

    /// Takes what comes next. Once it is too large for one request, it has parts begin.
    pub(super) fn write(
        &mut self,
        mut bytes: &[u8],
        mut begin: impl FnMut() -> Result<Parts, StoreError>,
    ) -> Result<(), StoreError> {
        while !bytes.is_empty() {
            let most = if self.parts.is_some() { self.part() } else { LARGE } + END;
            if self.buffer.len() >= most && !self.is_one {
                self.send(&mut begin)?;
                continue;
            }
            let room = if self.is_one { usize::MAX } else { most - self.buffer.len() };
            let (now, later) = bytes.split_at(bytes.len().min(room));
            self.buffer.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    /// The bytes of the next part.
    fn part(&self) -> usize {
        PART.max(usize::try_from(self.sent / SAME).unwrap_or(usize::MAX / 2))
    }

    /// Sends a part of what is there.
    fn send(&mut self, begin: &mut dyn FnMut() -> Result<Parts, StoreError>) -> Result<(), StoreError> {
        let part = self.part();
        let parts = match &mut self.parts {
            Some(parts) => parts,
            none => none.insert(begin()?),
        };
        let mut rest = Vec::with_capacity(part + END);
        rest.extend_from_slice(&self.buffer[part..]);
        self.buffer.truncate(part);
        let bytes = mem::replace(&mut self.buffer, rest);
        self.hasher.update(&bytes);
        self.sent += bytes.len() as u64;
        parts.add(bytes.into())
    }

    /// Sends what is left of what goes in parts.
    pub(super) fn finish(&mut self) -> Result<Written, StoreError> {
        let Stream { buffer, sent, mut hasher, parts, .. } = mem::take(self);
        let Some(mut parts) = parts else { return Ok(Written::AtOnce(buffer.into())) };
        hasher.update(&buffer);
        let (length, has_footer) = (sent + buffer.len() as u64, Footer::is_at_end(&buffer));
        parts.add(buffer.into())?;
        parts.wait()?;
        Ok(Written::InParts { parts, length, print: Fingerprint::new(hasher.digest128()), has_footer })
    }
}
