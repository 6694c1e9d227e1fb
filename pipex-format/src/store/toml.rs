//! A struct or a map as TOML.

use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreResult;
use super::codec::{Codec, check_comes_back, check_ends_in_newline};

pub(super) struct Toml;

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for Toml {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        let mut text = toml::to_string(value)?;
        if !text.ends_with('\n') {
            // An empty table, which is no text.
            text.push('\n');
        }
        check_comes_back(self, value, text.as_bytes())?;
        Ok(out.write_all(text.as_bytes())?)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        Ok(toml::from_slice(bytes)?)
    }

    fn name(&self) -> &'static str {
        "toml"
    }

    fn check_whole(&self, text: &[u8]) -> Result<(), &'static str> {
        check_ends_in_newline(text)
    }
}
