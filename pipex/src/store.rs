//! Where outputs are kept: the [`Store`](crate::Store) trait and the stores that pipex brings, [`FileStore`](crate::FileStore)
//! first.

pub use pipex_format::store::{
    Claim, Entry, FileStore, Files, Leftover, Listing, Made, OwnOutput, Record, Stamp, Store, StoreError, StoreResult,
    expand, sweep,
};
#[cfg(feature = "sqlite")]
pub use pipex_format::store::{KeptOpen, SqliteStore};
