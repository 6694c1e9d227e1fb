//! A value as MessagePack, with the names of its fields.

use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreResult;
use super::codec::{Codec, check_comes_back};

pub(super) struct MessagePack;

/// As JSON's.
const DEPTH: usize = 128;

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for MessagePack {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        let bytes = rmp_serde::to_vec_named(value)?;
        check_comes_back(self, value, &bytes)?;
        Ok(out.write_all(&bytes)?)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        let mut rest = bytes;
        let mut deserializer = rmp_serde::Deserializer::new(&mut rest);
        deserializer.set_max_depth(DEPTH);
        let value = T::deserialize(&mut deserializer)?;
        if rest.is_empty() { Ok(value) } else { Err(format!("{} more bytes stand behind its end", rest.len()).into()) }
    }

    fn name(&self) -> &'static str {
        "msgpack"
    }
}
