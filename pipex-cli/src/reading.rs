//! From the lines of the journals to what they say together.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use jiff::{SignedDuration, Timestamp};
use pipex_format::journal::Counts;
use pipex_format::journal::{self, Ended, Function, Head, Line, NewerFormat, Recorded, There, Why};
use pipex_format::model::state::State;
use pipex_format::model::target::url_scheme;
use pipex_format::store::SqliteStore;
use pipex_format::store::{Files, Listing, Stamp};

use crate::paths::normalize;
use crate::project::{FlowHistory, Project, ProjectStore, RunJournal, clamp_seconds};
use crate::target::{CallFingerprints, InputEdge, KnownOutput, LastEvent, Origin, TaskFailure};
use crate::targets::Targets;
use crate::values::{RecordedBy, Records};
use crate::{CommandError, print, summary};

pub use pipex_format::journal::read;

/// Opens the store with an address that is not pipex's own.
pub type Open<'o> = &'o dyn Fn(&str) -> Option<Box<dyn Listing>>;

impl Project {
    /// Reads all journals, or what was summed up of them. What cannot be read is passed over, and told.
    pub fn read(journal: &Path, here: PathBuf, open: Open<'_>) -> Result<Self, CommandError> {
        let runs =
            journal::runs(journal).map_err(|source| CommandError::Journal { path: journal.to_owned(), source })?;
        let (mut project, mut context) = (Project::new(journal, here), ReadContext::new(open));
        let summed_up = summary::read(&mut project, &mut context, &runs);
        let ended = summary::count_ended(&runs);
        let (first, rest) = (runs[summed_up..ended].to_vec(), runs[ended..].to_vec());
        let mut unread = Unread::default();
        let lines = project.read_each(first, &mut context, &mut unread);
        if unread.is_empty() {
            summary::write(&project, &context, &runs[..ended], lines);
        }
        project.read_each(rest, &mut context, &mut unread);
        unread.report();
        Ok(project)
    }

    /// What the journals of these runs say.
    pub fn read_runs(journal: &Path, here: PathBuf, open: Open<'_>, runs: Vec<PathBuf>) -> Self {
        let mut project = Project::new(journal, here);
        project.read_each(runs, &mut ReadContext::new(open), &mut Unread::default());
        project
    }

    /// Of which nothing has been read.
    fn new(journal: &Path, here: PathBuf) -> Self {
        Project {
            journal: journal.to_owned(),
            root: journal.parent().unwrap_or(Path::new("/")).to_owned(),
            here,
            runs: Vec::new(),
            functions: Vec::new(),
            helpers: HashMap::new(),
            targets: Targets::default(),
            flows: vec![FlowHistory { program: String::new(), name: None, last_runs: Vec::new() }],
            stores: vec![ProjectStore::new(String::new(), Some(Box::new(Files)))],
            accepts: Vec::new(),
            undone: HashSet::new(),
        }
    }

    /// Reads the journals of these runs, which are later than those that it knows; how many lines they have.
    fn read_each(&mut self, runs: Vec<PathBuf>, context: &mut ReadContext<'_>, unread: &mut Unread) -> u64 {
        let mut lines = 0;
        for path in runs {
            let number = self.runs.len() as u32;
            let moved = self.journal.join("runs").join(path.file_name().unwrap_or_default());
            self.runs.push(RunJournal::new(path.clone()));
            let mut apply = |project: &mut Self, path: &Path| {
                read(path, |line| {
                    lines += 1;
                    project.apply(number, line, context);
                })
            };
            let mut read = apply(self, &path);
            // It has ended meanwhile.
            if read.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::NotFound) && moved.exists() {
                self.runs[number as usize].path.clone_from(&moved);
                read = apply(self, &moved);
            }
            if let Err(error) = read {
                unread.add(path, error);
            }
            self.collect_records(number, context);
        }
        lines
    }

    fn apply(&mut self, run: u32, line: Line<'static>, context: &mut ReadContext<'_>) {
        match line {
            Line::Run(head) => self.start_run(run, head),
            Line::Task(function) => self.add_function(run, function, context),
            Line::Began(began) => {
                let index = self.find_or_add(run, &began.store, &began.target, context);
                let last = LastEvent { run, at: began.at, state: State::Running, ..LastEvent::default() };
                self.add_event(run, index, began.task, last);
            }
            Line::Cached(cached) => {
                let index = self.find_or_add(run, &cached.store, &cached.target, context);
                if !cached.is_part {
                    self.runs[run as usize].counts.count(State::Cached, Why::There, 0);
                }
                self.add_event(run, index, cached.task, LastEvent { run, why: Why::There, ..LastEvent::default() });
                self.targets.set_takes(index, None);
                self.set_lazy(run, index, cached.is_lazy);
            }
            Line::Ended(ended) => self.end_task_run(run, *ended, context),
            Line::Source(source) => {
                let index = self.find_or_add(run, "", &source.path, context);
                self.targets.set_source(index, source.content, Stamp::new(source.stamp));
            }
            Line::Removed(removed) => {
                let index = self.find_or_add(run, &removed.store, &removed.target, context);
                self.targets.set_last(index, LastEvent { run, removed: true, ..LastEvent::default() });
            }
            Line::Recorded(recorded) => {
                let records = Records { by: RecordedBy::Flow, values: [recorded].into() };
                self.runs[run as usize].records.push(records);
            }
            Line::Undone(undone) => _ = self.undone.insert(undone.run.into_owned()),
            Line::Over(over) => {
                let run = &mut self.runs[run as usize];
                (run.elapsed, run.state) = (Some(clamp_seconds(over.elapsed)), over.state);
            }
            _ => {}
        }
    }

    fn start_run(&mut self, run: u32, head: Head<'static>) {
        let flow = head.flow.as_deref().map(|flow| {
            let known = self
                .flows
                .iter()
                .position(|known| known.name.as_deref() == Some(flow) && known.program == head.program);
            known.unwrap_or_else(|| {
                let (program, name) = (head.program.to_string(), Some(flow.to_owned()));
                self.flows.push(FlowHistory { program, name, last_runs: Vec::new() });
                self.flows.len() - 1
            }) as u32
        });
        let run = &mut self.runs[run as usize];
        run.started = head.started.parse().unwrap_or(Timestamp::UNIX_EPOCH);
        run.flow = flow.unwrap_or(0);
        run.head = Some(head);
    }

    fn add_function(&mut self, run: u32, function: Function<'static>, context: &mut ReadContext<'_>) {
        let key = (function.module.clone().into_owned(), function.name.clone().into_owned());
        let number = *context.by_name.entry(key).or_insert(self.functions.len() as u32);
        if !function.helpers.is_empty() {
            self.helpers.entry(function.code).or_insert_with(|| function.helpers.clone());
        }
        match self.functions.get_mut(number as usize) {
            Some(known) => *known = function,
            None => self.functions.push(function),
        }
        self.runs[run as usize].functions.push(number);
    }

    fn end_task_run(&mut self, run: u32, ended: Ended<'static>, context: &mut ReadContext<'_>) {
        if !ended.is_part {
            self.runs[run as usize].counts.count(ended.state, ended.why, ended.bytes);
        }
        let Some(name) = &ended.target else {
            if !ended.recorded.is_empty() {
                let by = RecordedBy::Unsaved(ended.name.into_owned());
                self.runs[run as usize].records.push(Records { by, values: ended.recorded.into() });
            }
            return;
        };
        let index = self.find_or_add(run, &ended.store, name, context);
        if ended.state == State::Completed {
            if ended.recorded.is_empty() {
                context.records.remove(&(index as u32));
            } else {
                context.records.insert(index as u32, ended.recorded.as_slice().into());
            }
        }
        let mut inputs = Vec::new();
        for input in ended.given.iter().flat_map(|given| &given.inputs) {
            let index = self.find_or_add(run, &input.store, &input.target, context) as u32;
            inputs.push(InputEdge { index, is_source: input.source, content: input.content });
        }
        let is_of_command = matches!(ended.why, Why::Accepted | Why::Restored);
        if ended.why == Why::Accepted && self.accepts.last() != Some(&run) {
            self.accepts.push(run);
        }
        // Its arguments are those of the call, which may not be what lies there was made from.
        let is_made = ended.state == State::Completed || is_of_command;
        let is_stale = ended.now.is_some();
        let is_failure = ended.state.has_ended() && !ended.state.is_success();
        let takes_others = !is_of_command && (is_stale && !is_made || is_failure);
        let made_of = if takes_others { &[] } else { &inputs[..] };
        if let Some(there) = ended.there {
            let found = self.runs[run as usize].moment_at(ended.at + ended.elapsed);
            let found = if found > context.latest { Timestamp::UNIX_EPOCH } else { found };
            let origin = match is_made {
                _ if is_of_command => Origin::Accepted,
                true => Origin::Made,
                false => Origin::Found,
            };
            let made = KnownOutput::new(run, &ended, there, found, origin);
            let made_of = if origin == Origin::Found { &[] } else { made_of };
            let (made, made_of) = match self.targets.get(index).made() {
                None => (made, Some(made_of)),
                Some(known) if known.found <= found => {
                    let (made, is_as_before) = made.merge_after(known);
                    (made, (!is_as_before).then_some(made_of))
                }
                Some(known) => {
                    let (known, is_as_before) = known.merge_after(made);
                    (known, is_as_before.then_some(made_of))
                }
            };
            self.targets.set_made(index, &made, made_of);
        }
        if !is_of_command {
            self.targets.set_takes(index, takes_others.then_some(&inputs[..]));
            self.set_lazy(run, index, ended.is_lazy);
        }
        let Ended { state, why, stale, now, format, at, elapsed, root, .. } = ended;
        let root = root.map(Cow::into_owned);
        let failure = ended.error.map(|error| TaskFailure { error: error.into_owned(), root });
        let now = now.map(|(arguments, inputs)| CallFingerprints { arguments, inputs, format });
        let last =
            LastEvent { run, at: at + elapsed, state, why, stale, failure: failure.as_ref(), now, removed: false };
        if is_of_command {
            self.targets.set_last(index, last);
        } else {
            self.add_event(run, index, ended.task, last);
        }
    }

    /// Has the run, of which all was read, know what was recorded where the outputs were made that it asked for, and those that
    /// they were made from.
    fn collect_records(&mut self, run: u32, context: &ReadContext<'_>) {
        if context.records.is_empty() {
            return;
        }
        let last_runs = &self.flows[self.runs[run as usize].flow as usize].last_runs;
        let is_there = |index: &usize| self.targets.get(*index).last().is_some_and(|last| last.state.is_success());
        let mut open: Vec<usize> =
            (0..last_runs.len()).filter(|index| last_runs[*index] == run + 1).filter(is_there).collect();
        let mut is_known = vec![false; self.targets.len()];
        let mut found = Vec::new();
        while let Some(index) = open.pop() {
            if std::mem::replace(&mut is_known[index], true) {
                continue;
            }
            if let Some(values) = context.records.get(&(index as u32)) {
                found.push((index as u32, Rc::clone(values)));
            }
            open.extend(self.targets.get(index).inputs().iter().map(|input| input.index as usize));
        }
        // Whatever order they ran in.
        found.sort_by_key(|(index, _)| self.targets.get(*index as usize).name());
        let records = found.into_iter().map(|(index, values)| Records { by: RecordedBy::Target(index), values });
        self.runs[run as usize].records.extend(records);
    }

    /// A run of a flow has a line for the target.
    fn add_event(&mut self, run: u32, index: usize, task: u32, last: LastEvent<'_>) {
        let RunJournal { functions, flow, .. } = &self.runs[run as usize];
        if let Some(function) = functions.get(task as usize) {
            self.targets.set_function(index, *function);
        }
        self.targets.set_last(index, last);
        let last_runs = &mut self.flows[*flow as usize].last_runs;
        if last_runs.len() <= index {
            last_runs.resize(index + 1, 0);
        }
        last_runs[index] = run + 1;
    }

    /// Whether the target's call is lazy. Where only some outputs were asked for, all calls are as good as that.
    fn set_lazy(&mut self, run: u32, index: usize, is_lazy: bool) {
        if !self.runs[run as usize].is_of_some() {
            self.targets.set_lazy(index, is_lazy);
        }
    }

    /// The target's number.
    fn find_or_add(&mut self, run: u32, store: &str, target: &str, context: &mut ReadContext<'_>) -> usize {
        let store = self.find_store(store).unwrap_or_else(|| self.add_store(store.to_owned(), context));
        let name = self.name_from_root(run, &self.stores[store].address, target);
        self.find_in_store(store, &name).unwrap_or_else(|| self.targets.add(store, &name))
    }

    /// The number of a store that was not met before.
    pub fn add_store(&mut self, address: String, context: &ReadContext<'_>) -> usize {
        let listing = open_store(&address, &self.root, context.open);
        self.stores.push(ProjectStore::new(address, listing));
        self.stores.len() - 1
    }

    /// The target, named from where the journal is.
    pub fn name_from_root<'t>(&self, run: u32, store: &str, target: &'t str) -> Cow<'t, str> {
        let prefix = self.runs[run as usize].head.as_ref().map_or("", |head| &head.prefix);
        name_from_root(&self.root, prefix, store, target)
    }
}

/// The target of a run with this prefix, named from the root, where the journal is.
pub fn name_from_root<'t>(root: &Path, prefix: &str, store: &str, target: &'t str) -> Cow<'t, str> {
    if !store.is_empty() || url_scheme(target).is_some() {
        return Cow::Borrowed(target);
    }
    if target.starts_with('/') {
        let within = root.to_str().and_then(|root| target.strip_prefix(root)?.strip_prefix('/'));
        return Cow::Borrowed(within.filter(|within| !within.is_empty()).unwrap_or(target));
    }
    if prefix.is_empty() {
        return Cow::Borrowed(target);
    }
    Cow::Owned(normalize(&Path::new(prefix).join(target)).to_string_lossy().into_owned())
}

impl KnownOutput {
    fn new(run: u32, ended: &Ended<'_>, there: There, found: Timestamp, origin: Origin) -> Self {
        let (stored, stamp, bytes) = (there.stored(), Stamp::new(there.stamp), there.bytes);
        let Ended { at, elapsed, .. } = *ended;
        KnownOutput { stored, stamp, bytes, origin, run, at, elapsed, confirmed_by: run, found }
    }
}

impl RunJournal {
    /// Of which nothing but its first line was read.
    #[cfg(feature = "ui")]
    pub fn read_head(path: PathBuf) -> io::Result<Self> {
        let head = journal::head(&path)?;
        Ok(Self::with_head(path, head))
    }

    /// Of which this is the first line.
    pub fn with_head(path: PathBuf, head: Option<Head<'static>>) -> Self {
        let started = head.as_ref().and_then(|head| head.started.parse().ok()).unwrap_or(Timestamp::UNIX_EPOCH);
        RunJournal { head, started, ..Self::new(path) }
    }

    fn new(path: PathBuf) -> Self {
        RunJournal {
            id: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
            is_live: may_go_on(&path) && journal::is_live(&path),
            path,
            head: None,
            started: Timestamp::UNIX_EPOCH,
            flow: 0,
            elapsed: None,
            state: None,
            counts: Counts::default(),
            functions: Vec::new(),
            records: Vec::new(),
        }
    }
}

/// Whether the run of this journal may go on: that of one that has ended stands elsewhere.
pub fn may_go_on(path: &Path) -> bool {
    path.parent().is_some_and(|parent| parent.ends_with("live"))
}

/// More than clocks differ. What claims to be later would hold against all that is found from now on.
const DAY: SignedDuration = SignedDuration::from_hours(24);

pub struct ReadContext<'o> {
    open: Open<'o>,
    /// The numbers of task functions, by module and name.
    pub by_name: HashMap<(String, String), u32>,
    latest: Timestamp,
    /// What was recorded where the outputs were made that are there now, by their numbers.
    pub records: HashMap<u32, Rc<[Recorded<'static>]>>,
}

impl<'o> ReadContext<'o> {
    fn new(open: Open<'o>) -> Self {
        ReadContext { open, by_name: HashMap::new(), latest: Timestamp::now() + DAY, records: HashMap::new() }
    }
}

/// The journals that could not be read, or not all of them.
#[derive(Default)]
struct Unread {
    others: Vec<(PathBuf, io::Error)>,
    /// The first that a newer pipex has written, and how many there are.
    newer: Option<(PathBuf, io::Error, usize)>,
}

impl Unread {
    fn add(&mut self, path: PathBuf, error: io::Error) {
        if NewerFormat::is_in(&error) {
            self.newer.get_or_insert((path, error, 0)).2 += 1;
        } else {
            self.others.push((path, error));
        }
    }

    fn is_empty(&self) -> bool {
        self.others.is_empty() && self.newer.is_none()
    }

    fn report(self) {
        self.others.iter().for_each(|(path, error)| report_unreadable(path, error));
        if let Some((first, error, count)) = self.newer {
            let what = if count == 1 { "the journal".to_owned() } else { format!("{count} journals, such as") };
            print::to_stderr(format!("passed over what is not known of {what} {}: {error}", first.display()));
        }
    }
}

fn open_store(address: &str, root: &Path, other: Open<'_>) -> Option<Box<dyn Listing>> {
    match address.strip_prefix(SqliteStore::SCHEME) {
        Some(database) => Some(Box::new(SqliteStore::new(root.join(database)))),
        None => other(address),
    }
}

/// Says that a journal, or a part of it, is passed over; that it is in a newer format was told when all were read.
pub fn report_unreadable(path: &Path, error: &io::Error) {
    if NewerFormat::is_in(error) {
        return;
    }
    print::to_stderr(format!("passed over what cannot be read of the journal {}: {error}", path.display()));
}
