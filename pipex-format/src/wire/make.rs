//! What `PROGRAM pipex make` asks of the program, as the one hands it to the other.

use serde::{Deserialize, Serialize};

/// Which outputs are to be made, and what they need.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MakeRequest {
    /// The process that it is for: those that this one starts are asked for nothing.
    pub process: u32,
    /// The targets, as they were typed.
    pub targets: Vec<String>,
    /// The task functions whose calls all are to be made.
    pub until: Vec<String>,
    /// Whether they are made again though they are there and fresh.
    pub force: bool,
}

impl MakeRequest {
    /// As it stands in a variable.
    #[must_use]
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("it is made of text and numbers")
    }

    /// Reads one.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
