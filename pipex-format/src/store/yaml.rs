//! A value as a YAML document.

use std::io::Write;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreResult;
use super::codec::{Codec, check_comes_back, check_ends_in_newline};

pub(super) struct Yaml;

impl<T: Serialize + DeserializeOwned + 'static> Codec<T> for Yaml {
    fn encode(&self, value: &T, out: &mut dyn Write) -> StoreResult<()> {
        let mut text = serde_saphyr::to_string(value)?;
        if !text.ends_with('\n') {
            text.push('\n');
        }
        check_comes_back(self, value, text.as_bytes())?;
        Ok(out.write_all(text.as_bytes())?)
    }

    fn decode(&self, bytes: &[u8]) -> StoreResult<T> {
        // As much as there are bytes for; what anchors and aliases make of them stays bounded.
        let most = bytes.len().saturating_mul(2).saturating_add(64);
        let options = serde_saphyr::options! {
            budget: serde_saphyr::budget! { max_events: most, max_nodes: most, max_total_scalar_bytes: most },
            with_snippet: false,
        };
        Ok(serde_saphyr::from_slice_with_options(bytes, options)?)
    }

    fn name(&self) -> &'static str {
        "yaml"
    }

    fn check_whole(&self, text: &[u8]) -> Result<(), &'static str> {
        check_ends_in_newline(text)
    }
}
