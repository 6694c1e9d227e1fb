//! A value as a JSON document.

use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreResult;
use super::codec::{Codec, check_comes_back};

pub(super) struct Json;

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for Json {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        let mut text = serde_json::to_vec_pretty(value)?;
        text.push(b'\n');
        check_comes_back(self, value, &text)?;
        Ok(out.write_all(&text)?)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        Ok(serde_json::from_slice(bytes)?)
    }

    fn name(&self) -> &'static str {
        "json"
    }

    /// A document that goes on would be another one.
    fn check_whole(&self, text: &[u8]) -> Result<(), &'static str> {
        match text.last() {
            Some(b'0'..=b'9') => Err("it ends in a digit, without a newline, and may go on"),
            _ => Ok(()),
        }
    }
}
