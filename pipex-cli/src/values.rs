//! What runs were given, and what they, and the runs that made what they took, have recorded.

use std::rc::Rc;

use pipex_format::journal::{Given, Recorded};
use serde::{Deserialize, Serialize};
use serde_json::{Number, Value};

use crate::CommandError;
use crate::project::{Project, RunJournal};

/// Values that were recorded together.
pub struct Records {
    pub by: RecordedBy,
    pub values: Rc<[Recorded<'static>]>,
}

/// Who recorded values.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum RecordedBy {
    /// The flow's own body.
    Flow,
    /// The run that made this target: its number.
    Target(u32),
    /// A run with this name, of which nothing was saved.
    Unsaved(String),
}

impl RunJournal {
    /// What its flow was given.
    pub fn parameters(&self) -> &[Given<'static>] {
        self.head.as_ref().map_or(&[], |head| &head.parameters)
    }
}

impl Project {
    /// Whose value it is, for people and for programs.
    pub fn format_recorder(&self, by: &RecordedBy) -> String {
        match by {
            RecordedBy::Flow => "flow".to_owned(),
            RecordedBy::Target(index) => self.format_target(self.targets.get(*index as usize)).into_owned(),
            RecordedBy::Unsaved(name) => name.clone(),
        }
    }

    /// The run with this name; `@1` is the last one of a program, `@2` the one before.
    pub fn find_run(&self, name: &str) -> Result<usize, CommandError> {
        let is_of_a_program = |run: &RunJournal| run.head.as_ref().is_some_and(|head| head.mode != "do_nothing");
        let found = match name.strip_prefix('@').and_then(|number| number.parse::<usize>().ok()) {
            Some(number) => {
                let mut runs = (0..self.runs.len()).rev().filter(|run| is_of_a_program(&self.runs[*run]));
                number.checked_sub(1).and_then(|number| runs.nth(number))
            }
            None => self.runs.iter().position(|run| run.id == name.trim_end_matches(".jsonl")),
        };
        found.ok_or_else(|| CommandError::NoRun { run: name.to_owned() })
    }

    /// The run with this name; without one, the last that did something: commands have no task runs of their own.
    pub fn find_run_or_last(&self, name: Option<&str>) -> Result<usize, CommandError> {
        let Some(name) = name else {
            let did_something = self.runs.iter().rposition(|run| run.counts.completed + run.counts.failed > 0);
            let last = did_something.or(self.runs.len().checked_sub(1));
            return last.ok_or_else(|| CommandError::NoRun { run: "at all".to_owned() });
        };
        self.find_run(name)
    }
}

/// A value for people: of a number so many digits as matter.
pub fn format_value(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => {
            round(number.as_f64(), 7).unwrap_or_else(|| value.clone()).to_string()
        }
        value => value.to_string(),
    }
}

/// The number with so many digits: what is behind them is mostly that of binary fractions.
pub fn round(number: Option<f64>, digits: usize) -> Option<Value> {
    let rounded = format!("{:.*e}", digits - 1, number?).parse().ok()?;
    Number::from_f64(rounded).map(Value::Number)
}
