//! What tells a target from all others: the same in each run, and wherever the project is moved to.

use std::path::Path;

use crate::model::fingerprint::{Key, fingerprint_bytes};
use crate::model::target::Location;

/// What relative targets are relative to, and where the journal is.
#[derive(Debug, Clone)]
pub(super) struct Roots {
    /// The directory that the journal is in.
    pub(super) root: String,
    /// What stands before a relative target to make it one from there.
    pub(super) prefix: String,
}

/// The key of a target where there is no journal.
pub fn target_key(store: &str, target: &Location) -> Key {
    key("", "", store, target.as_str())
}

pub(super) fn key(root: &str, prefix: &str, store: &str, target: &str) -> Key {
    let target = match target.strip_prefix(root) {
        Some(within) if !root.is_empty() && within.starts_with('/') => &within[1..],
        _ if prefix.is_empty() || target.starts_with('/') => target,
        _ => return fingerprint_bytes(format!("{store}\0{prefix}{target}").as_bytes()),
    };
    if store.is_empty() {
        return fingerprint_bytes(target.as_bytes());
    }
    fingerprint_bytes(format!("{store}\0{target}").as_bytes())
}

impl Roots {
    pub(super) fn find(directory: &Path) -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        let root = here.join(directory).parent().map(|root| root.to_string_lossy().into_owned()).unwrap_or_default();
        let here = here.to_string_lossy();
        let prefix = match here.strip_prefix(&root) {
            Some("") => String::new(),
            Some(within) if within.starts_with('/') => format!("{}/", &within[1..]),
            _ => format!("{here}/"),
        };
        Roots { root, prefix }
    }
}
