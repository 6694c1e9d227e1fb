//! Which types targets with an extension take, as the compiler knows it: the literal in a task's `target` may show that its
//! output can never be written there.

use std::borrow::Cow;

use super::extension::Extension;

const NEEDS_ZSTD: u8 = u8::MAX;

/// The number of the extension at this end of a target, for [`Taken`].
#[must_use]
pub const fn number_extension(end: &str) -> u8 {
    match end.as_bytes() {
        [.., b'.', b'z', b's', b't'] if cfg!(not(feature = "zstd")) => NEEDS_ZSTD,
        _ => Extension::find(end) as u8,
    }
}

/// What targets with the extension of this number take.
#[derive(Debug)]
pub struct Taken<const NUMBER: u8>;

impl Taken<{ Extension::Bincode as u8 }> {
    /// That this type is taken.
    pub const fn expect<Output: Anything>() {}
}

impl Taken<{ Extension::Json as u8 }> {
    /// That this type is taken.
    pub const fn expect<Output: Anything>() {}
}

impl Taken<{ Extension::JsonLines as u8 }> {
    /// That this type is taken.
    pub const fn expect<Output: Anything>() {}
}

impl Taken<{ Extension::Csv as u8 }> {
    /// That this type is taken.
    pub const fn expect<Output: NeedsCsv>() {}
}

impl Taken<{ Extension::Toml as u8 }> {
    /// That this type is taken.
    pub const fn expect<Output: NeedsToml>() {}
}

impl Taken<{ Extension::Yaml as u8 }> {
    /// That this type is taken.
    pub const fn expect<Output: NeedsYaml>() {}
}

impl Taken<{ Extension::MessagePack as u8 }> {
    /// That this type is taken.
    pub const fn expect<Output: NeedsMessagePack>() {}
}

impl Taken<{ Extension::Arrow as u8 }> {
    /// That this type is taken.
    pub const fn expect<Output: NeedsArrow>() {}
}

impl Taken<{ Extension::Parquet as u8 }> {
    /// That this type is taken.
    pub const fn expect<Output: NeedsParquet>() {}
}

impl Taken<{ Extension::Text as u8 }> {
    /// That this type is taken.
    pub const fn expect<Output: TextOrBytes>() {}
}

impl Taken<{ Extension::Foreign as u8 }> {
    /// That this type is taken.
    pub const fn expect<Output: Bytes>() {}
}

impl Taken<NEEDS_ZSTD> {
    /// That this type is taken.
    pub const fn expect<Output: NeedsZstd>() {}
}

/// Any type.
pub trait Anything {}
impl<T> Anything for T {}

/// Written as it is under a text's extension.
#[diagnostic::on_unimplemented(
    message = "the extension of this task's target is that of a text, and `{Self}` is none",
    label = "neither a text (`String`) nor bytes (`Vec<u8>`)",
    note = "write the text yourself and return it as a `String`, or give the task `store = FileStore::new().codec(..)`, or \
            `save = false` and a parameter `#[target] to: &Path` to write there yourself, or a target with another extension: `.json`, \
            or none, which keeps any value"
)]
pub trait TextOrBytes {}

/// Written as it is under the extension of another program's format.
#[diagnostic::on_unimplemented(
    message = "the extension of this task's target is that of another program's format, and `{Self}` is no bytes of it",
    label = "not the file's bytes (`Vec<u8>`)",
    note = "return the file's bytes as a `Vec<u8>`, or give the task `store = FileStore::new().codec(..)`, or `save = false` and a \
            parameter `#[target] to: &Path` to write there yourself, or a target with another extension: `.json`, or none, which keeps \
            any value"
)]
pub trait Bytes {}

impl TextOrBytes for String {}
impl TextOrBytes for Box<str> {}
impl TextOrBytes for Cow<'static, str> {}
impl TextOrBytes for Vec<u8> {}
impl TextOrBytes for Box<[u8]> {}
impl Bytes for Vec<u8> {}
impl Bytes for Box<[u8]> {}

/// Written with the cargo feature `csv`.
#[diagnostic::on_unimplemented(
    message = "targets that end in `.csv` need pipex's cargo feature `csv`, which is on by default",
    label = "cannot be written without the feature `csv`",
    note = "add it to the features of `pipex` in Cargo.toml, or give the target another extension"
)]
pub trait NeedsCsv {}
#[cfg(feature = "csv")]
impl<T> NeedsCsv for T {}

/// Written with the cargo feature `toml`.
#[diagnostic::on_unimplemented(
    message = "targets that end in `.toml` need pipex's cargo feature `toml`",
    label = "cannot be written without the feature `toml`",
    note = "add it to the features of `pipex` in Cargo.toml, or give the target another extension"
)]
pub trait NeedsToml {}
#[cfg(feature = "toml")]
impl<T> NeedsToml for T {}
#[cfg(not(feature = "toml"))]
impl<T: TextOrBytes> NeedsToml for T {}

/// Written with the cargo feature `yaml`.
#[diagnostic::on_unimplemented(
    message = "targets that end in `.yaml` need pipex's cargo feature `yaml`",
    label = "cannot be written without the feature `yaml`",
    note = "add it to the features of `pipex` in Cargo.toml, or give the target another extension"
)]
pub trait NeedsYaml {}
#[cfg(feature = "yaml")]
impl<T> NeedsYaml for T {}
#[cfg(not(feature = "yaml"))]
impl<T: TextOrBytes> NeedsYaml for T {}

/// Written with the cargo feature `msgpack`.
#[diagnostic::on_unimplemented(
    message = "targets that end in `.msgpack` need pipex's cargo feature `msgpack`",
    label = "cannot be written without the feature `msgpack`",
    note = "add it to the features of `pipex` in Cargo.toml, or give the target another extension"
)]
pub trait NeedsMessagePack {}
#[cfg(feature = "msgpack")]
impl<T> NeedsMessagePack for T {}
#[cfg(not(feature = "msgpack"))]
impl<T: Bytes> NeedsMessagePack for T {}

/// Written with the cargo feature `arrow`.
#[diagnostic::on_unimplemented(
    message = "targets that end in `.arrow` need pipex's cargo feature `arrow`",
    label = "cannot be written without the feature `arrow`",
    note = "add it to the features of `pipex` in Cargo.toml, and a vector of structs is written as a table; or return the file's bytes as \
            a `Vec<u8>`, or give the target another extension"
)]
pub trait NeedsArrow {}
#[cfg(feature = "arrow")]
impl<T> NeedsArrow for T {}
#[cfg(not(feature = "arrow"))]
impl<T: Bytes> NeedsArrow for T {}

/// Written with the cargo feature `parquet`.
#[diagnostic::on_unimplemented(
    message = "targets that end in `.parquet` need pipex's cargo feature `parquet`",
    label = "cannot be written without the feature `parquet`",
    note = "add it to the features of `pipex` in Cargo.toml, and a vector of structs is written as a table; or return the file's bytes as \
            a `Vec<u8>`, or give the target another extension"
)]
pub trait NeedsParquet {}
#[cfg(feature = "parquet")]
impl<T> NeedsParquet for T {}
#[cfg(not(feature = "parquet"))]
impl<T: Bytes> NeedsParquet for T {}

/// Written with the cargo feature `zstd`.
#[diagnostic::on_unimplemented(
    message = "targets that end in `.zst` need pipex's cargo feature `zstd`",
    label = "cannot be written without the feature `zstd`",
    note = "add it to the features of `pipex` in Cargo.toml, or give the target another extension"
)]
pub trait NeedsZstd {}
#[cfg(feature = "zstd")]
impl<T> NeedsZstd for T {}
