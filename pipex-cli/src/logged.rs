//! What task runs have logged, as their journals have it.

use pipex_format::journal::{Ended, Line};
use serde::Serialize;

use crate::print::format_seconds;
use crate::project::{Project, clamp_seconds};

/// A line.
#[derive(Debug, Serialize)]
pub struct LoggedLine {
    attempt: u32,
    /// Seconds since the attempt began.
    after: f64,
    level: String,
    text: String,
    place: Option<String>,
    /// How many lines between the one before it and this one are not known.
    left_out: u64,
}

impl LoggedLine {
    /// Those of an attempt.
    pub fn of<'e>(ended: &'e Ended<'_>) -> impl Iterator<Item = Self> + 'e {
        ended.logged.iter().map(|line| LoggedLine {
            attempt: ended.attempt,
            after: (clamp_seconds(line.at) - clamp_seconds(ended.at)).max(0.0),
            level: line.level.to_string(),
            text: line.text.to_string(),
            place: line.place.as_ref().map(ToString::to_string),
            left_out: line.left_out,
        })
    }

    /// What is shown of it, in as many lines as it has.
    pub fn describe(&self) -> Vec<String> {
        let LoggedLine { after, level, text, place, left_out, .. } = self;
        let place = place.as_ref().map(|place| format!("  ({place})")).unwrap_or_default();
        let text = format!("{} {level:5} {text}{place}", format_seconds(*after));
        let left_out = (*left_out > 0).then(|| format!("({left_out} lines left out)"));
        left_out.into_iter().chain(text.lines().map(str::to_owned)).collect()
    }
}

/// What the task run of this run has logged that makes this target or, without one, has this name: all attempts.
pub fn read_logged(project: &Project, run: u32, key: &str) -> Vec<LoggedLine> {
    let mut lines = Vec::new();
    project.read_about(run, &[key], |line| {
        if let Line::Ended(ended) = line
            && !ended.logged.is_empty()
            && key_of(project, run, &ended) == key
        {
            lines.extend(LoggedLine::of(&ended));
        }
    });
    lines
}

/// Its target, as it is called from the root; without one, its name.
pub fn key_of(project: &Project, run: u32, ended: &Ended<'_>) -> String {
    match &ended.target {
        Some(target) => project.name_from_root(run, &ended.store, target).into_owned(),
        None => ended.name.to_string(),
    }
}
