//! All that the journals say, brought together: task functions, targets, runs.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::Timestamp;
use pipex::journal::{self, Ended, Function, Head, Line, There, Why};
use pipex::store::{Files, Listing, Stamp};
use pipex::{Counts, Fingerprint, Location, Reasons, SqliteStore, State};

use crate::Error;

/// Opens the store with an address that is not pipex's own.
pub type Open<'o> = &'o dyn Fn(&str) -> Option<Box<dyn Listing>>;

pub struct Project {
    pub journal: PathBuf,
    pub runs: Vec<Run>,
    /// Each as it was seen last.
    pub functions: Vec<Function<'static>>,
    pub targets: Vec<Target>,
    /// The addresses of stores, and the stores that could be opened.
    pub(super) stores: Vec<(String, Option<Box<dyn Listing>>)>,
    pub(super) places: HashMap<(u32, Box<str>), usize>,
}

/// An output, or a file whose path was an argument.
pub struct Target {
    pub name: Box<str>,
    pub store: u32,
    /// The task function that made it last; a file that was an argument has none.
    pub function: Option<u32>,
    pub made: Option<Made>,
    pub last: Option<Last>,
    /// The run in which it was met last.
    pub met: u32,
}

/// How it was made.
pub struct Made {
    pub there: There,
    pub run: u32,
    /// When, in seconds since the run started; how long it took.
    pub at: f64,
    pub elapsed: f64,
    /// The run that said last what lies there.
    pub told: u32,
    /// What it was made from, and what lay there.
    pub inputs: Box<[(u32, Fingerprint)]>,
}

/// What became of it last.
pub struct Last {
    pub run: u32,
    pub at: f64,
    /// `Running`, if the run has not said how it ended.
    pub state: State,
    pub why: Why,
    pub stale: Reasons,
    pub error: Option<Box<str>>,
    /// The fingerprints of the arguments and inputs that it would be made from, if these are others.
    pub now: Option<(Fingerprint, Fingerprint)>,
    pub removed: bool,
}

/// A run: one journal.
pub struct Run {
    pub id: String,
    pub path: PathBuf,
    pub head: Option<Head<'static>>,
    pub started: Timestamp,
    /// How long it took, if it has ended.
    pub elapsed: Option<f64>,
    /// Whether it is going on.
    pub is_live: bool,
    pub counts: Counts,
    functions: Vec<u32>,
}

impl Run {
    pub fn flow(&self) -> &str {
        let head = self.head.as_ref();
        head.and_then(|head| head.flow.as_deref().or(Some(&head.program))).unwrap_or("?")
    }

    /// Whether all of its task runs have ended.
    pub fn is_complete(&self) -> bool {
        self.elapsed.is_some()
    }

    /// The moment, so many seconds after it started.
    pub fn moment(&self, at: f64) -> Timestamp {
        self.started + Duration::try_from_secs_f64(at).unwrap_or_default()
    }

    /// The target, named from where the journal is.
    fn name_of<'t>(&self, store: &str, target: &'t str) -> Cow<'t, str> {
        let prefix = self.head.as_ref().map_or("", |head| &head.prefix);
        if store.is_empty() && !prefix.is_empty() && !target.starts_with('/') {
            Cow::Owned(format!("{prefix}{target}"))
        } else {
            Cow::Borrowed(target)
        }
    }

    /// The number of its task function with this number in its journal.
    pub fn function(&self, task: u32) -> Option<u32> {
        self.functions.get(task as usize).copied()
    }
}

impl Project {
    /// Reads all journals.
    pub fn read(journal: &Path, open: Open<'_>) -> Result<Self, Error> {
        let failed = |error| Error::Journal { path: journal.to_owned(), source: error };
        let mut project = Project {
            journal: journal.to_owned(),
            runs: Vec::new(),
            functions: Vec::new(),
            targets: Vec::new(),
            stores: vec![(String::new(), Some(Box::new(Files)))],
            places: HashMap::new(),
        };
        let mut reader = Reader { open, by_name: HashMap::new() };
        for path in journal::runs(journal).map_err(failed)? {
            let number = project.runs.len() as u32;
            project.runs.push(Run::new(path.clone()));
            let read = journal::read(&path, |line| project.take(number, line, &mut reader));
            match read {
                // It ended, and has moved.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                    let moved = journal.join("runs").join(path.file_name().unwrap_or_default());
                    project.runs[number as usize].path.clone_from(&moved);
                    journal::read(&moved, |line| project.take(number, line, &mut reader)).map_err(failed)?;
                }
                read => read.map_err(failed)?,
            }
        }
        Ok(project)
    }

    fn take(&mut self, run: u32, line: Line<'static>, reader: &mut Reader<'_>) {
        match line {
            Line::Run(head) => {
                let of = &mut self.runs[run as usize];
                of.started = head.started.parse().unwrap_or(Timestamp::UNIX_EPOCH);
                of.head = Some(head);
            }
            Line::Task(function) => {
                let key = (function.module.clone().into_owned(), function.name.clone().into_owned());
                let number = *reader.by_name.entry(key).or_insert(self.functions.len() as u32);
                match self.functions.get_mut(number as usize) {
                    Some(known) => *known = function,
                    None => self.functions.push(function),
                }
                self.runs[run as usize].functions.push(number);
            }
            Line::Began(began) => {
                let target = self.place(run, &began.store, &began.target, reader);
                let last = Last { run, at: began.at, state: State::Running, ..Last::default() };
                let (function, target) = (self.runs[run as usize].function(began.task), &mut self.targets[target]);
                (target.function, target.last, target.met) = (function, Some(last), run);
            }
            Line::Cached(cached) => {
                let target = self.place(run, &cached.store, &cached.target, reader);
                self.runs[run as usize].counts.count(State::Cached, 0);
                let function = self.runs[run as usize].function(cached.task);
                let target = &mut self.targets[target];
                target.last = Some(Last { run, state: State::Cached, why: Why::There, ..Last::default() });
                (target.function, target.met) = (function.or(target.function), run);
            }
            Line::Ended(ended) => self.ended(run, *ended, reader),
            Line::Source(source) => {
                let target = self.place(run, "", &source.path, reader);
                let there = There::new(source.content, Stamp::new(source.stamp), 0);
                let target = &mut self.targets[target];
                if target.function.is_none() {
                    let inputs = Box::default();
                    target.made = Some(Made { there, run, at: 0.0, elapsed: 0.0, told: run, inputs });
                }
                target.met = run;
            }
            Line::Removed(removed) => {
                let target = self.place(run, &removed.store, &removed.target, reader);
                self.targets[target].last = Some(Last { run, removed: true, ..Last::default() });
            }
            Line::Over(over) => self.runs[run as usize].elapsed = Some(over.elapsed),
            _ => {}
        }
    }

    fn ended(&mut self, run: u32, ended: Ended<'static>, reader: &mut Reader<'_>) {
        self.runs[run as usize].counts.count(ended.state, ended.bytes);
        let Some(name) = &ended.target else { return };
        let place = self.place(run, &ended.store, name, reader);
        let mut inputs = Vec::new();
        for input in ended.given.iter().flat_map(|given| &given.inputs) {
            inputs.push((self.place(run, &input.store, &input.target, reader) as u32, input.content));
        }
        let function = self.runs[run as usize].function(ended.task);
        let target = &mut self.targets[place];
        if let Some(mut there) = ended.there {
            let known = target.made.take();
            // What was only found there was made before.
            let found = known.filter(|_| ended.state != State::Completed);
            if let Some(Made { there: known, .. }) = found.as_ref().filter(|known| known.there.content == there.content)
                && !there.provenance().is_known()
            {
                there = there.made_by(known.provenance());
            }
            let (at, elapsed) = (ended.at, ended.elapsed);
            let made = found.unwrap_or(Made { there, run, at, elapsed, told: run, inputs: Box::default() });
            let inputs = if inputs.is_empty() { made.inputs } else { inputs.into() };
            target.made = Some(Made { there, told: run, inputs, ..made });
        }
        let Ended { state, why, stale, now, at, elapsed, .. } = ended;
        let error = ended.error.map(|error| error.into_owned().into_boxed_str());
        target.last = Some(Last { run, at: at + elapsed, state, why, stale, error, now, removed: false });
        (target.function, target.met) = (function.or(target.function), run);
    }

    /// The target's number.
    fn place(&mut self, run: u32, store: &str, target: &str, reader: &mut Reader<'_>) -> usize {
        let number = match self.number_of(store) {
            Some(number) => number,
            None => {
                self.stores.push((store.to_owned(), open(store, reader.open)));
                self.stores.len() - 1
            }
        };
        let key = (number as u32, self.runs[run as usize].name_of(store, target).into());
        if let Some(place) = self.places.get(&key) {
            return *place;
        }
        let place = self.targets.len();
        let (store, name) = key.clone();
        self.targets.push(Target { name, store, function: None, made: None, last: None, met: run });
        self.places.insert(key, place);
        place
    }

    pub fn store(&self, target: &Target) -> Option<&dyn Listing> {
        self.stores[target.store as usize].1.as_deref()
    }

    /// The address of the target's store: nothing for a file.
    pub fn address(&self, target: &Target) -> &str {
        &self.stores[target.store as usize].0
    }

    pub fn function(&self, target: &Target) -> Option<&Function<'static>> {
        target.function.map(|number| &self.functions[number as usize])
    }

    /// The target that a user names.
    pub fn named(&self, name: &str) -> Result<usize, Error> {
        let name = name.strip_prefix("./").unwrap_or(name);
        let mut targets = self.targets.iter().enumerate().filter(|(_, target)| *target.name == *name);
        targets.next().map(|(place, _)| place).ok_or_else(|| Error::NoTarget { target: name.to_owned() })
    }

    pub fn opened(&self, target: &Target) -> Result<&dyn Listing, Error> {
        self.store(target)
            .ok_or_else(|| Error::NoStore { target: target.name.to_string(), address: self.address(target).to_owned() })
    }

    /// The number of the store with this address.
    fn number_of(&self, address: &str) -> Option<usize> {
        self.stores.iter().position(|(other, _)| other == address)
    }

    pub fn find(&self, store: &str, name: &str) -> Option<usize> {
        let store = self.number_of(store)?;
        self.places.get(&(store as u32, name.into())).copied()
    }

    /// Those that task functions made, or were to make.
    pub fn outputs(&self) -> impl Iterator<Item = usize> {
        (0..self.targets.len()).filter(|place| self.targets[*place].function.is_some())
    }

    /// For each target, what was made from it.
    pub fn consumers(&self) -> Vec<Vec<u32>> {
        let mut consumers = vec![Vec::new(); self.targets.len()];
        for (place, target) in self.targets.iter().enumerate() {
            for (input, _) in target.made.iter().flat_map(|made| &*made.inputs) {
                consumers[*input as usize].push(place as u32);
            }
        }
        consumers
    }

    /// What is there of a target's content now, by the journal.
    pub fn content(&self, place: usize) -> Fingerprint {
        self.targets[place].made.as_ref().map_or(Fingerprint::NONE, |made| made.there.content)
    }

    /// Each line that says what became of one of these targets and from which arguments, in the runs that made it or met it
    /// last, in their order.
    pub fn each_given(&self, places: &[usize], mut each: impl FnMut(usize, Ended<'static>)) -> Result<(), Error> {
        let targets = || places.iter().map(|place| &self.targets[*place]);
        let made = targets().filter_map(|target| Some(target.made.as_ref()?.run));
        let met = targets().filter_map(|target| Some(target.last.as_ref()?.run));
        let runs: BTreeSet<u32> = made.chain(met).collect();
        let places: HashSet<usize> = places.iter().copied().collect();
        for run in runs {
            let run = &self.runs[run as usize];
            let read = journal::read(&run.path, |line| {
                let Line::Ended(ended) = line else { return };
                let Some(target) = &ended.target else { return };
                let place = self.find(&ended.store, &run.name_of(&ended.store, target));
                if let Some(place) = place.filter(|place| places.contains(place) && !ended.given.is_empty()) {
                    each(place, *ended);
                }
            });
            read.map_err(|source| Error::Journal { path: run.path.clone(), source })?;
        }
        Ok(())
    }

    /// The last line about each of these targets that says what it was made from.
    pub fn lines(&self, places: &[usize]) -> Result<HashMap<usize, Ended<'static>>, Error> {
        let mut lines = HashMap::new();
        self.each_given(places, |place, ended| {
            if ended.there.is_some() || ended.now.is_some() {
                lines.insert(place, ended);
            }
        })?;
        Ok(lines)
    }
}

impl Target {
    pub fn location(&self) -> Location {
        Location::new(&*self.name)
    }
}

impl Default for Last {
    fn default() -> Self {
        Last {
            run: 0,
            at: 0.0,
            state: State::Cached,
            why: Why::default(),
            stale: Reasons::default(),
            error: None,
            now: None,
            removed: false,
        }
    }
}

impl Run {
    fn new(path: PathBuf) -> Self {
        // Whoever writes it holds its lock.
        let is_live = path.parent().is_some_and(|parent| parent.ends_with("live"))
            && File::open(&path).is_ok_and(|file| file.try_lock().is_err());
        Run {
            id: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            path,
            head: None,
            started: Timestamp::UNIX_EPOCH,
            elapsed: None,
            is_live,
            counts: Counts::default(),
            functions: Vec::new(),
        }
    }
}

struct Reader<'o> {
    open: Open<'o>,
    by_name: HashMap<(String, String), u32>,
}

fn open(address: &str, other: Open<'_>) -> Option<Box<dyn Listing>> {
    match address.strip_prefix(SqliteStore::SCHEME) {
        Some(database) => Some(Box::new(SqliteStore::new(database))),
        None => other(address),
    }
}
