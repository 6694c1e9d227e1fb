//! The journal: what ran and why, and what made the outputs that are there. `pipex::journal` says how it is read.

mod blocks;
mod code;
mod counts;
mod excerpt;
mod index;
mod json;
mod known;
#[cfg(test)]
mod known_tests;
mod line;
mod mention;
mod reader;
mod recorded;
mod warnings;
mod whole;
mod writer;

use std::collections::HashMap;
use std::collections::hash_map;
use std::fs::OpenOptions;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Instant, SystemTime};

pub use self::code::read_code;
pub use self::counts::Counts;
pub use self::excerpt::{excerpt, excerpt_text};
pub use self::known::target_key;
use self::known::{History, Records, Roots};
pub(crate) use self::line::is_no_time;
pub use self::line::{
    Began, Cached, Ended, FORMAT, Function, Given, Head, Input, Line, Logged, Over, Removed, Source, There, Undone,
    UsedHelper, Why, fingerprint_inputs,
};
#[doc(hidden)]
pub use self::reader::read_about;
pub use self::reader::{NewerFormat, Tail, head, is_live, read, runs};
pub use self::recorded::{Recordable, Recorded};
use self::warnings::Warnings;
#[doc(hidden)]
pub use self::whole::{SummaryReader, SummaryWriter};
use self::writer::{Running, Writer, flush_now_and_then};
pub use self::writer::{name_worker, worker};
use crate::model::fingerprint::Fingerprint;
use crate::model::flow::Flow;
use crate::model::mode::Mode;
use crate::model::provenance::Reasons;
pub use crate::model::provenance::{Decision, Present, Provenance, Stored, Wanted, decide};
use crate::model::state::State;
use crate::model::target::Location;
use crate::model::task::Task;
use crate::say::say;
use crate::store::{fingerprint_file, open_regular};

/// The fingerprint of a file whose path is an argument: of all its bytes.
///
/// ```
/// let file = tempfile::NamedTempFile::new()?;
/// let empty = pipex::journal::fingerprint_source(file.path())?;
/// std::fs::write(file.path(), "12.5")?;
/// assert_ne!(pipex::journal::fingerprint_source(file.path())?, empty);
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Errors
/// When it cannot be read, or is no regular file.
pub fn fingerprint_source(path: &Path) -> io::Result<Fingerprint> {
    fingerprint_file(&mut open_regular(path, OpenOptions::new().read(true))?)
}

/// Where a journal is, if nothing else is said.
pub const DIRECTORY: &str = crate::environment::JOURNAL;

const LIVE: &str = "live";
const RUNS: &str = "runs";

/// The journal of a run, and what is known from those before it.
pub struct Journal {
    directory: PathBuf,
    flow: Option<&'static Flow>,
    /// What the flow was given.
    parameters: Vec<Given<'static>>,
    /// What alone it asks for, if that is not all.
    asked: Vec<String>,
    mode: Mode,
    started: Instant,
    started_at: SystemTime,
    roots: OnceLock<Roots>,
    writer: Arc<Mutex<Writer>>,
    history: OnceLock<History>,
    /// What was found since.
    found: Mutex<Records>,
    has_found: AtomicBool,
    /// What lies at the paths that were arguments.
    sources: Mutex<HashMap<PathBuf, Option<Option<Fingerprint>>>>,
    warnings: Mutex<Warnings>,
}

/// The journals of calls outside flows, by their directories and whether they are of dry runs: they last as long as the process.
type Outside = HashMap<(Arc<Path>, bool), Arc<Journal>>;
static OUTSIDE: LazyLock<Mutex<Outside>> = LazyLock::new(Mutex::default);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    /// The journal of calls outside flows.
    pub fn outside(directory: Arc<Path>, mode: Mode, dry: bool) -> Option<Arc<Self>> {
        let mut all = lock(&OUTSIDE);
        match all.entry((directory, dry)) {
            hash_map::Entry::Occupied(entry) => Some(Arc::clone(entry.get())),
            hash_map::Entry::Vacant(entry) => {
                let journal = Arc::new(Journal::new(&entry.key().0, None, mode, dry)?);
                Some(Arc::clone(entry.insert(journal)))
            }
        }
    }

    /// The journal of a command that changes what is there, such as `pipex rm`, run in the directory that `directory` is in.
    #[must_use]
    pub fn for_command(directory: &Path) -> Self {
        Self::begin(directory.to_owned(), None, Mode::DoNothing, false)
    }

    /// The journal of a run that starts now; in mode `do_nothing` there is none.
    pub fn new(directory: &Path, flow: Option<&'static Flow>, mode: Mode, dry: bool) -> Option<Self> {
        (mode != Mode::DoNothing).then(|| Self::begin(directory.to_owned(), flow, mode, dry))
    }

    /// The same of a flow that was given this, and of which only this is `asked`, if that is not all.
    #[must_use]
    pub fn with_parameters(self, parameters: Vec<Given<'static>>, asked: Vec<String>) -> Self {
        Journal { parameters, asked, ..self }
    }

    fn begin(directory: PathBuf, flow: Option<&'static Flow>, mode: Mode, dry: bool) -> Self {
        Journal {
            directory,
            flow,
            parameters: Vec::new(),
            asked: Vec::new(),
            mode,
            started: Instant::now(),
            started_at: SystemTime::now(),
            roots: OnceLock::new(),
            writer: Arc::new(Mutex::new(Writer::new(dry))),
            history: OnceLock::new(),
            found: Mutex::default(),
            has_found: AtomicBool::new(false),
            sources: Mutex::default(),
            warnings: Mutex::default(),
        }
    }

    /// What the `pipex` command calls the run, if anything was written of it.
    #[must_use]
    pub fn name(&self) -> Option<String> {
        Some(lock(&self.writer).path.file_stem()?.to_string_lossy().into_owned())
    }

    /// Nanoseconds since 1970, by this run's clock.
    fn now(&self) -> u64 {
        let started = self.started_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        (started + self.started.elapsed()).as_nanos() as u64
    }

    /// Seconds since this run started.
    pub fn at(&self, instant: Instant) -> f64 {
        instant.saturating_duration_since(self.started).as_secs_f64()
    }

    /// A run begins to make a target; its number, for when it ends.
    pub fn began(&self, task: &'static Task, target: &Location, store: &str, at: Instant) -> u64 {
        let Some(mut writer) = self.ready(Some(task)) else { return 0 };
        let (target, store, at) = (target.clone(), store.into(), self.at(at));
        let number = writer.began(Running { task, target, store, at, is_told: false, memory: 0 });
        if self.flow.is_none() {
            writer.record_running(f64::MAX);
            writer.flush();
        } else if writer.flusher.is_none() {
            let flusher = flush_now_and_then(Arc::downgrade(&self.writer), self.started);
            // Without it, lines that are not urgent wait until there are enough of them.
            let flusher = thread::Builder::new().name("pipex-journal".to_owned()).spawn(flusher);
            writer.flusher = flusher.ok().map(|flusher| flusher.thread().clone());
        }
        number
    }

    /// A run has ended, or waits to be tried again: that which has `began` with this number, unless it is 0. What is `urgent` is with
    /// the system when this returns.
    pub fn ended(&self, task: &'static Task, began: u64, urgent: bool, line: &mut Ended<'_>) {
        let Some(mut writer) = self.ready(Some(task)) else { return };
        if began > 0 {
            let memory = writer.ended(began);
            // This process had nothing to do with what ran in another.
            line.memory = if line.elsewhere.is_none() { memory } else { 0 };
        }
        line.task = writer.number(task);
        writer.append_ended(line);
        self.hand_over(&mut writer, urgent);
    }

    /// A run need not run; with `is_part`, the line is about another output of it.
    pub fn cached(&self, task: &'static Task, target: &Location, store: &str, is_part: bool, is_lazy: bool) {
        let (target, store) = (target.as_str().into(), store.into());
        self.write(Some(task), false, |task| Line::Cached(Cached { task, target, store, is_part, is_lazy }));
    }

    /// A stale output was taken.
    pub fn warn(&self, task: &'static Task, target: &Location, reasons: Reasons) {
        // Outside flows nothing ends.
        lock(&self.warnings).add(task, target, reasons, self.flow.is_none());
    }

    /// The flow's body has recorded this.
    pub fn record(&self, recorded: Recorded<'_>) {
        self.write(None, false, |_| Line::Recorded(recorded));
    }

    /// Appends a line. What it says lies at a target holds from now on.
    pub fn line(&self, line: Line<'_>) {
        if let Line::Ended(ended) = &line
            && let (Some(there), Some(target)) = (ended.there, &ended.target)
        {
            self.found(self.key(&ended.store, &Location::new(&**target)), there);
        }
        self.write(None, true, |_| line);
    }

    /// Appends a line about a task function's run. What is `urgent` is with the system when this returns.
    fn write<'l>(&self, task: Option<&'static Task>, urgent: bool, line: impl FnOnce(u32) -> Line<'l>) {
        let Some(mut writer) = self.ready(task) else { return };
        let number = task.map_or(0, |task| writer.number(task));
        writer.append(&line(number));
        self.hand_over(&mut writer, urgent);
    }

    /// Lines go to the system at once if they are urgent, or nobody sees to it that they do soon, or there are enough of them.
    fn hand_over(&self, writer: &mut Writer, urgent: bool) {
        if urgent || self.flow.is_none() || writer.is_full() {
            writer.flush();
        }
    }

    /// The file, made when there is something to be said; `None` where there is to be none.
    fn ready(&self, task: Option<&'static Task>) -> Option<MutexGuard<'_, Writer>> {
        let mut writer = lock(&self.writer);
        if !writer.off
            && writer.file.is_none()
            && let Err(error) = writer.open(self, task)
        {
            writer.off = true;
            say(&format!("cannot keep a journal in {}, and goes on without: {error}", self.directory.display()));
        }
        (!writer.off).then_some(writer)
    }

    /// Whether a line could not be written: then nothing is any more.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        lock(&self.writer).off
    }

    /// The command has done what it was to do.
    pub fn close(&self) {
        self.end(State::Completed);
    }

    /// The run has ended like this: says what was stale, and adds what was found to the index.
    pub fn end(&self, state: State) {
        lock(&self.warnings).say();
        let mut writer = lock(&self.writer);
        if !writer.end(self.started.elapsed(), state) {
            return;
        }
        writer.off = true;
        if let Some(flusher) = writer.flusher.take() {
            flusher.unpark();
        }
        let found = std::mem::take(&mut *lock(&self.found));
        if let Err(error) = self.settle(&writer.path, &found) {
            say(&format!("cannot bring the journal in {} up to date: {error}", self.directory.display()));
        }
        writer.file = None;
    }

    /// Takes down that the run ends like this, though some of its task runs may not have ended: it waits for nothing.
    pub fn abandon(&self, state: State) {
        if let Ok(mut writer) = self.writer.try_lock() {
            writer.record_running(f64::MAX);
            writer.end(self.started.elapsed(), state);
        }
    }
}
