//! What [pipex](https://github.com/pipex-rs/pipex) leaves behind: outputs in stores, and the journal of what made them. The library and the
//! `pipex` command share it, so that they agree on every file.
//!
//! Its parts are pipex's own: use what `pipex` has of them, which is what is promised.

pub mod environment;
pub mod journal;
pub mod model;
pub mod root;
pub mod say;
pub mod store;
pub mod wire;
