//! Where outputs are kept: [the trait](crate::Store) of stores and those that pipex brings, [files](crate::FileStore) by default.

pub use pipex_format::store::{
    Claim, Entry, FileStore, Files, Leftover, Listing, Made, OwnOutput, Record, Stamp, Store, StoreError, StoreResult,
    expand, sweep,
};
#[cfg(feature = "sqlite")]
pub use pipex_format::store::{KeptOpen, SqliteStore};
