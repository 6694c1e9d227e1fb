//! What is known of a target, as it is unpacked from the [table of all](crate::targets::Targets).

use jiff::Timestamp;
use pipex_format::journal::{Stored, Why};
use pipex_format::model::fingerprint::Fingerprint;
use pipex_format::model::provenance::Reasons;
use pipex_format::model::state::State;
use pipex_format::store::Stamp;
use serde::{Deserialize, Serialize};

use crate::numbers;

/// What lies there, and how it was made. What it was made from is [kept beside it](crate::targets::Target::inputs).
#[derive(Clone, Copy)]
pub struct KnownOutput {
    pub stored: Stored,
    pub stamp: Stamp,
    pub bytes: u64,
    /// Where this is known from.
    pub origin: Origin,
    /// The run that made it.
    pub run: u32,
    /// When, in seconds since the run started; how long it took.
    pub at: f64,
    pub elapsed: f64,
    /// The run that said last what lies there, and when.
    pub confirmed_by: u32,
    pub found: Timestamp,
}

/// Where it is known from what lies at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Origin {
    /// From the run that made it.
    Made,
    /// From a run that found it there.
    Found,
    /// From `pipex accept`.
    Accepted,
}

/// What an output was made from.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputEdge {
    pub index: u32,
    /// It was taken by its path, and not as an output.
    pub is_source: bool,
    /// What lay there, if it was known.
    #[serde(with = "numbers::fingerprint")]
    pub content: Option<Fingerprint>,
}

/// What became of it last.
#[derive(Clone, Copy)]
pub struct LastEvent<'t> {
    pub run: u32,
    pub at: f64,
    /// `Running`, if the run has not said how it ended.
    pub state: State,
    pub why: Why,
    pub stale: Reasons,
    pub failure: Option<&'t TaskFailure>,
    /// What it would be made from, if this is another.
    pub now: Option<CallFingerprints>,
    pub removed: bool,
}

/// Why a run came to nothing.
#[derive(Clone, Serialize, Deserialize)]
pub struct TaskFailure {
    pub error: String,
    /// Whose failure it did not run for.
    pub root: Option<String>,
}

/// What a call would make its output from.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallFingerprints {
    pub arguments: Fingerprint,
    pub inputs: Option<Fingerprint>,
    /// How it would be written, if that is another.
    pub format: Option<Fingerprint>,
}

impl KnownOutput {
    /// What is there now, found where `earlier` was. What was only found there was made before, if the same made it: whether so
    /// was what it was made from.
    pub fn merge_after(self, earlier: Self) -> (Self, bool) {
        let stored = self.stored.succeed(&earlier.stored);
        let KnownOutput { run, at, elapsed, .. } = earlier;
        match self.origin {
            Origin::Accepted => (KnownOutput { stored, run, at, elapsed, ..self }, false),
            Origin::Found if stored.provenance == earlier.stored.provenance => {
                (KnownOutput { stored, run, at, elapsed, ..self }, true)
            }
            Origin::Found | Origin::Made => (KnownOutput { stored, ..self }, false),
        }
    }
}

impl Default for LastEvent<'_> {
    fn default() -> Self {
        LastEvent {
            run: 0,
            at: 0.0,
            state: State::Cached,
            why: Why::default(),
            stale: Reasons::default(),
            failure: None,
            now: None,
            removed: false,
        }
    }
}
