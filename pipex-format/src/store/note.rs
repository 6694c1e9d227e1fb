//! What a footer says, where none may stand behind the payload: as a text in a room that the format itself has, such as the
//! key-value metadata of Parquet. `docs/src/format.md` has it.
//!
//! The codec writes a blank of the note's length. When all is written, its checksum is known, and the note takes the blank's
//! place: so the checksum is of the whole file, and the same whatever made it.

use std::borrow::Cow;
use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt as _;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh3::{Xxh3, xxh3_64};

use super::error::StoreError;
use super::footer::Footer;
use crate::model::fingerprint::Fingerprint;
use crate::model::or_zero;

/// The version of the note.
const FORMAT: u16 = 1;
/// How a note begins.
const START: &[u8] = br#"{"pipex_note":"#;
/// How it ends, but for its own checksum and the spaces that fill its room.
const CHECK: &[u8] = br#","check":""#;
const CHECK_BYTES: usize = CHECK.len() + 18;
/// Its room is a multiple of this, so that a name which is longer by some letters leaves the rest of the file as it is.
const STEP: usize = 256;
/// It stands in so many bytes at the end of its file.
pub(super) const WITHIN: usize = 64 << 10;

/// A note that has its room, and is yet to be written there.
pub(super) struct Note {
    footer: Footer,
    blank: String,
}

impl Note {
    /// For what this says, once length and checksum are known.
    pub(super) fn reserve(footer: Footer) -> Self {
        let longest = write(&Footer { length: u64::MAX, ..footer.clone() }, usize::MAX).len();
        Note { footer, blank: blank(longest.next_multiple_of(STEP)) }
    }

    /// What stands in its place while the file is written.
    pub(super) fn blank(&self) -> &str {
        &self.blank
    }

    /// Puts it into its place; whether that was found. The file has this length and, with the blank, this checksum.
    pub(super) fn fill_in(self, file: &File, length: u64, checksum: Fingerprint) -> io::Result<bool> {
        let (start, end) = read_end(file, length)?;
        let Some((at, note)) = self.find_place(&end, length, checksum) else { return Ok(false) };
        file.write_all_at(note.as_bytes(), start + at as u64)?;
        Ok(true)
    }

    /// The same in the last bytes of what is no file.
    pub(super) fn fill_in_end(self, bytes: &mut [u8], length: u64, checksum: Fingerprint) -> bool {
        let start = bytes.len().saturating_sub(WITHIN);
        let end = &mut bytes[start..];
        let Some((at, note)) = self.find_place(end, length, checksum) else { return false };
        end[at..at + note.len()].copy_from_slice(note.as_bytes());
        true
    }

    /// Where its blank stands in the end of what is written, and what is to stand there.
    fn find_place(self, end: &[u8], length: u64, checksum: Fingerprint) -> Option<(usize, String)> {
        let at = end.windows(self.blank.len()).rposition(|place| place == self.blank.as_bytes())?;
        let footer = Footer { length, checksum: Some(checksum), ..self.footer };
        Some((at, write(&footer, self.blank.len())))
    }
}

/// What the note of a file of so many bytes says, if it has one of its own, and where it stands. The rest of the file is not
/// looked at.
pub(super) fn read_at_end(file: &File, length: u64) -> io::Result<Option<(Range<u64>, Footer)>> {
    let (start, end) = read_end(file, length)?;
    Ok(find(&end, length)
        .ok()
        .flatten()
        .map(|(place, footer)| (start + place.start as u64..start + place.end as u64, footer)))
}

/// What the note says in these bytes, the last or all of so many, if they have one of their own.
#[cfg(feature = "object-store")]
pub(super) fn find_at_end(bytes: &[u8], length: u64) -> Option<Footer> {
    Some(find(end(bytes), length).ok()??.1)
}

/// Puts the blank back where a note stands, in a piece of its file that begins at this offset: the checksum is of that.
pub(super) fn blank_out(piece: &mut [u8], offset: u64, note: &Range<u64>) {
    let blank = blank((note.end - note.start) as usize);
    let from = note.start.max(offset);
    let to = note.end.min(offset + piece.len() as u64);
    if from < to {
        let [from_note, to_note] = [from, to].map(|at| (at - note.start) as usize);
        piece[(from - offset) as usize..(to - offset) as usize].copy_from_slice(&blank.as_bytes()[from_note..to_note]);
    }
}

/// What the note of a file says whose format has one, if it is the file's own; its checksum is that of the file.
pub(super) fn check(bytes: &[u8], target: &str) -> Result<Option<Footer>, StoreError> {
    let found = find(end(bytes), bytes.len() as u64).map_err(|problem| match problem {
        Problem::Newer(version) => StoreError::NewerFormat { target: target.to_owned(), version },
        Problem::Damaged => StoreError::Damaged { target: target.to_owned() },
    })?;
    check_file(bytes, found, target)
}

/// The same of a file that may have anything.
pub(super) fn check_if_there(bytes: &[u8], target: &str) -> Result<Option<Footer>, StoreError> {
    check_file(bytes, find(end(bytes), bytes.len() as u64).ok().flatten(), target)
}

fn check_file(bytes: &[u8], found: Option<Found>, target: &str) -> Result<Option<Footer>, StoreError> {
    let Some((place, footer)) = found else { return Ok(None) };
    let start = bytes.len() - end(bytes).len();
    let mut hasher = Xxh3::new();
    hasher.update(&bytes[..start + place.start]);
    hasher.update(blank(place.len()).as_bytes());
    hasher.update(&bytes[start + place.end..]);
    if footer.checksum == Some(Fingerprint::new(hasher.digest128())) {
        Ok(Some(footer))
    } else {
        Err(StoreError::Damaged { target: target.to_owned() })
    }
}

fn end(bytes: &[u8]) -> &[u8] {
    &bytes[bytes.len().saturating_sub(WITHIN)..]
}

/// Where in the end of a file its note stands, and what it says.
type Found = (Range<usize>, Footer);

/// What is wrong with a note.
enum Problem {
    Damaged,
    Newer(u16),
}

/// The last whole note in the end of a file of so many bytes, if it is the file's own: what another program has copied says
/// another length.
fn find(end: &[u8], length: u64) -> Result<Option<Found>, Problem> {
    let mut problem = None;
    // Whatever is text comes through here, and most of it has no such byte.
    if !end.contains(&START[0]) {
        return Ok(None);
    }
    let begin = end.iter().enumerate().rev().filter(|(_, byte)| **byte == START[0]);
    for (at, _) in begin.filter(|(at, _)| end[*at..].starts_with(START)) {
        match parse(&end[at..]) {
            Ok((_, footer)) if footer.length != length => {}
            Ok((text, footer)) => match end.get(at..at + text.room) {
                Some(room) if room[text.bytes..].iter().all(|byte| *byte == b' ') => {
                    return Ok(Some((at..at + text.room, footer)));
                }
                _ => problem = Some(Problem::Damaged),
            },
            Err(found) => problem = Some(found),
        }
    }
    problem.map_or(Ok(None), Err)
}

/// What the note says that begins here, and what it takes.
fn parse(bytes: &[u8]) -> Result<(Extent, Footer), Problem> {
    let version = serde_json::Deserializer::from_slice(&bytes[START.len()..]).into_iter::<u16>().next();
    match version {
        Some(Ok(version)) if version > FORMAT => return Err(Problem::Newer(version)),
        _ => {}
    }
    let parsed = || {
        let end = bytes.windows(CHECK.len()).position(|window| window == CHECK)?;
        if *bytes.get(end..end + CHECK_BYTES)? != *check_digits(&bytes[..end]).as_bytes() {
            return None;
        }
        let text: Text = serde_json::from_slice(&[&bytes[..end], b"}"].concat()).ok()?;
        let extent = Extent { bytes: end + CHECK_BYTES, room: text.room };
        (extent.bytes <= extent.room && extent.room <= WITHIN).then(|| (extent, text.into()))
    };
    parsed().ok_or(Problem::Damaged)
}

/// The bytes of a note, and those of its room.
struct Extent {
    bytes: usize,
    room: usize,
}

fn blank(length: usize) -> String {
    format!("{:length$}", "a note of pipex")
}

/// The note, with spaces behind it up to this length.
fn write(footer: &Footer, room: usize) -> String {
    let text = Text { room, ..footer.clone().into() };
    let mut text = serde_json::to_string(&text).expect("texts and numbers are JSON");
    text.pop();
    text += &check_digits(text.as_bytes());
    if room < usize::MAX {
        text.extend(std::iter::repeat_n(' ', room.saturating_sub(text.len())));
    }
    text
}

fn check_digits(text: &[u8]) -> String {
    format!(r#","check":"{:016x}"}}"#, xxh3_64(text))
}

/// The last bytes of a file of so many, and where they begin.
fn read_end(file: &File, length: u64) -> io::Result<(u64, Vec<u8>)> {
    let mut end = vec![0; length.min(WITHIN as u64) as usize];
    let start = length - end.len() as u64;
    file.read_exact_at(&mut end, start)?;
    Ok((start, end))
}

#[derive(Serialize, Deserialize)]
struct Text {
    pipex_note: u16,
    task: String,
    #[serde(rename = "type")]
    type_name: Cow<'static, str>,
    shape: String,
    #[serde(with = "or_zero")]
    code: Option<Fingerprint>,
    #[serde(with = "or_zero")]
    arguments: Option<Fingerprint>,
    #[serde(with = "or_zero")]
    inputs: Option<Fingerprint>,
    codec: Option<String>,
    pipex: Cow<'static, str>,
    bytes: u64,
    #[serde(with = "or_zero")]
    checksum: Option<Fingerprint>,
    room: usize,
}

impl From<Footer> for Text {
    fn from(footer: Footer) -> Self {
        let Footer { length, checksum, code, arguments, inputs, task, type_name, shape, pipex, codec, .. } = footer;
        let (pipex_note, bytes, room) = (FORMAT, length, 0);
        Text { pipex_note, task, type_name, shape, code, arguments, inputs, codec, pipex, bytes, checksum, room }
    }
}

impl From<Text> for Footer {
    fn from(text: Text) -> Self {
        let Text { task, type_name, shape, code, arguments, inputs, codec, pipex, bytes, checksum, .. } = text;
        let (length, expanded) = (bytes, None);
        Footer { length, checksum, code, arguments, inputs, task, type_name, shape, pipex, expanded, codec }
    }
}
