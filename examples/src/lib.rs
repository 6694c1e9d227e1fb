//! Programs that users start from, each a file beside this folder:
//!
//! ```console
//! $ PIPEX=cache cargo run --release --example weather
//! ```
//!
//! They are a package of their own, so that building one does not build what only pipex's tests need.
