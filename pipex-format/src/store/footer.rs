//! What stands behind the payload of a file: checksum, type, what made it. `docs/src/format.md` has it byte by byte.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::codec::Shape;
use super::error::StoreError;
use super::record::{Made, Record};
use crate::model::fingerprint::{Fingerprint, fingerprint_bytes};
use crate::model::or_zero;

/// What is recorded of a value beside its payload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Footer {
    pub(super) length: u64,
    pub(super) checksum: Option<Fingerprint>,
    pub(super) code: Option<Fingerprint>,
    pub(super) arguments: Option<Fingerprint>,
    pub(super) inputs: Option<Fingerprint>,
    pub(super) task: String,
    pub(super) type_name: Cow<'static, str>,
    /// The shape of the type; empty if it is not known.
    pub(super) shape: String,
    pub(super) pipex: Cow<'static, str>,
    /// How many bytes the payload expands to, if it is compressed; the first footers do not say it.
    pub(super) expanded: Option<u64>,
    /// The codec, if it is not the one that the target's extension stands for.
    pub(super) codec: Option<String>,
}

const FORMAT: u16 = 1;
const MAGIC: &[u8; 6] = b"pipex\0";
/// A zstd decoder skips a frame with this magic number, and bincode never looks behind its value.
const SKIPPABLE: u32 = 0x184D_2A50;
const HEAD: usize = 8;
const TAIL: usize = 20;

/// The bytes of the shortest footer, and so of the shortest file that has one.
pub(super) const SHORTEST: u64 = (HEAD + 8 + 4 * 16 + 4 * 4 + TAIL) as u64;

impl Footer {
    /// Of a value of this type and shape whose payload has this length and checksum, and if it is compressed expands to so
    /// many bytes.
    pub(super) fn new(
        record: Record,
        type_name: &'static str,
        shape: Option<&Shape>,
        length: u64,
        checksum: Fingerprint,
        expanded: Option<u64>,
    ) -> Self {
        let task = record.task();
        Footer {
            length,
            checksum: Some(checksum),
            code: Some(task.code),
            arguments: Some(record.arguments()),
            inputs: record.inputs(),
            task: [task.module, "::", task.funcname].concat(),
            type_name: type_name.into(),
            shape: shape.map_or("", Shape::as_str).to_owned(),
            pipex: env!("CARGO_PKG_VERSION").into(),
            expanded,
            codec: None,
        }
    }

    /// Puts the footer behind what is there.
    pub(super) fn append_to(&self, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        bytes.extend_from_slice(&SKIPPABLE.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&self.length.to_le_bytes());
        for fingerprint in [self.checksum, self.code, self.arguments, self.inputs] {
            bytes.extend_from_slice(&or_zero::to_number(fingerprint).to_le_bytes());
        }
        for text in [&*self.task, &self.type_name, &self.shape, &self.pipex] {
            append_text(bytes, text);
        }
        if self.expanded.is_some() || self.codec.is_some() {
            bytes.extend_from_slice(&self.expanded.unwrap_or(self.length).to_le_bytes());
        }
        if let Some(codec) = &self.codec {
            append_text(bytes, codec);
        }
        let length = (bytes.len() - start + TAIL) as u32;
        bytes[start + 4..start + HEAD].copy_from_slice(&(length - HEAD as u32).to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        let checksum = checksum(&bytes[start..]);
        bytes.extend_from_slice(&checksum.to_le_bytes());
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&FORMAT.to_le_bytes());
    }

    /// Parts a file into its payload and its footer, having checked both. `is_beginning` says whether bytes without a footer
    /// may be the beginning of a payload.
    pub(super) fn split<'b>(
        bytes: &'b [u8],
        target: &str,
        is_beginning: impl FnOnce(&[u8]) -> bool,
    ) -> Result<(&'b [u8], Self), StoreError> {
        let target = || target.to_owned();
        let Some((version, start)) = find(bytes) else {
            if let Some(end) = end_of_whole(bytes) {
                return Err(StoreError::Appended { target: target(), bytes: bytes.len() - end });
            }
            return Err(if has_cut_footer(bytes) || is_beginning(bytes) {
                StoreError::Truncated { target: target() }
            } else {
                StoreError::Foreign { target: target() }
            });
        };
        if version > FORMAT {
            return Err(StoreError::NewerFormat { target: target(), version });
        }
        let damaged = || StoreError::Damaged { target: target() };
        // There has been no format before the first.
        let start = start.filter(|_| version >= 1);
        let (payload, footer) = start.and_then(|start| bytes.split_at_checked(start)).ok_or_else(damaged)?;
        let footer = Self::whole(footer).ok_or_else(damaged)?;
        footer.check_payload(payload, &target())?;
        Ok((payload, footer))
    }

    /// The footer at the end of a file of so many bytes, if it has a whole one. The payload is not looked at.
    pub(super) fn read_at_end(file: &File, length: u64) -> io::Result<Option<Self>> {
        Ok(Self::find_at_end(file, length)?.map(|(_, footer)| footer))
    }

    /// The same, and where it begins.
    pub(super) fn find_at_end(file: &File, length: u64) -> io::Result<Option<(u64, Self)>> {
        // Nearly all footers are shorter.
        let most = length.min(2 << 10);
        let mut end = vec![0; most as usize];
        file.read_exact_at(&mut end, length - most)?;
        let Some((FORMAT, _)) = find(&end) else { return Ok(None) };
        let bytes = u32::from_le_bytes(*end[..end.len() - 16].last_chunk().unwrap_or(&[0; 4]));
        if u64::from(bytes) > length || u64::from(bytes) < SHORTEST {
            return Ok(None);
        }
        if bytes as usize > end.len() {
            end = vec![0; bytes as usize];
            file.read_exact_at(&mut end, length - u64::from(bytes))?;
        }
        let footer = Self::whole(&end[end.len() - bytes as usize..]);
        Ok(footer.map(|footer| (length - u64::from(bytes), footer)))
    }

    /// The footer at the end of these bytes, if they have a whole one.
    pub(super) fn find(bytes: &[u8]) -> Option<Self> {
        Self::find_in(bytes).map(|(_, footer)| footer)
    }

    /// The same, and where it begins.
    pub(super) fn find_in(bytes: &[u8]) -> Option<(usize, Self)> {
        let (_, start) = find(bytes)?;
        let start = start?;
        Some((start, Self::whole(&bytes[start..])?))
    }

    /// Whether these bytes end as those do that have a footer.
    pub(super) fn is_at_end(bytes: &[u8]) -> bool {
        find(bytes).is_some()
    }

    /// A footer, from its magic number to the end of the file, whose checksum matches.
    fn whole(footer: &[u8]) -> Option<Self> {
        let (content, tail) = footer.split_at_checked(footer.len().checked_sub(16)?)?;
        if tail[..8] == checksum(content).to_le_bytes() { Self::parse(content) } else { None }
    }

    /// What made the value.
    pub(super) fn made(self) -> Made {
        let Footer { task, code, arguments, inputs, type_name, shape, .. } = self;
        Made { task, code, arguments, inputs, type_name: type_name.into_owned(), shape }
    }

    fn parse(content: &[u8]) -> Option<Self> {
        let mut rest = Rest(content.get(HEAD..)?);
        Some(Footer {
            length: u64::from_le_bytes(rest.take()?),
            checksum: rest.fingerprint()?,
            code: rest.fingerprint()?,
            arguments: rest.fingerprint()?,
            inputs: rest.fingerprint()?,
            task: rest.text()?,
            type_name: rest.text()?.into(),
            shape: rest.text()?,
            pipex: rest.text()?.into(),
            expanded: rest.take().map(u64::from_le_bytes),
            // Newer footers may go on.
            codec: rest.text(),
        })
    }

    /// Whether the payload is the one that was saved.
    pub(super) fn check_payload(&self, payload: &[u8], target: &str) -> Result<(), StoreError> {
        if payload.len() as u64 == self.length && Some(fingerprint_bytes(payload)) == self.checksum {
            Ok(())
        } else {
            Err(StoreError::Damaged { target: target.to_owned() })
        }
    }

    /// Whether the value is of this type, as far as shapes are known: of the same, wherever the type may have moved to.
    pub(super) fn check_type(&self, wanted: &str, shape: Option<&Shape>, target: &str) -> Result<(), StoreError> {
        let Some(shape) = shape.map(Shape::as_str).filter(|shape| *shape != self.shape && !self.shape.is_empty())
        else {
            return Ok(());
        };
        let describe = |name: &str, shape: &str| format!("`{name}` with the shape `{shape}`");
        Err(StoreError::WrongType {
            target: target.to_owned(),
            found: describe(&self.type_name, &self.shape),
            wanted: describe(wanted, shape),
        })
    }
}

/// The format's version and where the footer begins, if the bytes end as a footer does.
fn find(bytes: &[u8]) -> Option<(u16, Option<usize>)> {
    let (rest, version) = bytes.split_last_chunk()?;
    let (rest, magic) = rest.split_last_chunk::<6>()?;
    if magic != MAGIC {
        return None;
    }
    let length =
        rest.len().checked_sub(12).map(|at| u32::from_le_bytes([rest[at], rest[at + 1], rest[at + 2], rest[at + 3]]));
    let start = length
        .filter(|length| u64::from(*length) >= SHORTEST)
        .and_then(|length| bytes.len().checked_sub(length as usize));
    Some((u16::from_le_bytes(*version), start))
}

/// Where a file ends that is whole, if it is the beginning of these bytes.
fn end_of_whole(bytes: &[u8]) -> Option<usize> {
    // What is no footer and looks like the end of one costs a checksum.
    const TRIES: usize = 16;
    let ends = bytes.windows(MAGIC.len()).enumerate().rev().filter(|(_, window)| window == MAGIC);
    let mut ends = ends.map(|(at, _)| at + MAGIC.len() + 2).filter(|end| *end < bytes.len()).take(TRIES);
    ends.find(|end| {
        let bytes = &bytes[..*end];
        let start = find(bytes).and_then(|(_, start)| start);
        start.is_some_and(|start| Footer::whole(&bytes[start..]).is_some_and(|footer| footer.length == start as u64))
    })
}

/// Whether a footer begins in the last bytes, and does not end there.
fn has_cut_footer(bytes: &[u8]) -> bool {
    let last = &bytes[bytes.len().saturating_sub(64 << 10)..];
    last.windows(4).any(|window| *window == SKIPPABLE.to_le_bytes())
}

fn checksum(bytes: &[u8]) -> u64 {
    xxhash_rust::xxh3::xxh3_64(bytes)
}

fn append_text(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend_from_slice(&(text.len() as u32).to_le_bytes());
    bytes.extend_from_slice(text.as_bytes());
}

/// What has yet to be parsed.
struct Rest<'b>(&'b [u8]);

impl Rest<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*taken)
    }

    fn fingerprint(&mut self) -> Option<Option<Fingerprint>> {
        self.take().map(u128::from_le_bytes).map(or_zero::from_number)
    }

    fn text(&mut self) -> Option<String> {
        let length = u32::from_le_bytes(self.take()?) as usize;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }
}
