//! Large values in bincode, read piece by piece.

use std::io::{self, Read};

use super::StoreResult;
use super::bincode_reader::{MOST_EMPTY, Part, ReadError, read_part};
use super::bulk::{Slot, find_slot};
use super::codec::PIECE;
use super::typed::AnyPlace;

/// Reads a vector of numbers from bincode of so many bytes; `None` if it is none.
pub(super) fn read_numbers(source: &mut dyn Read, bytes: u64, place: &mut dyn AnyPlace) -> Option<StoreResult<()>> {
    Some(read_slot(find_slot(place.as_any())?, source, bytes))
}

fn read_slot(slot: &mut dyn Slot, source: &mut dyn Read, bytes: u64) -> StoreResult<()> {
    let count = read_count(source, slot.width(), bytes)?;
    fill(slot, count, source)?;
    check_end(source, &[])
}

/// How many elements of this width stand in so many bytes, which says the length before them, too.
pub(super) fn read_count(source: &mut dyn Read, width: usize, bytes: u64) -> StoreResult<usize> {
    let count = read_length(source)?;
    if u128::from(count) * width as u128 + 8 == u128::from(bytes) {
        return Ok(usize::try_from(count)?);
    }
    Err(ReadError::End.into())
}

fn read_length(source: &mut dyn Read) -> StoreResult<u64> {
    let mut length = [0; 8];
    source.read_exact(&mut length)?;
    Ok(u64::from_le_bytes(length))
}

/// Reads so many numbers, without another copy of all of them.
fn fill(slot: &mut dyn Slot, count: usize, source: &mut dyn Read) -> StoreResult<()> {
    slot.begin(count)?;
    let mut left = count * slot.width();
    let most = PIECE / slot.width() * slot.width();
    let mut piece = vec![0; left.min(most)];
    while left > 0 {
        let bytes = left.min(most);
        source.read_exact(&mut piece[..bytes])?;
        slot.extend(&piece[..bytes]);
        left -= bytes;
    }
    Ok(())
}

/// Whether nothing is left; with that the checksum is looked at.
pub(super) fn check_end(source: &mut dyn Read, rest: &[u8]) -> StoreResult<()> {
    match io::copy(source, &mut io::sink())? + rest.len() as u64 {
        0 => Ok(()),
        more => Err(ReadError::LeftOver(more as usize).into()),
    }
}

/// The elements of a sequence in bincode, so many at a time.
pub(super) struct Elements {
    source: Box<dyn Read + Send>,
    at_once: u64,
    /// How many are left; before the first nobody knows.
    left: Option<u64>,
    /// What was read, and not yet needed.
    buffer: Vec<u8>,
    /// The bytes that the last ones took.
    usual: usize,
    /// How many elements took no bytes.
    empty: u64,
}

impl Elements {
    pub(super) fn new(source: Box<dyn Read + Send>, at_once: usize) -> Self {
        Elements { source, at_once: at_once as u64, left: None, buffer: Vec::new(), usual: PIECE, empty: 0 }
    }

    /// Puts the next elements there, unless there are none.
    pub(super) fn next(&mut self, place: &mut dyn AnyPlace) -> StoreResult<()> {
        let read = self.piece(place);
        if read.is_err() {
            self.left = Some(0);
        }
        read
    }

    fn piece(&mut self, place: &mut dyn AnyPlace) -> StoreResult<()> {
        let left = match self.left {
            Some(left) => left,
            None => *self.left.insert(read_length(&mut self.source)?),
        };
        let count = left.min(self.at_once);
        if count == 0 {
            return Ok(());
        }
        match find_slot(place.as_any()) {
            Some(slot) => fill(slot, usize::try_from(count)?, &mut self.source)?,
            None => self.decode(count, place)?,
        }
        self.left = Some(left - count);
        if left == count {
            check_end(&mut self.source, &self.buffer)?;
        }
        Ok(())
    }

    /// So many elements. What they take is known when they were read: they are tried until there is enough for them.
    fn decode(&mut self, count: u64, place: &mut dyn AnyPlace) -> StoreResult<()> {
        let mut more = self.usual.saturating_sub(self.buffer.len());
        loop {
            let read = self.source.by_ref().take(more as u64).read_to_end(&mut self.buffer)?;
            let Part { read: done, used, needs_more } =
                read_part(&self.buffer, count, &mut |reader| place.read_bincode(reader));
            if needs_more && (read > 0 || more == 0) {
                more = self.buffer.len().max(PIECE);
                continue;
            }
            done?;
            self.usual = used;
            if used == 0 {
                self.empty += count;
            }
            if self.empty > MOST_EMPTY {
                return Err(ReadError::TooMany.into());
            }
            self.buffer.drain(..used);
            return Ok(());
        }
    }
}
