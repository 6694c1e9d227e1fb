//! A value as a JSON document.

use std::io::{self, ErrorKind, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};

use super::StoreResult;

/// A document of what this writes.
pub(super) fn write(write: &WriteJson<'_>) -> StoreResult<Vec<u8>> {
    let mut text = Text::up_to(usize::MAX);
    write(&mut text, Layout::document())?;
    text.bytes.push(b'\n');
    Ok(text.bytes)
}

/// Writes a value.
pub(super) type WriteJson<'w> = dyn Fn(&mut Text, Layout<'_>) -> serde_json::Result<()> + 'w;

/// A document that goes on would be another one.
pub(super) fn check_whole(text: &[u8]) -> Result<(), &'static str> {
    match text.last() {
        Some(b'0'..=b'9') => Err("it ends in a digit, without a newline, and may go on"),
        _ => Ok(()),
    }
}

/// JSON, up to so many bytes. All that writes JSON of any type of value writes it here, since a serializer is compiled for each of them.
pub(crate) struct Text {
    pub(crate) bytes: Vec<u8>,
    most: usize,
}

impl Text {
    pub(crate) fn up_to(most: usize) -> Self {
        Text { bytes: Vec::with_capacity(most.min(64)), most }
    }

    /// Writes the value, or an error where there is no more room.
    pub(crate) fn write<T: Serialize + ?Sized>(&mut self, value: &T, layout: Layout<'_>) -> serde_json::Result<()> {
        value.serialize(&mut Serializer::with_formatter(self, layout))
    }
}

impl Write for Text {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.write_all(bytes)?;
        Ok(bytes.len())
    }

    #[inline]
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let room = self.most - self.bytes.len();
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(room)]);
        if bytes.len() > room { Err(ErrorKind::WriteZero.into()) } else { Ok(()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// How a value is laid out: as one document for people, each element of the outermost array in a line of its own, or all in one line.
pub(crate) struct Layout<'i> {
    document: Option<PrettyFormatter<'i>>,
    depth: usize,
}

impl Layout<'_> {
    pub(super) fn document() -> Self {
        Layout { document: Some(PrettyFormatter::new()), depth: 0 }
    }

    /// Elements as lines, without the array.
    pub(super) fn lines() -> Self {
        Layout { document: None, depth: 0 }
    }

    /// All in one line.
    pub(crate) fn line() -> Self {
        Layout { document: None, depth: 1 }
    }
}

/// As the document has it, else this.
macro_rules! layout {
    ($($method:ident($self:ident $(, $out:ident $(, $first:ident)?)?) $else:expr;)*) => {$(
        fn $method<W: ?Sized + Write>(&mut $self $(, $out: &mut W $(, $first: bool)?)?) -> io::Result<()> {
            match &mut $self.document {
                Some(document) => document.$method($($out $(, $first)?)?),
                None => $else,
            }
        }
    )*};
}

impl Formatter for Layout<'_> {
    layout! {
        begin_array(self, out) {
            self.depth += 1;
            if self.depth == 1 { Ok(()) } else { out.write_all(b"[") }
        };
        end_array(self, out) {
            self.depth -= 1;
            if self.depth == 0 { Ok(()) } else { out.write_all(b"]") }
        };
        begin_array_value(self, out, first) if self.depth == 1 || first { Ok(()) } else { out.write_all(b",") };
        end_array_value(self, out) if self.depth == 1 { out.write_all(b"\n") } else { Ok(()) };
        begin_object(self, out) {
            self.depth += 1;
            out.write_all(b"{")
        };
        end_object(self, out) {
            self.depth -= 1;
            out.write_all(b"}")
        };
        begin_object_key(self, out, first) if first { Ok(()) } else { out.write_all(b",") };
        begin_object_value(self, out) out.write_all(b":");
        end_object_value(self, _out) Ok(());
    }
}
