//! Where outputs are kept: [the trait](crate::Store) of stores and those that pipex brings, [files](struct@crate::FileStore) by default.

#[cfg(feature = "parquet")]
pub use pipex_format::store::Parquet;
#[cfg(feature = "bytemuck")]
pub use pipex_format::store::Pod;
#[cfg(feature = "arrow")]
pub use pipex_format::store::{Arrow, Rows, arrow_array};
pub use pipex_format::store::{
    ByExtension, Claim, Codec, Entry, FileStore, Files, Leftover, Listing, Made, OwnOutput, Pieces, Record, Shape,
    Shared, Stamp, Store, StoreError, StoreResult, expand, sweep,
};
#[cfg(feature = "sqlite")]
pub use pipex_format::store::{KeptOpen, SqliteStore};
