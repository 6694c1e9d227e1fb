//! From a value to bytes and back.

use std::io::{Read, Write};
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::StoreResult;
use super::pieces::Pieces;
use super::schema::{Schema, schema};
use crate::model::fingerprint::Fingerprint;
use crate::model::target::Location;

/// A format for values of type `T`, given to [`FileStore::codec`](super::FileStore::codec): two methods, and all else that
/// a `FileStore` promises holds for it as well.
///
/// The file has what [`encode`](Codec::encode) wrote and nothing else, unless the codec [allows a
/// footer](Codec::allows_footer). A target that ends in `.zst` is compressed behind the codec's back, and always has the footer.
/// Without one, it is the codec that notices that a file was cut or edited: pipex only counts one of no bytes as missing, unless
/// the codec [allows that](Codec::allows_empty).
///
/// # Promises a codec makes
/// `decode` gives what `encode` was given, or an error; never something else. It gets all of the bytes that `encode` wrote.
///
/// # Example
/// ```
/// use std::io::Write;
/// use pipex::store::{Codec, StoreResult};
/// use pipex::{Config, FileStore, Mode, task};
///
/// /// A number a line.
/// struct Lines;
///
/// impl Codec<Vec<u64>> for Lines {
///     fn encode(&self, numbers: &Vec<u64>, out: &mut dyn Write) -> StoreResult<()> {
///         writeln!(out, "{} numbers", numbers.len())?;
///         numbers.iter().try_for_each(|number| Ok(writeln!(out, "{number}")?))
///     }
///     fn decode(&self, bytes: &[u8]) -> StoreResult<Vec<u64>> {
///         let (head, lines) = str::from_utf8(bytes)?.split_once('\n').ok_or("it has no first line")?;
///         let numbers = lines.lines().map(str::parse).collect::<Result<Vec<u64>, _>>()?;
///         if head != format!("{} numbers", numbers.len()) || !bytes.ends_with(b"\n") {
///             return Err("it does not have as many numbers as it says".into());
///         }
///         Ok(numbers)
///     }
/// }
///
/// #[task(target = "{path}/{funcname}.txt", store = FileStore::new().codec(Lines))]
/// fn squares(count: u64) -> Vec<u64> {
///     (1..=count).map(|x| x * x).collect()
/// }
///
/// # let out = tempfile::tempdir()?;
/// # let config = Config::new().mode(Mode::Cache).path(out.path()).journal(out.path().join(".pipex"));
/// let output = config.scope(|| squares(3).run())?;
/// assert_eq!(std::fs::read_to_string(output.location().unwrap().path())?, "3 numbers\n1\n4\n9\n");
/// assert_eq!(output.load()?, [1, 4, 9]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot write and read a `{T}`",
    label = "a value that this codec cannot write and read",
    note = "implement `pipex::store::Codec` for `{Self}` and this type, or give the task `store = ..`, another codec or a store that can, or `save = false`"
)]
pub trait Codec<T>: Send + Sync {
    /// Writes the value. `out` is buffered.
    ///
    /// # Errors
    /// When the value cannot be written, or would not come back; then the target is as it was.
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()>;

    /// The value that [`encode`](Codec::encode) was given when it wrote these bytes.
    ///
    /// # Errors
    /// When it did not write them, or not all of them.
    fn decode(&self, bytes: &[u8]) -> StoreResult<T>;

    /// The value as its payload is read, of which it is known that it has so many bytes: for values that would else be in memory twice.
    /// `None`, the default, if there is no such way; then nothing was read, and [`decode`](Codec::decode) gets all bytes.
    ///
    /// Only with a footer. Whether these are the bytes that were written is known at their end, so nothing is to depend on it
    /// before: the value of others goes, and the file is told to be damaged.
    fn read(&self, payload: &mut dyn Read, bytes: u64) -> Option<StoreResult<T>> {
        let _ = (payload, bytes);
        None
    }

    /// The value in pieces, each a value of so many elements, read as they are asked for: see
    /// [`Store::pieces`](super::Store::pieces). `None`, the default, if there is no such way.
    ///
    /// Only with a footer, and as with [`read`](Codec::read): what is wrong with the bytes is known at their end.
    fn pieces(&self, payload: Box<dyn Read + Send>, count: usize) -> Option<Pieces<T>>
    where
        T: 'static,
    {
        let _ = (payload, count);
        None
    }

    /// Its name, in errors and in footers: what has one is read by the codec of that name alone. The default is the name of
    /// its type.
    fn name(&self) -> &'static str {
        let name = std::any::type_name::<Self>();
        let path = name.split_once('<').map_or(name, |(path, _)| path);
        path.rsplit("::").next().unwrap_or(name)
    }

    /// The shape of the type, where values of another shape are written otherwise: then outputs that were written in another
    /// shape are stale. The default knows nothing of it; for a type that serde knows, say
    /// [`Some(Shape::from_serde::<T>())`](Shape::from_serde).
    ///
    /// The codec itself is no part of it: where a task's codec is another now, give the task another target as well.
    fn shape(&self) -> Option<Shape> {
        None
    }

    /// Whether those who read the format, this codec's users in other programs among them, never look behind its end. Then pipex
    /// puts a footer there: a checksum, and what made the output. [`decode`](Codec::decode) does not get to see it.
    fn allows_footer(&self) -> bool {
        false
    }

    /// Whether the format has room for a text of somebody else's, which its readers hand on or pass over, such as the key-value
    /// metadata of Parquet. Then pipex has a note written there ([`encode_with_note`](Codec::encode_with_note)), which says what
    /// a footer would.
    fn allows_note(&self) -> bool {
        false
    }

    /// Writes the value as [`encode`](Codec::encode) does, and with it this note: one line of text, as it is, in the last 64 KiB
    /// of what is written. [`decode`](Codec::decode) passes over it. It is a blank of the note's length: pipex writes what it
    /// says over it, once the checksum of all that was written is known.
    ///
    /// # Errors
    /// As `encode`.
    fn encode_with_note(&self, value: &T, note: &str, out: &mut dyn Write) -> StoreResult<()> {
        let _ = note;
        self.encode(value, out)
    }

    /// Without a footer: whether the bytes can be all that was written; else what they lack. Asked before they are
    /// decoded, for formats whose beginning would be read as another value.
    ///
    /// # Errors
    /// What the bytes lack, as in "it does not end in a newline".
    fn check_whole(&self, bytes: &[u8]) -> Result<(), &'static str> {
        let _ = bytes;
        Ok(())
    }

    /// Without a footer: whether some value is written as no bytes. Where none is, a file of no bytes counts as missing.
    fn allows_empty(&self) -> bool {
        false
    }

    /// With a footer: whether a file that has none may be the beginning of one. It is called truncated then, and else foreign.
    fn is_beginning(&self, bytes: &[u8]) -> bool {
        let _ = bytes;
        false
    }

    /// The codec for this target: itself, unless it is one that chooses by the target's name (which may end in `.zst`), as
    /// [`ByExtension`](super::ByExtension) does.
    ///
    /// # Errors
    /// When there is none for such a target. It is asked for before the target's function runs.
    fn for_target(&self, target: &Location) -> StoreResult<&dyn Codec<T>>
    where
        Self: Sized,
    {
        let _ = target;
        Ok(self)
    }
}

/// The shape of a type, as [the file format](https://github.com/pipex-rs/pipex/blob/main/docs/src/format.md#the-shape-of-a-type)
/// writes it: `[Reading{station:str,celsius:?f64}]`.
#[derive(Debug, Clone)]
pub struct Shape(Arc<Schema>);

impl Shape {
    /// The shape of a type that serde knows.
    #[must_use]
    pub fn from_serde<T: DeserializeOwned + 'static>() -> Self {
        Shape(schema::<T>())
    }

    /// The shape as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0.shape
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        self.0.fingerprint
    }
}

/// What is written at once.
pub(super) const PIECE: usize = 64 << 10;

/// The target's name without `.zst`, and whether it ended so.
pub(super) fn without_zst(target: &Location) -> (&str, bool) {
    let name = target.as_str();
    name.strip_suffix(".zst").map_or((name, false), |name| (name, true))
}

/// What would come back is not what was given.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct Lossy(pub(super) String);
