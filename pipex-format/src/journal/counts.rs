//! How many task runs ended how.

use serde::{Deserialize, Serialize};

use super::Why;
use crate::model::state::State;

/// How many task runs ended how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Counts {
    /// They ran, and have an output.
    pub completed: u64,
    /// Of these, the outputs that are held in memory and not saved.
    pub not_saved: u64,
    /// They did not run, since their targets were there.
    pub cached: u64,
    /// They ran and have no output: they failed, crashed or timed out.
    pub failed: u64,
    /// They did not run, since an argument was not to be had or their flow run was cancelled.
    pub skipped: u64,
    /// The bytes that their outputs take.
    pub bytes: u64,
}

impl Counts {
    /// Counts a run that has come into this state, and why; one that has not ended is not counted.
    #[doc(hidden)]
    pub fn count(&mut self, state: State, why: Why, bytes: u64) {
        match state {
            State::Completed => {
                self.completed += 1;
                self.not_saved += u64::from(why == Why::InMemory);
            }
            State::Cached => self.cached += 1,
            State::NotReady | State::Cancelled => self.skipped += 1,
            state if state.has_ended() => self.failed += 1,
            _ => {}
        }
        self.bytes = self.bytes.saturating_add(bytes);
    }
}
