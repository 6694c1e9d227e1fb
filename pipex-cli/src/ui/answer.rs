//! What the page asks for, and what it has done.

use serde::{Deserialize, Serialize};

use crate::CommandError;
use crate::accept::{Reason, accept_all, combine_reasons};
use crate::logged::read_logged;
use crate::page::{Earlier, Overview, Preview, Standing, TargetFacts, picture_type, read_picture};
use crate::project::Project;
use crate::rm::{RmOptions, remove};
use crate::select::Selection;

/// A question, by its address.
#[derive(Debug, Default, Deserialize)]
pub struct Asked {
    #[serde(default)]
    pub run: Option<String>,
    #[serde(default)]
    pub target: String,
    #[serde(default)]
    pub offset: usize,
    /// Of the events of a run: how many lines of its journal the page has.
    #[serde(default)]
    pub after: u64,
    /// What a run is of.
    #[serde(default)]
    program: String,
    #[serde(default)]
    flow: Option<String>,
    /// Whether outputs are to be told of.
    #[serde(default)]
    outputs: bool,
}

impl Asked {
    /// Whether it is no matter how far runs have got that go on.
    pub fn is_of_the_past(&self, name: &str) -> bool {
        name == "earlier" && !self.outputs
    }
}

/// An answer, with its type.
pub struct Answer {
    pub content_type: &'static str,
    pub body: Vec<u8>,
}

/// What the page may have done to these targets.
#[derive(Debug, Deserialize)]
pub struct Change {
    targets: Vec<String>,
    /// And to what was made from them.
    #[serde(default)]
    downstream: bool,
    /// It is only to be said what would be done.
    #[serde(default)]
    dry_run: bool,
}

impl Answer {
    pub fn json(value: &impl Serialize) -> Result<Self, CommandError> {
        Ok(Answer { content_type: "application/json", body: serde_json::to_vec(value)? })
    }

    /// What the page asks for under this name; `None` if there is no such thing.
    pub fn find(project: &Project, name: &str, asked: &Asked) -> Option<Result<Self, CommandError>> {
        let earlier = || {
            let run = asked.run.as_deref().unwrap_or_default();
            if asked.outputs {
                return Answer::json(&Earlier::new(project, project.find_run(run)?));
            }
            Answer::json(&Earlier::of_new(project, run, &asked.program, asked.flow.as_deref()))
        };
        Some(match name {
            "runs" => Answer::json(&Overview::new(project)),
            "earlier" => earlier(),
            "logged" => project
                .find_run(asked.run.as_deref().unwrap_or_default())
                .and_then(|run| Answer::json(&read_logged(project, run as u32, &asked.target))),
            "status" => Standing::new(project).and_then(|standing| Answer::json(&standing)),
            "target" => TargetFacts::new(project, &asked.target).and_then(|facts| Answer::json(&facts)),
            "content" => {
                Preview::of_target(project, &asked.target, asked.offset).and_then(|preview| Answer::json(&preview))
            }
            "picture" => {
                let content_type = picture_type(&asked.target)?;
                read_picture(project, &asked.target).map(|body| Answer { content_type, body })
            }
            _ => return None,
        })
    }

    /// Does what the page asks for under this name.
    pub fn change(project: &Project, name: &str, change: Change) -> Option<Result<Self, CommandError>> {
        // Nothing named is nothing meant, and not all there is.
        let selection = Selection { globs: change.targets, literal: true, ..Selection::default() };
        let all = combine_reasons(&Reason::ALL);
        Some(match name {
            _ if selection.globs.is_empty() => Err(CommandError::Everything),
            "remove" => {
                let options =
                    RmOptions { downstream: change.downstream, dry_run: change.dry_run, ..RmOptions::default() };
                remove(project, &selection, options).and_then(|summary| Answer::json(&summary))
            }
            "accept" => accept_all(project, selection, all).and_then(|summary| Answer::json(&summary)),
            _ => return None,
        })
    }
}
