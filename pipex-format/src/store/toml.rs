//! A struct or a map as TOML.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreResult;

pub(super) fn write<T: Serialize>(value: &T) -> StoreResult<Vec<u8>> {
    let mut text = toml::to_string(value)?;
    if !text.ends_with('\n') {
        // An empty table, which is no text.
        text.push('\n');
    }
    Ok(text.into_bytes())
}

pub(super) fn read<T: DeserializeOwned>(text: &[u8]) -> StoreResult<T> {
    Ok(toml::from_slice(text)?)
}
