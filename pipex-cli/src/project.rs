//! All that the journals say, brought together: task functions, targets, runs.

use std::cell::{Cell, OnceCell};
use std::collections::{BTreeSet, HashMap, HashSet};
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use pipex_format::journal::Counts;
use pipex_format::journal::{Ended, Function, Head, Line, Stored, UsedHelper, Why};
use pipex_format::model::fingerprint::Fingerprint;
use pipex_format::model::provenance::Reasons;
use pipex_format::model::state::State;
use pipex_format::model::target::Location;
use pipex_format::store::{Listing, Stamp, StoreError, StoreResult};
use serde::{Deserialize, Serialize};

use crate::condition::Condition;
use crate::numbers;
use crate::reading::{read, report_unreadable};
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
    pub targets: Vec<Target>,
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
    /// The targets in it, by their names, once somebody has asked for one.
    by_name: OnceCell<HashMap<Box<str>, u32>>,
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

/// An output, or a file whose path was an argument.
#[derive(Clone, Serialize, Deserialize)]
pub struct Target {
    pub name: Box<str>,
    pub store: u32,
    /// The task function that made it last; a file that was an argument has none.
    pub function: Option<u32>,
    pub made: Option<KnownOutput>,
    pub last: Option<LastEvent>,
    /// Whether its last call was lazy.
    pub is_lazy: bool,
    /// What its last call takes, where that is not what it was made from, or if it failed.
    pub takes: Option<Box<[InputEdge]>>,
    /// What lay there when its path was an argument: content and stamp.
    pub source: Option<(Fingerprint, Stamp)>,
}

/// What lies there, and how it was made.
#[derive(Clone, Serialize, Deserialize)]
pub struct KnownOutput {
    #[serde(with = "numbers::stored")]
    pub stored: Stored,
    pub stamp: Stamp,
    pub bytes: u64,
    /// Where this is known from.
    pub origin: Origin,
    /// The run that made it.
    pub run: u32,
    /// When, in seconds since the run started; how long it took.
    pub at: f64,
    pub elapsed: f64,
    /// The run that said last what lies there, and when.
    pub confirmed_by: u32,
    #[serde(with = "numbers::moment")]
    pub found: Timestamp,
    /// What it was made from.
    pub inputs: Box<[InputEdge]>,
}

/// Where it is known from what lies at a target.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Origin {
    /// From the run that made it.
    Made,
    /// From a run that found it there.
    Found,
    /// From `pipex accept`.
    Accepted,
}

/// What an output was made from.
#[derive(Clone, Serialize, Deserialize)]
pub struct InputEdge {
    pub index: u32,
    /// It was taken by its path, and not as an output.
    pub is_source: bool,
    /// What lay there, if it was known.
    #[serde(with = "numbers::fingerprint")]
    pub content: Option<Fingerprint>,
}

/// What became of it last.
#[derive(Clone, Serialize, Deserialize)]
pub struct LastEvent {
    pub run: u32,
    pub at: f64,
    /// `Running`, if the run has not said how it ended.
    pub state: State,
    pub why: Why,
    pub stale: Reasons,
    pub failure: Option<Box<TaskFailure>>,
    /// What it would be made from, if this is another.
    pub now: Option<Box<CallFingerprints>>,
    pub removed: bool,
}

/// Why a run came to nothing.
#[derive(Clone, Serialize, Deserialize)]
pub struct TaskFailure {
    pub error: String,
    /// Whose failure it did not run for.
    pub root: Option<String>,
}

/// What a call would make its output from.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct CallFingerprints {
    pub arguments: Fingerprint,
    pub inputs: Option<Fingerprint>,
    /// How it would be written, if that is another.
    pub format: Option<Fingerprint>,
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
        ProjectStore { address, listing, by_name: OnceCell::new(), failures: Cell::new(0), problem: OnceCell::new() }
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
    pub fn is_file(&self, target: &Target) -> bool {
        self.stores[target.store as usize].is_file_store()
    }

    pub fn store(&self, target: &Target) -> &ProjectStore {
        &self.stores[target.store as usize]
    }

    /// The address of the target's store: nothing for a file.
    pub fn address(&self, target: &Target) -> &str {
        &self.store(target).address
    }

    pub fn function(&self, target: &Target) -> Option<&Function<'static>> {
        target.function.map(|number| &self.functions[number as usize])
    }

    /// The store that has the target, or why it cannot be opened.
    pub fn require_listing(&self, target: &Target) -> Result<&dyn Listing, CommandError> {
        self.store(target).listing.as_deref().ok_or_else(|| CommandError::NoStore {
            target: target.name.to_string(),
            address: self.address(target).to_owned(),
        })
    }

    /// The number of the store with this address.
    pub fn find_store(&self, address: &str) -> Option<usize> {
        self.stores.iter().position(|store| store.address == address)
    }

    fn targets_by_name(&self, store: usize) -> &HashMap<Box<str>, u32> {
        self.stores[store].by_name.get_or_init(|| {
            let named = self.targets.iter().enumerate().filter(|(_, target)| target.store as usize == store);
            named.map(|(index, target)| (target.name.clone(), index as u32)).collect()
        })
    }

    /// The target with this name in the store with this number.
    pub fn find_in_store(&self, store: usize, name: &str) -> Option<usize> {
        self.targets_by_name(store).get(name).map(|index| *index as usize)
    }

    /// Adds a target that is not known yet; its number.
    pub fn add_target(&mut self, target: Target) -> usize {
        let (index, store) = (self.targets.len(), target.store as usize);
        if let Some(by_name) = self.stores[store].by_name.get_mut() {
            by_name.insert(target.name.clone(), index as u32);
        }
        self.targets.push(target);
        index
    }

    /// The target with this name in the store with this address, both as the journal of this run has them.
    pub fn find_in_run(&self, run: u32, store: &str, target: &str) -> Option<usize> {
        let name = self.name_from_root(run, store, target);
        self.find_in_store(self.find_store(store)?, &name)
    }

    /// Those that task functions made, or were to make.
    pub fn outputs(&self) -> impl Iterator<Item = usize> {
        (0..self.targets.len()).filter(|index| self.targets[*index].function.is_some())
    }

    /// For each target, what was made from it.
    pub fn find_consumers(&self) -> Vec<Vec<u32>> {
        let mut consumers = vec![Vec::new(); self.targets.len()];
        for (index, target) in self.targets.iter().enumerate() {
            for input in target.inputs() {
                consumers[input.index as usize].push(index as u32);
            }
        }
        consumers
    }

    /// What is there of a target's content now, by the journal.
    pub fn recorded_content(&self, index: usize) -> Option<Fingerprint> {
        self.targets[index].made.as_ref()?.stored.content
    }

    /// What the last run of a target came to, if it came to nothing.
    pub fn find_failure(&self, target: &Target) -> Option<Condition> {
        let last = target.last.as_ref()?;
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
    pub fn is_running(&self, target: &Target) -> bool {
        let is_running = |last: &LastEvent| !last.state.has_ended() && self.runs[last.run as usize].is_live;
        target.last.as_ref().is_some_and(is_running)
    }

    /// Each line that says what became of one of these targets and from which arguments, in the runs that made it, told of it
    /// or met it last, in their order.
    pub fn for_each_call_line(&self, indices: &[usize], mut each: impl FnMut(usize, Ended<'static>)) {
        let mut runs = BTreeSet::new();
        for index in indices {
            let target = &self.targets[*index];
            runs.extend(target.made.iter().flat_map(|made| [made.run, made.confirmed_by]));
            runs.extend(target.last.iter().map(|last| last.run));
            runs.extend(self.flows.iter().filter_map(|flow| flow.last_runs.get(*index)?.checked_sub(1)));
        }
        let indices: HashSet<usize> = indices.iter().copied().collect();
        for number in runs {
            let path = &self.runs[number as usize].path;
            let read = read(path, |line| {
                let Line::Ended(mut ended) = line else { return };
                let Some(target) = &ended.target else { return };
                let index = self.find_in_run(number, &ended.store, target);
                let Some(index) = index.filter(|index| indices.contains(index) && !ended.given.is_empty()) else {
                    return;
                };
                // As they are named from where the journal is.
                ended.target = Some(self.targets[index].name.to_string().into());
                for input in ended.given.iter_mut().flat_map(|given| &mut given.inputs) {
                    input.target = self.name_from_root(number, &input.store, &input.target).into_owned().into();
                }
                each(index, *ended);
            });
            if let Err(error) = read {
                report_unreadable(path, &error);
            }
        }
    }
}

impl Target {
    pub fn location(&self) -> Location {
        Location::new(&*self.name)
    }

    /// What it was made from.
    pub fn inputs(&self) -> &[InputEdge] {
        self.made.as_ref().map_or(&[], |made| &made.inputs)
    }

    /// What its last call takes.
    pub fn takes(&self) -> &[InputEdge] {
        self.takes.as_deref().unwrap_or(self.inputs())
    }
}

impl Default for LastEvent {
    fn default() -> Self {
        LastEvent {
            run: 0,
            at: 0.0,
            state: State::Cached,
            why: Why::default(),
            stale: Reasons::default(),
            failure: None,
            now: None,
            removed: false,
        }
    }
}
