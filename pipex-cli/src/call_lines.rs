//! What the journals have of targets beside what is known of all: the arguments that they were made from, and those of their last
//! calls.

use std::collections::HashMap;

use pipex_format::journal::{Ended, Why};
use pipex_format::model::state::State;

use crate::logged::LoggedLine;
use crate::project::Project;

/// Lines about a target.
#[derive(Default)]
pub struct CallLines {
    /// What it was made from.
    pub made: Option<Ended<'static>>,
    /// What its last call takes, where that is something else.
    pub now: Option<Ended<'static>>,
    /// What the run that made it has logged.
    pub logged: Vec<LoggedLine>,
}

impl Project {
    /// The lines that say what these targets were made from, and would be made from.
    pub fn read_call_lines(&self, indices: &[usize]) -> HashMap<usize, CallLines> {
        let mut all: HashMap<usize, CallLines> = HashMap::new();
        self.for_each_call_line(indices, |index, run, ended| {
            let call_lines = all.entry(index).or_default();
            if self.targets.get(index).made().is_some_and(|made| made.run == run) {
                call_lines.logged.extend(LoggedLine::of(&ended));
            }
            if ended.given.is_empty() {
                return;
            }
            if ended.state == State::Completed || matches!(ended.why, Why::Accepted | Why::Restored) {
                // Of what was made since nothing else is known.
                if ended.state == State::Completed {
                    call_lines.now = None;
                }
                call_lines.made = Some(ended);
            } else if ended.now.is_some() {
                call_lines.now = Some(ended);
            }
        });
        for (index, call_lines) in &mut all {
            let last = self.targets.get(*index).last();
            if last.is_none_or(|last| last.now.is_none()) {
                call_lines.now = None;
            }
        }
        all
    }
}
