//! What `PROGRAM pipex make` has asked of this process: only that is made, and what it needs.

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use pipex_format::environment;
use pipex_format::model::error::{Error, Result};
use pipex_format::model::mode::Mode;
use pipex_format::model::nearest::count_differences;
use pipex_format::model::target::Location;
use pipex_format::model::task::Task;
use pipex_format::root::normalize;
use pipex_format::say::say;
use pipex_format::wire::MakeRequest;

static MAKE: OnceLock<Make> = OnceLock::new();

/// What is to be made.
pub(crate) struct Make {
    /// Where relative targets are relative to.
    here: PathBuf,
    request: MakeRequest,
    /// Where the targets are: as they were typed, and where links on the way lead.
    paths: Vec<[PathBuf; 2]>,
    progress: Mutex<Progress>,
}

/// What has become of it so far.
#[derive(Default)]
struct Progress {
    /// How each target ended, of those that a call has.
    met: BTreeMap<usize, Option<Ended>>,
    /// The runs of each task function that was named.
    tasks: BTreeMap<usize, Counts>,
    /// Of those that no call has yet: what is called most like it, and how unlike that is.
    nearest: BTreeMap<usize, (usize, String)>,
    forced: HashSet<Location>,
}

/// How the run of a call ended.
#[derive(Clone)]
pub(crate) enum Ended {
    Made,
    /// It was there.
    Found,
    /// It was not made, for this reason.
    Failed(String),
}

#[derive(Clone, Copy, Default)]
struct Counts {
    made: usize,
    found: usize,
    failed: usize,
}

/// Takes what the environment asks for, if it asks this process and the mode has targets.
pub(crate) fn take_request() {
    if !environment::mode().is_ok_and(Mode::caches) {
        return;
    }
    let request = environment::env_text("PIPEX_MAKE").and_then(|text| MakeRequest::from_text(&text));
    if let Some(request) = request.filter(|request| request.process == std::process::id()) {
        let _ = MAKE.set(Make::new(request));
    }
}

/// What this process has been asked to make, if it was asked for something.
pub(crate) fn requested() -> Option<&'static Make> {
    MAKE.get()
}

/// Whether this is a task whose calls are to be made, and no others behind them.
pub(crate) fn is_last(task: &Task) -> bool {
    requested().is_some_and(|make| make.find_task(task).is_some())
}

/// An error if a flow's body asks for data that nothing needs of what was asked for.
pub(crate) fn check(target: Option<&Location>, is_behind: bool) -> Result<()> {
    match requested() {
        Some(make) if make.withholds(target, is_behind) => Err(Error::NotAsked { target: target.cloned() }),
        _ => Ok(()),
    }
}

impl Make {
    fn new(request: MakeRequest) -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        let paths = |typed: &String| {
            let path = normalize(&here.join(typed));
            let real = match (path.parent().map(fs::canonicalize), path.file_name()) {
                (Some(Ok(parent)), Some(name)) => parent.join(name),
                _ => path.clone(),
            };
            [path, real]
        };
        let paths = request.targets.iter().map(paths).collect();
        Make { here, request, paths, progress: Mutex::default() }
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was asked for, as it was typed.
    pub(crate) fn names(&self) -> impl Iterator<Item = &String> {
        self.request.targets.iter().chain(&self.request.until)
    }

    fn find_target(&self, location: &Location) -> Option<usize> {
        if let Some(typed) = self.request.targets.iter().position(|typed| typed == location.as_str()) {
            return Some(typed);
        }
        let path = normalize(&self.here.join(location.path()));
        self.paths.iter().position(|paths| paths.contains(&path))
    }

    fn find_task(&self, task: &Task) -> Option<usize> {
        self.request.until.iter().position(|name| {
            let module = name.strip_suffix(task.funcname).map(|rest| rest.strip_suffix("::").unwrap_or(rest));
            module.is_some_and(|module| {
                module.is_empty() && name == task.funcname
                    || task.module == module
                    || !module.is_empty() && task.module.ends_with(&format!("::{module}"))
            })
        })
    }

    /// Whether an output of this call is one of those that were asked for: takes down that there is such a call.
    pub(crate) fn meet<'l>(&self, task: &Task, outputs: impl Iterator<Item = &'l Location>) -> bool {
        let name = self.find_task(task);
        let mut progress = self.lock();
        if let Some(name) = name {
            progress.tasks.entry(name).or_default();
        }
        let mut is_asked = name.is_some();
        for location in outputs {
            if let Some(target) = self.find_target(location) {
                progress.met.entry(target).or_insert(None);
                is_asked = true;
            } else if name.is_none() {
                self.add_near(&mut progress, task, location);
            }
        }
        is_asked
    }

    /// What is not asked for may be called like what is.
    fn add_near(&self, progress: &mut Progress, task: &Task, location: &Location) {
        let targets = self.request.targets.len();
        for (number, typed) in self.names().enumerate() {
            let other = if number < targets { location.as_str() } else { task.funcname };
            let differences = count_differences(typed, other);
            if progress.nearest.get(&number).is_none_or(|(least, _)| differences < *least) {
                progress.nearest.insert(number, (differences, other.to_owned()));
            }
        }
    }

    /// Whether a flow's body does not get what it asks for: all targets are known to be made, or this is behind those tasks whose
    /// outputs are the last.
    pub(crate) fn withholds(&self, target: Option<&Location>, is_behind: bool) -> bool {
        let is_over = self.request.until.is_empty() && self.lock().met.len() == self.request.targets.len();
        (is_over || is_behind) && target.is_none_or(|target| self.find_target(target).is_none())
    }

    /// Whether the output is to be made again though it is there and fresh: once.
    pub(crate) fn forces(&self, task: &Task, location: &Location) -> bool {
        let is_asked = || self.find_target(location).is_some() || self.find_task(task).is_some();
        self.request.force && is_asked() && self.lock().forced.insert(location.clone())
    }

    /// Takes down how the run of a call ended.
    pub(crate) fn note(&self, task: &Task, location: &Location, ended: Ended) {
        if let Some(name) = self.find_task(task) {
            let mut progress = self.lock();
            let counts = progress.tasks.entry(name).or_default();
            *match ended {
                Ended::Made => &mut counts.made,
                Ended::Found => &mut counts.found,
                Ended::Failed(_) => &mut counts.failed,
            } += 1;
        }
        self.note_target(location, ended);
    }

    /// The same of a further output of it.
    pub(crate) fn note_target(&self, location: &Location, ended: Ended) {
        let target = self.find_target(location);
        let mut progress = self.lock();
        // What was made is found there by the next call.
        if let Some(known) = target.and_then(|target| progress.met.get_mut(&target))
            && !matches!((&known, &ended), (Some(Ended::Made), Ended::Found))
        {
            *known = Some(ended);
        }
    }

    /// Says what has become of it; whether all of it is there.
    pub(crate) fn report(&self) -> bool {
        let progress = self.lock();
        let MakeRequest { targets, until, .. } = &self.request;
        let nearest = |number: usize| {
            let nearest = progress.nearest.get(&number);
            nearest.map(|(_, name)| format!("; the nearest: {name}")).unwrap_or_default()
        };
        let mut is_complete = true;
        for (number, target) in targets.iter().enumerate() {
            match progress.met.get(&number) {
                Some(Some(Ended::Made)) => say(&format!("{target} has been made")),
                Some(Some(Ended::Found)) => say(&format!("{target} was there")),
                Some(Some(Ended::Failed(error))) => {
                    is_complete = false;
                    say(&format!("{target} could not be made: {error}"));
                }
                // In a dry run.
                Some(None) => {}
                None => {
                    is_complete = false;
                    say(&format!("no call has the target {target} in this run{}", nearest(number)));
                }
            }
        }
        for (number, task) in until.iter().enumerate() {
            match progress.tasks.get(&number) {
                Some(Counts { made, found, failed: 0 }) => say(&format!("{task}: {made} made, {found} there")),
                Some(Counts { made, found, failed }) => {
                    is_complete = false;
                    say(&format!("{task}: {made} made, {found} there, {failed} failed"));
                }
                None => {
                    is_complete = false;
                    let nearest = nearest(targets.len() + number);
                    say(&format!("no task {task} is called in this run{nearest}"));
                }
            }
        }
        is_complete
    }
}
