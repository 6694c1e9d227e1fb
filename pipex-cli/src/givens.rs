//! The arguments of targets: those that they were made from, and those of their last calls.

use std::collections::HashMap;

use pipex::State;
use pipex::journal::{Ended, Why};

use crate::project::Project;

/// Lines about a target.
#[derive(Default)]
pub struct Givens {
    /// What it was made from.
    pub made: Option<Ended<'static>>,
    /// What its last call takes, where that is something else.
    pub now: Option<Ended<'static>>,
}

impl Project {
    /// The lines that say what these targets were made from, and would be made from.
    pub fn givens(&self, places: &[usize]) -> HashMap<usize, Givens> {
        let mut all: HashMap<usize, Givens> = HashMap::new();
        self.each_given(places, |place, ended| {
            let givens = all.entry(place).or_default();
            if ended.state == State::Completed || matches!(ended.why, Why::Accepted | Why::Restored) {
                // Of what was made since nothing else is known.
                if ended.state == State::Completed {
                    givens.now = None;
                }
                givens.made = Some(ended);
            } else if ended.now.is_some() {
                givens.now = Some(ended);
            }
        });
        for (place, givens) in &mut all {
            let last = self.targets[*place].last.as_ref();
            if last.is_none_or(|last| last.now.is_none()) {
                givens.now = None;
            }
        }
        all
    }
}
