//! A value as MessagePack, with the names of its fields.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreResult;

/// As JSON's.
const DEPTH: usize = 128;

pub(super) fn write<T: Serialize>(value: &T) -> StoreResult<Vec<u8>> {
    Ok(rmp_serde::to_vec_named(value)?)
}

pub(super) fn read<T: DeserializeOwned>(bytes: &[u8]) -> StoreResult<T> {
    let mut rest = bytes;
    let mut deserializer = rmp_serde::Deserializer::new(&mut rest);
    deserializer.set_max_depth(DEPTH);
    let value = T::deserialize(&mut deserializer)?;
    if rest.is_empty() { Ok(value) } else { Err(format!("{} more bytes stand behind its end", rest.len()).into()) }
}
