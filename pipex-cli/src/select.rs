//! Which targets a command is about.

use clap::Args;
use globset::{GlobBuilder, GlobSet, GlobSetBuilder};
use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

use crate::Error;
use crate::look::{Condition, Look};
use crate::project::Project;

/// Which outputs; all that is said has to hold.
#[derive(Debug, Args)]
pub struct Selection {
    /// Targets, directories, or patterns: `*` within a directory, `**` through directories. All, if there is none
    pub globs: Vec<String>,
    /// Only those of this task function
    #[arg(long, value_name = "NAME")]
    pub task: Vec<String>,
    /// Only those that are stale
    #[arg(long)]
    pub stale: bool,
    /// Only those whose last run failed
    #[arg(long)]
    pub failed: bool,
    /// Only those that nothing makes any more
    #[arg(long)]
    pub orphaned: bool,
    /// Only those saved longer ago than this, such as 7d or 12h
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub older_than: Option<SignedDuration>,
}

fn duration(text: &str) -> Result<SignedDuration, String> {
    let span: Span = text.parse().map_err(|_| "write a duration such as 7d, 12h or 1h30m".to_owned())?;
    span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|error| error.to_string())
}

impl Selection {
    /// The outputs that it is about, each with what was found there.
    pub fn of(&self, project: &Project) -> Result<Vec<(usize, Look)>, Error> {
        let globs = self.globs()?;
        let orphans = project.orphans();
        let now = Timestamp::now();
        let mut selected = Vec::new();
        for place in project.outputs() {
            let target = &project.targets[place];
            let is_named = globs.is_match(&*target.name);
            let function = project.function(target);
            let is_of = |name: &String| {
                function.is_some_and(|function| {
                    *name == function.name || *name == format!("{}::{}", function.module, function.name)
                })
            };
            if !is_named
                || !(self.task.is_empty() || self.task.iter().any(is_of))
                || self.failed && !project.has_failed(target)
            {
                continue;
            }
            let look = project.look(place, &orphans)?;
            let age = look.saved.map(|saved| now.duration_since(saved));
            let is_old = self.older_than.is_none_or(|limit| age.is_some_and(|age| age > limit));
            let is_stale = !self.stale || look.condition == Condition::Stale;
            if is_old && is_stale && (!self.orphaned || look.condition == Condition::Orphaned) {
                selected.push((place, look));
            }
        }
        if selected.is_empty()
            && !self.globs.is_empty()
            && !project.outputs().any(|place| globs.is_match(&*project.targets[place].name))
        {
            return Err(Error::NoMatch { globs: self.globs.join(" ") });
        }
        selected.sort_by(|a, b| project.targets[a.0].name.cmp(&project.targets[b.0].name));
        Ok(selected)
    }

    /// Whether it names anything, so that not all outputs there are would be meant.
    pub fn is_all(&self) -> bool {
        self.globs.is_empty()
            && self.task.is_empty()
            && !self.stale
            && !self.failed
            && !self.orphaned
            && self.older_than.is_none()
    }

    pub fn globs(&self) -> Result<GlobSet, Error> {
        let failed = |source: globset::Error| Error::Glob { source };
        let mut set = GlobSetBuilder::new();
        if self.globs.is_empty() {
            set.add(GlobBuilder::new("**").build().map_err(failed)?);
        }
        for glob in &self.globs {
            let glob = glob.trim_start_matches("./").trim_end_matches('/');
            // A directory stands for all that is in it.
            for glob in [glob.to_owned(), format!("{glob}/**")] {
                set.add(GlobBuilder::new(&glob).literal_separator(true).build().map_err(failed)?);
            }
        }
        set.build().map_err(failed)
    }
}

/// These, and all that was made from them.
pub fn with_downstream(project: &Project, places: impl IntoIterator<Item = usize>) -> Vec<usize> {
    let consumers = project.consumers();
    let mut is_in = vec![false; project.targets.len()];
    let mut open: Vec<usize> = places.into_iter().collect();
    while let Some(place) = open.pop() {
        if !std::mem::replace(&mut is_in[place], true) {
            open.extend(consumers[place].iter().map(|consumer| *consumer as usize));
        }
    }
    let mut places: Vec<_> = (0..is_in.len()).filter(|place| is_in[*place]).collect();
    places.sort_by(|a, b| project.targets[*a].name.cmp(&project.targets[*b].name));
    places
}
