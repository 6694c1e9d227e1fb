//! A value as a YAML document.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::StoreResult;

pub(super) fn write<T: Serialize>(value: &T) -> StoreResult<Vec<u8>> {
    let mut text = serde_saphyr::to_string(value)?;
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text.into_bytes())
}

pub(super) fn read<T: DeserializeOwned>(text: &[u8]) -> StoreResult<T> {
    // As much as there are bytes for; what anchors and aliases make of them stays bounded.
    let most = text.len().saturating_mul(2).saturating_add(64);
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! { max_events: most, max_nodes: most, max_total_scalar_bytes: most },
        with_snippet: false,
    };
    Ok(serde_saphyr::from_slice_with_options(text, options)?)
}
