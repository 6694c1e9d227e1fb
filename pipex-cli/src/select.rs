//! Which targets a command is about.

use std::collections::BTreeSet;

use clap::{Args, ValueHint};
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use crate::CommandError;
use crate::condition::Condition;
use crate::paths::simplify;
use crate::project::Project;
use crate::survey::{OutputStatus, Survey};
use crate::targets::Target;

/// Which outputs; all that is said has to hold. Of several states one has to.
#[derive(Debug, Default, Args)]
pub struct Selection {
    /// Targets, directories, or patterns: `*` within a directory, `**` through directories, and one without `/` at any depth.
    /// As the shell means them; what matches nothing there is looked for from where `.pipex` is. All, if there is none
    #[arg(value_hint = ValueHint::AnyPath)]
    pub globs: Vec<String>,
    /// Take them as they are: `*`, `?`, `[` and `{` stand for themselves. A target that is called so comes first in any case
    #[arg(long)]
    pub literal: bool,
    /// Only those of this task function
    #[arg(long, value_name = "NAME")]
    pub task: Vec<String>,
    /// Only those that are stale
    #[arg(long)]
    pub stale: bool,
    /// Only those that were made from something that is stale
    #[arg(long)]
    pub outdated: bool,
    /// Only those whose last run failed
    #[arg(long)]
    pub failed: bool,
    /// Only those that did not run, since what they take was not to be had
    #[arg(long)]
    pub not_ready: bool,
    /// Only those that did not run, since their flow run was cancelled
    #[arg(long)]
    pub cancelled: bool,
    /// Only those that are not there
    #[arg(long)]
    pub missing: bool,
    /// Only those that nothing makes any more
    #[arg(long)]
    pub orphaned: bool,
    /// Only those saved longer ago than this, such as 7d or 12h
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub older_than: Option<SignedDuration>,
}

fn parse_duration(text: &str) -> Result<SignedDuration, String> {
    let span: Span = text.parse().map_err(|_| "write a duration such as 7d, 12h or 1h30m".to_owned())?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|error| error.to_string())
}

impl Selection {
    /// The outputs that it is about, in the order of their names, and how they stand.
    pub fn select<'p>(&self, project: &'p Project) -> Result<(Survey<'p>, Vec<usize>), CommandError> {
        let mut indices = self.select_named(project)?;
        let survey = Survey::inspect(project, indices.iter().copied());
        indices.retain(|index| self.is_selected(&survey.status(*index)));
        project.targets.sort(&mut indices);
        Ok((survey, indices))
    }

    /// The outputs that it names, whatever their state.
    pub fn select_named(&self, project: &Project) -> Result<Vec<usize>, CommandError> {
        let mut indices: Vec<usize> = if self.globs.is_empty() {
            project.outputs().collect()
        } else {
            let mut indices = BTreeSet::new();
            for glob in &self.globs {
                indices.extend(self.find_matches(project, glob)?);
            }
            if indices.is_empty() {
                return Err(CommandError::NoMatch { globs: self.globs.join(" ") });
            }
            indices.into_iter().collect()
        };
        indices.retain(|index| self.task.is_empty() || self.task.iter().any(|name| is_made_by(project, *index, name)));
        Ok(indices)
    }

    /// Whether an output in this state is meant.
    fn is_selected(&self, status: &OutputStatus) -> bool {
        let states = [
            (self.stale, Condition::Stale),
            (self.outdated, Condition::Outdated),
            (self.failed, Condition::Failed),
            (self.not_ready, Condition::NotReady),
            (self.cancelled, Condition::Cancelled),
            (self.missing, Condition::Missing),
            (self.orphaned, Condition::Orphaned),
        ];
        let is_any = states.iter().all(|(is_meant, _)| !is_meant);
        let is_meant = is_any || states.iter().any(|(is_meant, state)| *is_meant && status.condition == *state);
        let is_older = |limit| status.saved.is_some_and(|saved| Timestamp::now().duration_since(saved) > limit);
        let is_old = self.older_than.is_none_or(is_older);
        is_meant && is_old && status.condition != Condition::Gone
    }

    /// Whether it says nothing, so that all outputs there are would be meant.
    pub fn is_all(&self) -> bool {
        let Selection {
            globs,
            literal: _,
            task,
            stale,
            outdated,
            failed,
            not_ready,
            cancelled,
            missing,
            orphaned,
            older_than,
        } = self;
        let states = [stale, outdated, failed, not_ready, cancelled, missing, orphaned];
        globs.is_empty() && task.is_empty() && older_than.is_none() && !states.into_iter().any(|state| *state)
    }

    /// The outputs that an argument means: a target or a directory of this name, else those that it is a pattern of. As the
    /// shell means it; else named from where the journal is, or in whatever store.
    fn find_matches(&self, project: &Project, argument: &str) -> Result<Vec<usize>, CommandError> {
        let in_files = project.resolve_name(argument);
        let literal = argument.strip_prefix("./").unwrap_or(argument).trim_end_matches('/');
        let matching = |is_match: &dyn Fn(Target<'_>, &str) -> bool| -> Vec<usize> {
            let is_match = |index: &usize| {
                let target = project.targets.get(*index);
                is_match(target, &simplify(target.name()))
            };
            project.outputs().filter(is_match).collect()
        };
        let exactly = |index: Option<usize>| -> Vec<usize> {
            index.into_iter().filter(|index| project.targets.get(*index).function().is_some()).collect()
        };
        let is_within =
            |name: &str, directory: &str| name.strip_prefix(directory).is_some_and(|rest| rest.starts_with('/'));
        // Where the journal is, all there is is here, files or not.
        let is_root = project.here == project.root;
        let is_all = in_files.is_empty();
        let mut found = exactly(project.find_file(&in_files));
        if found.is_empty() {
            found = matching(&|target, name| is_all || project.is_file(target) && is_within(name, &in_files));
        }
        if found.is_empty() {
            found = exactly(project.find_in_any_store(literal));
        }
        if found.is_empty() {
            found = matching(&|_, name| is_within(name, literal));
        }
        if found.is_empty() && !self.literal {
            let here = build_globs(&resolve_pattern(project, literal))?;
            found = matching(&|target, name| (is_root || project.is_file(target)) && here.is_match(name));
        }
        if found.is_empty() && !self.literal {
            let anywhere = build_globs(&widen_pattern("", literal))?;
            found = matching(&|_, name| anywhere.is_match(name));
        }
        Ok(found)
    }
}

fn is_made_by(project: &Project, index: usize, name: &str) -> bool {
    project
        .function(project.targets.get(index))
        .is_some_and(|function| *name == *function.name || *name == format!("{}::{}", function.module, function.name))
}

/// The pattern as the shell means it, named from where the journal is.
fn resolve_pattern(project: &Project, pattern: &str) -> String {
    // What leads elsewhere is no pattern up to where it does.
    if pattern.starts_with('/') || pattern.split('/').any(|part| part == "..") {
        return project.resolve_name(pattern);
    }
    let here = project.resolve_name(".");
    let here = if here.is_empty() { here } else { format!("{}/", globset::escape(&here)) };
    widen_pattern(&here, pattern)
}

fn widen_pattern(directory: &str, pattern: &str) -> String {
    if pattern.contains('/') { format!("{directory}{pattern}") } else { format!("{directory}**/{pattern}") }
}

/// The pattern, which also stands for all that is in the directories that match it.
fn build_globs(pattern: &str) -> Result<GlobSet, CommandError> {
    let failed = |source: globset::Error| CommandError::Glob { source };
    let mut set = GlobSetBuilder::new();
    for pattern in [pattern.to_owned(), format!("{pattern}/**")] {
        set.add(GlobBuilder::new(&pattern).literal_separator(true).build().map_err(failed)?);
    }
    set.build().map_err(failed)
}

impl Selection {
    /// Whether a name is meant of which the journal does not know, named from where the journal is.
    pub fn is_match(&self, project: &Project, name: &str) -> Result<bool, CommandError> {
        let mut is_match = self.globs.is_empty();
        for glob in &self.globs {
            let literal = project.resolve_name(glob);
            let within = name.strip_prefix(&literal).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
            is_match |= within || literal.is_empty();
            if !is_match && !self.literal {
                is_match = build_globs(&resolve_pattern(project, glob))?.is_match(name)
                    || build_globs(&widen_pattern("", glob))?.is_match(name);
            }
        }
        Ok(is_match)
    }
}
