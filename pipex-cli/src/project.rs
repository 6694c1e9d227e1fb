//! All that the journals say, brought together: task functions, targets, runs.

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use pipex_format::journal::Counts;
use pipex_format::journal::{self, Ended, Function, Head, Line, UsedHelper};
use pipex_format::model::fingerprint::Fingerprint;
use pipex_format::model::state::State;
use pipex_format::store::{Listing, StoreError, StoreResult};
use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::consumers::Consumers;
use crate::paths::normalize;
use crate::reading::report_unreadable;
use crate::target::LastEvent;
use crate::targets::{Target, Targets};
use crate::values::Records;
use crate::{CommandError, join_sources};

pub struct Project {
    pub journal: PathBuf,
    /// The directory that the journal is in: what relative targets are relative to.
    pub root: PathBuf,
    /// Where the command was called.
    pub here: PathBuf,
    pub runs: Vec<RunJournal>,
    /// Each as it was seen last.
    pub functions: Vec<Function<'static>>,
    /// The helpers of each version of a task function, by its code.
    pub helpers: HashMap<Fingerprint, Vec<UsedHelper<'static>>>,
    pub targets: Targets,
    /// The first is no flow: the calls outside flows.
    pub flows: Vec<FlowHistory>,
    /// The first is that of files.
    pub(super) stores: Vec<ProjectStore>,
    /// The runs of `pipex accept`, from the first to the last, and the names of those that were taken back.
    pub accepts: Vec<u32>,
    pub undone: HashSet<String>,
}

/// A store, as the journals name it.
pub struct ProjectStore {
    pub address: String,
    pub listing: Option<Box<dyn Listing>>,
    /// How many questions it has failed to answer since it last answered one.
    failures: Cell<u32>,
    /// Why it is not asked any more.
    problem: OnceCell<Problem>,
}

/// Why a store does not answer.
#[derive(Debug, Clone)]
pub struct Problem {
    pub reason: Rc<str>,
    /// No file can be called that.
    pub is_of_the_name: bool,
}

/// A flow of a program, or the calls of programs outside flows.
#[derive(Clone, Serialize, Deserialize)]
pub struct FlowHistory {
    pub program: String,
    pub name: Option<String>,
    /// The last of its runs that had a line for each target, by the target's number: counted from 1, 0 if none had.
    pub last_runs: Vec<u32>,
}

/// A run: one journal.
pub struct RunJournal {
    pub id: String,
    pub path: PathBuf,
    pub head: Option<Head<'static>>,
    pub started: Timestamp,
    /// The number of its flow.
    pub flow: u32,
    /// How long it took, if it has ended.
    pub elapsed: Option<f64>,
    /// How it ended, if it says so.
    pub state: Option<State>,
    /// Whether it is going on.
    pub is_live: bool,
    pub counts: Counts,
    /// The numbers of its task functions, by those in its journal.
    pub functions: Vec<u32>,
    /// What it has recorded, and what the runs have that made what it asked for.
    pub records: Vec<Records>,
}

impl RunJournal {
    pub fn flow_name(&self) -> &str {
        let head = self.head.as_ref();
        head.and_then(|head| head.flow.as_deref().or(Some(&head.program))).unwrap_or("?")
    }

    /// The moment, so many seconds after it started. What is no time is taken for the nearest that is one.
    pub fn moment_at(&self, at: f64) -> Timestamp {
        self.started.checked_add(Duration::from_secs_f64(clamp_seconds(at))).unwrap_or(Timestamp::MAX)
    }
}

/// Seconds that a journal claims, as far as they can be some.
pub fn clamp_seconds(seconds: f64) -> f64 {
    const LONGEST: f64 = 1e10;
    if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, LONGEST) }
}

/// After so many failures in a row a store is not asked any more: each may take its time.
const MAX_FAILURES: u32 = 3;

impl Problem {
    pub fn new(reason: &str) -> Self {
        Problem { reason: reason.into(), is_of_the_name: false }
    }
}

impl ProjectStore {
    pub fn new(address: String, listing: Option<Box<dyn Listing>>) -> Self {
        ProjectStore { address, listing, failures: Cell::new(0), problem: OnceCell::new() }
    }

    fn is_file_store(&self) -> bool {
        self.address.is_empty()
    }

    /// What the store answers, or why it does not.
    pub fn query<R>(&self, question: impl FnOnce(&dyn Listing) -> StoreResult<R>) -> Result<R, Problem> {
        let Some(listing) = &self.listing else { return Err(Problem::new("its store cannot be opened here")) };
        if let Some(problem) = self.problem.get() {
            return Err(problem.clone());
        }
        let error = match question(&**listing) {
            Ok(answer) => {
                self.failures.set(0);
                return Ok(answer);
            }
            Err(error) => error,
        };
        if self.is_file_store() {
            // The path is the target's, which is named anyway.
            let mut cause: &dyn std::error::Error = &*error;
            while let Some(source) = cause.source() {
                cause = source;
            }
            let is_of_the_name = match cause.downcast_ref::<io::Error>() {
                Some(cause) => cause.kind() == io::ErrorKind::InvalidFilename,
                None => matches!(cause.downcast_ref(), Some(StoreError::NameTooLong { .. })),
            };
            let cause = cause.to_string();
            let reason = if is_of_the_name { "its name is too long for the file system" } else { &cause };
            return Err(Problem { is_of_the_name, ..Problem::new(reason) });
        }
        let problem = Problem::new(&join_sources(&*error));
        self.failures.set(self.failures.get() + 1);
        if self.failures.get() == MAX_FAILURES {
            let _ = self.problem.set(problem.clone());
        }
        Err(problem)
    }
}

impl Project {
    /// Whether the target is a path.
    pub fn is_file(&self, target: Target<'_>) -> bool {
        self.stores[target.store()].is_file_store()
    }

    pub fn store(&self, target: Target<'_>) -> &ProjectStore {
        &self.stores[target.store()]
    }

    /// The address of the target's store: nothing for a file.
    pub fn address(&self, target: Target<'_>) -> &str {
        &self.store(target).address
    }

    pub fn function(&self, target: Target<'_>) -> Option<&Function<'static>> {
        target.function().map(|number| &self.functions[number as usize])
    }

    /// The store that has the target, or why it cannot be opened.
    pub fn require_listing(&self, target: Target<'_>) -> Result<&dyn Listing, CommandError> {
        self.store(target).listing.as_deref().ok_or_else(|| CommandError::NoStore {
            target: target.name().to_owned(),
            address: self.address(target).to_owned(),
        })
    }

    /// The number of the store with this address.
    pub fn find_store(&self, address: &str) -> Option<usize> {
        self.stores.iter().position(|store| store.address == address)
    }

    /// The target with this name in the store with this number.
    pub fn find_in_store(&self, store: usize, name: &str) -> Option<usize> {
        self.targets.find(store, name)
    }

    /// The target with this name in the store with this address, both as the journal of this run has them.
    pub fn find_in_run(&self, run: u32, store: &str, target: &str) -> Option<usize> {
        let name = self.name_from_root(run, store, target);
        self.find_in_store(self.find_store(store)?, &name)
    }

    /// Those that task functions made, or were to make.
    pub fn outputs(&self) -> impl Iterator<Item = usize> + Clone {
        (0..self.targets.len()).filter(|index| self.targets.get(*index).function().is_some())
    }

    /// For each target, what was made from it.
    pub fn find_consumers(&self) -> Consumers {
        Consumers::new(&self.targets, 0..self.targets.len(), Target::inputs)
    }

    /// What is there of a target's content now, by the journal.
    pub fn recorded_content(&self, index: usize) -> Option<Fingerprint> {
        self.targets.get(index).made()?.stored.content
    }

    /// What the last run of a target came to, if it came to nothing.
    pub fn find_failure(&self, target: Target<'_>) -> Option<Condition> {
        let last = target.last()?;
        match last.state {
            State::NotReady => Some(Condition::NotReady),
            State::Cancelled => Some(Condition::Cancelled),
            state if state.is_success() => None,
            state if state.has_ended() => Some(Condition::Failed),
            _ if self.runs[last.run as usize].is_live => None,
            // It did not get to its end.
            _ if self.runs[last.run as usize].state == Some(State::Cancelled) => Some(Condition::Cancelled),
            _ => Some(Condition::Failed),
        }
    }

    /// Whether a process makes the target.
    pub fn is_running(&self, target: Target<'_>) -> bool {
        let is_running = |last: LastEvent<'_>| !last.state.has_ended() && self.runs[last.run as usize].is_live;
        target.last().is_some_and(is_running)
    }

    /// Each line that says what became of one of these targets, and its run: in the runs that made it, told of it or met it last, in
    /// their order.
    pub fn for_each_call_line(&self, indices: &[usize], mut each: impl FnMut(usize, u32, Ended<'static>)) {
        let mut runs = BTreeSet::new();
        for index in indices {
            let target = self.targets.get(*index);
            runs.extend(target.made().iter().flat_map(|made| [made.run, made.confirmed_by]));
            runs.extend(target.last().iter().map(|last| last.run));
            runs.extend(self.flows.iter().filter_map(|flow| flow.last_runs.get(*index)?.checked_sub(1)));
        }
        // To look for a name takes a tenth of what it takes to read a line.
        const FEW: usize = 8;
        let names = indices.iter().map(|index| self.targets.get(*index).name());
        let names: Vec<&str> = if indices.len() > FEW { vec![""] } else { names.collect() };
        let indices: HashSet<usize> = indices.iter().copied().collect();
        for number in runs {
            self.read_about(number, &names, |line| {
                let Line::Ended(mut ended) = line else { return };
                let Some(target) = &ended.target else { return };
                let index = self.find_in_run(number, &ended.store, target);
                let Some(index) = index.filter(|index| indices.contains(index)) else { return };
                // As they are named from where the journal is.
                ended.target = Some(self.targets.get(index).name().to_owned().into());
                for input in ended.given.iter_mut().flat_map(|given| &mut given.inputs) {
                    input.target = self.name_from_root(number, &input.store, &input.target).into_owned().into();
                }
                each(index, number, *ended);
            });
        }
    }

    /// Reads the lines in the journal of a run that are about what is called like this, from where the journal is; and maybe others.
    pub fn read_about(&self, run: u32, names: &[&str], each: impl FnMut(Line<'static>)) {
        let RunJournal { path, head, .. } = &self.runs[run as usize];
        let prefix = head.as_ref().map_or("", |head| &head.prefix);
        let names: Vec<&str> = names.iter().map(|name| find_common_end(prefix, name)).collect();
        if let Err(error) = journal::read_about(path, &names, each) {
            report_unreadable(path, &error);
        }
    }
}

/// The end of what is called like this from where the journal is that it has in common with what a run with this prefix calls it.
fn find_common_end<'n>(prefix: &str, name: &'n str) -> &'n str {
    match Path::new(name).file_name().and_then(|end| end.to_str()) {
        _ if prefix.is_empty() => name,
        // There it is `..`, or has no name at all.
        _ if normalize(Path::new(prefix)).starts_with(name) => "",
        end => end.unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::name_from_root;

    #[test]
    fn what_a_run_calls_it_has_the_end_of_its_name_where_a_part_ends() {
        let root = Path::new("/project");
        let targets =
            ["x", "./x", "../x", "..", ".", "x/", "x/.", "x/..", "y/../x", "../sub", "/project/x", "/x", "s3://b/x"];
        for (prefix, target) in
            ["", "sub", "sub/x", "x/../sub"].iter().flat_map(|it| targets.map(|target| (*it, target)))
        {
            let name = name_from_root(root, prefix, "", target);
            let end = find_common_end(prefix, &name);
            let is_in = format!("{target}/").contains(&format!("{end}/"));
            assert!(is_in, "{target} in {prefix:?} is {name}, not {end}");
        }
    }
}
