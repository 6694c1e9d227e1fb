//! Where outputs are kept: the [`Store`] trait and the stores that pipex brings.

#[cfg(feature = "arrow")]
mod arrow;
#[cfg(feature = "arrow")]
mod batches;
mod bincode;
pub(crate) mod bincode_reader;
pub(crate) mod bincode_writer;
mod builtin;
mod bulk;
#[cfg(test)]
mod bulk_tests;
mod claim;
mod claim_file;
#[cfg(test)]
mod claim_tests;
mod codec;
#[cfg(test)]
mod codec_tests;
mod compression;
#[cfg(feature = "csv")]
mod csv;
#[cfg(feature = "csv")]
mod csv_rows;
mod elements;
mod entry;
mod error;
mod extension;
#[cfg(test)]
mod extension_tests;
mod file;
#[cfg(feature = "parquet")]
mod first_rows;
mod footer;
#[cfg(test)]
mod forged_tests;
mod format;
pub(crate) mod json;
mod json_lines;
mod listing;
#[cfg(feature = "msgpack")]
mod message_pack;
#[cfg(not(feature = "object-store"))]
mod no_object;
mod note;
#[cfg(feature = "object-store")]
mod object;
mod own;
#[cfg(feature = "parquet")]
mod parquet;
mod payload;
mod pieces;
#[cfg(feature = "bytemuck")]
mod pod;
mod record;
mod regular;
#[cfg(feature = "arrow")]
mod rows;
mod schema;
mod shared;
#[cfg(feature = "sqlite")]
mod sqlite;
mod stamp;
mod sweep;
#[cfg(all(test, feature = "parquet"))]
mod table_tests;
mod taken;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod text_tests;
mod together;
#[cfg(feature = "toml")]
mod toml;
mod tracer;
mod typed;
mod unnamed;
mod verbatim;
#[cfg(feature = "yaml")]
mod yaml;

use std::path::PathBuf;

/// The crate whose `RecordBatch` [`Arrow`] and `Parquet` take; `arrow::array` is the same.
#[cfg(feature = "arrow")]
pub use arrow_array;

#[cfg(feature = "arrow")]
pub use self::arrow::Arrow;
pub use self::claim::{Claim, Draft, Receipt};
pub use self::claim_file::Ending;
use self::claim_file::{remove_claims, remove_whatever};
pub use self::codec::{Codec, Shape};
pub use self::compression::expand;
pub use self::entry::Entry;
pub use self::error::StoreError;
pub use self::extension::Extension;
pub use self::file::FileStore;
#[cfg(feature = "parquet")]
pub use self::first_rows::FirstRows;
pub use self::format::ByExtension;
pub(crate) use self::listing::fingerprint_file;
pub use self::listing::{Files, Listing};
#[cfg(not(feature = "object-store"))]
use self::no_object as object;
pub use self::own::OwnOutput;
#[cfg(feature = "parquet")]
pub use self::parquet::Parquet;
pub use self::pieces::Pieces;
#[cfg(feature = "bytemuck")]
pub use self::pod::Pod;
pub use self::record::{Made, Record};
pub(crate) use self::regular::open_regular;
#[cfg(feature = "arrow")]
pub use self::rows::Rows;
pub use self::shared::{Shared, SharedName, SharedOutput};
#[cfg(feature = "sqlite")]
pub use self::sqlite::{KeptOpen, SqliteStore};
pub use self::stamp::Stamp;
pub use self::sweep::{Leftover, sweep, while_unclaimed};
pub use self::taken::{Taken, number_extension};
pub use self::together::{Member, save_together};

use crate::model::fingerprint::Fingerprint;
use crate::model::target::Location;

/// What stores have open stays so while one of these lives.
pub struct Lease {
    #[cfg(feature = "sqlite")]
    _databases: KeptOpen,
    #[cfg(feature = "object-store")]
    _lists: Option<object::KeptLists>,
}

impl Lease {
    /// Holds open what is open.
    pub fn hold() -> Self {
        Lease {
            #[cfg(feature = "sqlite")]
            _databases: KeptOpen::hold(),
            #[cfg(feature = "object-store")]
            _lists: None,
        }
    }

    /// The same for many calls: what is in a bucket may be listed, and then counts until this ends or the next begins.
    pub fn hold_for_many() -> Self {
        Lease {
            #[cfg(feature = "sqlite")]
            _databases: KeptOpen::hold(),
            #[cfg(feature = "object-store")]
            _lists: Some(object::KeptLists::keep()),
        }
    }

    /// Lets go of it.
    pub fn give_back(self) {}
}

/// Gives up all that this process has in stores, since it is about to end: claims, what was written under them, and what is open.
pub fn end() -> Ending {
    let ending = remove_claims();
    #[cfg(feature = "object-store")]
    object::end_leases();
    #[cfg(feature = "sqlite")]
    sqlite::close_databases();
    ending
}

/// What a store's methods return: any error goes, so that `?` works on the errors of whatever library does the work.
pub type StoreResult<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// A place that keeps values of type `T`, each under its target.
///
/// The trait is over the value type, so that a store can ask of it what it needs: [`FileStore`](struct@FileStore) asks for serde, a store of
/// images asks for an image. It is synchronous; a store over the network blocks inside. What a target *is* to a store (a
/// path, a key) the store decides.
///
/// # Promises a store makes
/// - A target is there whole or not at all, at every instant, whatever is killed.
/// - `load` gives what `save` was given, or an error that names the target; never something else.
///
/// pipex sees to the rest: it calls `save` only while it holds the target's [`Claim`], which no other thread or process
/// can hold at the same time.
///
/// # Example
/// A store of plain text in ten lines:
/// ```
/// use std::{fs, io::Write};
/// use pipex::{Location, store::{Claim, Store, StoreResult}};
///
/// struct Text;
///
/// impl Store<String> for Text {
///     fn exists(&self, target: &Location) -> StoreResult<bool> {
///         Ok(target.path().try_exists()?)
///     }
///     fn load(&self, target: &Location) -> StoreResult<String> {
///         Ok(fs::read_to_string(target.path())?)
///     }
///     fn save(&self, mut claim: Claim, text: &String) -> StoreResult<u64> {
///         claim.file().write_all(text.as_bytes())?;
///         Ok(claim.commit()?)
///     }
///     fn remove(&self, target: &Location) -> StoreResult<()> {
///         Ok(fs::remove_file(target.path())?)
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot keep a `{T}`",
    label = "a value that this store cannot keep",
    note = "derive what the store needs (the default `FileStore`: `serde::Serialize` and `serde::Deserialize`), or give the task `store = ..`, a store that can, or `save = false`"
)]
pub trait Store<T>: Send + Sync {
    /// Whether the target is there, whole.
    ///
    /// # Errors
    /// When the store cannot tell: no permission, a directory in the target's place, no connection.
    fn exists(&self, target: &Location) -> StoreResult<bool>;

    /// The target's value.
    ///
    /// # Errors
    /// When the target is not there, or what is there is not what `save` wrote.
    fn load(&self, target: &Location) -> StoreResult<T>;

    /// The target's value in pieces: of a vector, vectors of `count` of its elements, the last of fewer, read as they are asked for, so
    /// that a value may be larger than memory. `None`, the default, if the store can only [`load`](Store::load) all of it.
    ///
    /// Whether the value is what `save` was given may be known no earlier than at its end. If it is not, the last piece is an
    /// error.
    ///
    /// # Errors
    /// As `load`.
    fn pieces(&self, target: &Location, count: usize) -> StoreResult<Option<Pieces<T>>>
    where
        T: 'static,
    {
        let _ = (target, count);
        Ok(None)
    }

    /// Makes `value` the target's, in one step; the bytes that it takes there.
    ///
    /// # Errors
    /// When it could not; then the target is as it was.
    fn save(&self, claim: Claim, value: &T) -> StoreResult<u64>;

    /// Removes the target; one that is not there is an error.
    ///
    /// # Errors
    /// When the target is still there, or was not.
    fn remove(&self, target: &Location) -> StoreResult<()>;

    /// What tells the output that is there from one that was or will be there; `None` if the target is not there.
    ///
    /// The default asks [`exists`](Store::exists) and then the [`listing`](Store::listing). A store that learns both in one
    /// step says so here: this is what every run asks about every target.
    ///
    /// # Errors
    /// As `exists`.
    fn stamp(&self, target: &Location) -> StoreResult<Option<Stamp>> {
        if self.exists(target)? { self.listing().stamp(target) } else { Ok(None) }
    }

    /// The fingerprint of how values of this type are written, where another type of the same name would be written otherwise:
    /// outputs that were written otherwise are stale. The default, `None`, knows nothing of that.
    fn format(&self) -> Option<Fingerprint> {
        None
    }

    /// What this store keeps, whatever the type of its values: what tells stale outputs, and what the `pipex` command shows.
    ///
    /// The default is right wherever targets are paths.
    fn listing(&self) -> &dyn Listing {
        &Files
    }

    /// The file that stands for the claim on a target, locked while its value is made.
    ///
    /// The default is right wherever targets are paths, or URLs of objects: a hidden file beside the target, which [`Claim::file`] writes and
    /// [`Claim::commit`] puts in the target's place. A store whose targets are no paths names a place for lock files; [`Claim`] removes them.
    fn claim_path(&self, target: &Location) -> PathBuf {
        target.sibling()
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<T, S: Store<T> + ?Sized> Store<T> for $pointer {
            fn exists(&self, target: &Location) -> StoreResult<bool> {
                (**self).exists(target)
            }
            fn load(&self, target: &Location) -> StoreResult<T> {
                (**self).load(target)
            }
            fn pieces(&self, target: &Location, count: usize) -> StoreResult<Option<Pieces<T>>>
            where
                T: 'static,
            {
                (**self).pieces(target, count)
            }
            fn save(&self, claim: Claim, value: &T) -> StoreResult<u64> {
                (**self).save(claim, value)
            }
            fn remove(&self, target: &Location) -> StoreResult<()> {
                (**self).remove(target)
            }
            fn stamp(&self, target: &Location) -> StoreResult<Option<Stamp>> {
                (**self).stamp(target)
            }
            fn format(&self) -> Option<Fingerprint> {
                (**self).format()
            }
            fn listing(&self) -> &dyn Listing {
                (**self).listing()
            }
            fn claim_path(&self, target: &Location) -> PathBuf {
                (**self).claim_path(target)
            }
        }
    )*};
}
forward!(&S, Box<S>, std::sync::Arc<S>);
