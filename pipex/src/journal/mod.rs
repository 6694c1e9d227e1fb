//! The journal: what ran and why, and what made the outputs that are there.
//!
//! Each run of a flow appends lines of JSON to a file of its own below `.pipex/`, in the directory where the program was
//! started; [`Config::journal`](crate::Config::journal) and `PIPEX_JOURNAL` put it elsewhere, `PIPEX_JOURNAL=off` turns it
//! off. The `pipex` command reads it, and so can you:
//!
//! ```no_run
//! use pipex::journal::{self, Line};
//!
//! for run in journal::runs(".pipex".as_ref())? {
//!     journal::read(&run, |line| {
//!         if let Line::Ended(ended) = line {
//!             println!("{} {:?} {:.3} s", ended.name, ended.state, ended.elapsed);
//!         }
//!     })?;
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | below `.pipex/` | what it is |
//! | --- | --- |
//! | `.gitignore` | has git ignore all of it |
//! | `live/RUN.jsonl` | journals of runs that go on, or were killed |
//! | `runs/RUN.jsonl` | journals of runs that have ended |
//! | `index` | what made the outputs that are there: the sum of all journals |
//!
//! It is never in the way: it can be deleted at any time, and where it cannot be written the run goes on without. A line is
//! written before the run that made a target counts as ended, and any other soon after, so a kill at any instant loses no
//! more than what nothing was made by. What was cut by a kill ends where it was cut.

mod history;
mod line;

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::hash::BuildHasherDefault;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant, SystemTime};

use self::history::{History, Record};
pub use self::line::{
    Began, Cached, Ended, FORMAT, Function, Given, Head, Input, Line, Over, Removed, Source, There, Why, of_inputs,
    read,
};
use crate::context::AsIs;
use crate::fingerprint::{Fingerprint, of_bytes};
use crate::flow::Flow;
use crate::mode::Mode;
use crate::report::say;
use crate::run::Key;
use crate::stale::{Maker, Reasons};
use crate::store::{Entry, Stamp, of_file};
use crate::target::Location;
use crate::task::Task;

/// Where a journal is, if nothing else is said.
pub const DIRECTORY: &str = ".pipex";

/// The journals below this directory, from the first run to the last.
///
/// # Errors
/// When the directory cannot be read. One that is not there has no runs.
pub fn runs(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut runs = Vec::new();
    // In this order, so that one that ends meanwhile is met at least once.
    for part in [LIVE, RUNS] {
        match fs::read_dir(directory.join(part)) {
            Ok(entries) => {
                for entry in entries {
                    runs.push(entry?.path());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    runs.retain(|run| run.extension().is_some_and(|extension| extension == "jsonl"));
    // A run that ended meanwhile may be there twice.
    runs.sort_by(|a, b| a.file_name().cmp(&b.file_name()));
    runs.dedup_by(|a, b| a.file_name() == b.file_name());
    Ok(runs)
}

const LIVE: &str = "live";
const RUNS: &str = "runs";

/// Where the journal of a scope is.
#[derive(Debug, Clone, Default)]
pub(crate) enum Whereabouts {
    /// Where the environment says.
    #[default]
    Environment,
    Nowhere,
    At(Arc<Path>),
}

impl Whereabouts {
    fn directory(&self) -> Option<Cow<'_, Path>> {
        match self {
            Whereabouts::Nowhere => None,
            Whereabouts::At(path) => Some(Cow::Borrowed(path)),
            Whereabouts::Environment => match std::env::var_os("PIPEX_JOURNAL") {
                Some(path) if path == "off" => None,
                Some(path) if !path.is_empty() => Some(Cow::Owned(path.into())),
                _ => Some(Cow::Borrowed(Path::new(DIRECTORY))),
            },
        }
    }
}

/// The journal of a run, and what is known from those before it.
pub struct Journal {
    directory: PathBuf,
    flow: Option<&'static Flow>,
    mode: Mode,
    started: Instant,
    started_at: SystemTime,
    roots: OnceLock<Roots>,
    writer: Arc<Mutex<Writer>>,
    /// Whether a thread flushes it now and then.
    flushes: AtomicBool,
    history: OnceLock<History>,
    /// What was found since.
    found: Mutex<History>,
    has_found: AtomicBool,
    /// What lies at the paths that were arguments.
    sources: Mutex<HashMap<PathBuf, Option<Fingerprint>>>,
    warnings: Mutex<Vec<Warning>>,
}

/// What relative targets are relative to, and where the journal is.
#[derive(Debug, Clone)]
struct Roots {
    /// The directory that the journal is in.
    root: String,
    /// What stands before a relative target to make it one from there.
    prefix: String,
}

/// Stale outputs of a task function that were taken.
struct Warning {
    task: &'static Task,
    count: usize,
    example: Location,
    reasons: Reasons,
}

#[derive(Default)]
struct Writer {
    file: Option<File>,
    path: PathBuf,
    buffer: Vec<u8>,
    /// The numbers of task functions, by their addresses.
    tasks: HashMap<usize, u32, BuildHasherDefault<AsIs>>,
    /// It cannot be written, or is not to be.
    off: bool,
    flusher: Option<Thread>,
}

/// Enough that writing costs little beside filling it.
const BUFFER: usize = 64 << 10;
/// How long a line that is not urgent may wait.
const DELAY: Duration = Duration::from_millis(50);

/// The journals of calls outside flows, by their directories and whether they are of dry runs: they last as long as the process.
type Outside = HashMap<(PathBuf, bool), Arc<Journal>>;
static OUTSIDE: LazyLock<Mutex<Outside>> = LazyLock::new(Mutex::default);

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Journal {
    /// The journal of calls outside flows.
    pub(crate) fn outside(at: &Whereabouts, mode: Mode, dry: bool) -> Option<Arc<Self>> {
        let key = (at.directory()?.into_owned(), dry);
        let mut all = lock(&OUTSIDE);
        if let Some(journal) = all.get(&key) {
            return Some(Arc::clone(journal));
        }
        let journal = Arc::new(Journal::new(at, None, mode, dry)?);
        all.insert(key, Arc::clone(&journal));
        Some(journal)
    }

    /// The journal of a command that changes what is there, such as `pipex rm`, run in the directory that `directory` is in.
    #[must_use]
    pub fn of_command(directory: &Path) -> Self {
        Self::begin(directory.to_owned(), None, Mode::DoNothing, false)
    }

    /// The journal of a run that starts now; in mode `do_nothing` there is none.
    pub(crate) fn new(at: &Whereabouts, flow: Option<&'static Flow>, mode: Mode, dry: bool) -> Option<Self> {
        let directory = at.directory().filter(|_| mode != Mode::DoNothing)?.into_owned();
        Some(Self::begin(directory, flow, mode, dry))
    }

    fn begin(directory: PathBuf, flow: Option<&'static Flow>, mode: Mode, dry: bool) -> Self {
        Journal {
            directory,
            flow,
            mode,
            started: Instant::now(),
            started_at: SystemTime::now(),
            roots: OnceLock::new(),
            writer: Arc::new(Mutex::new(Writer { off: dry, ..Writer::default() })),
            flushes: AtomicBool::new(false),
            history: OnceLock::new(),
            found: Mutex::default(),
            has_found: AtomicBool::new(false),
            sources: Mutex::default(),
            warnings: Mutex::default(),
        }
    }

    /// What tells a target from all others, of whatever store: the same in each run, and wherever the project is moved to.
    pub(crate) fn key(&self, store: &str, target: &Location) -> Key {
        let Roots { root, prefix } = self.roots();
        key(root, prefix, store, target.as_str())
    }

    fn roots(&self) -> &Roots {
        self.roots.get_or_init(|| Roots::of(&self.directory))
    }

    /// What is known of the place.
    fn known(&self, key: Key) -> Option<Record> {
        let found = self.has_found.load(Ordering::Acquire).then(|| lock(&self.found).find(key)).flatten();
        found.or_else(|| self.history().find(key)).map(|(_, record)| record)
    }

    /// What was known when this run began, or was known first.
    fn history(&self) -> &History {
        self.history.get_or_init(|| self.read_history())
    }

    /// The number of the place among all that were known when this run began: runs meet them in about this order.
    pub(crate) fn number(&self, key: Key) -> Option<usize> {
        self.history().find(key).map(|(number, _)| number)
    }

    /// What made the output that the journal knows at this place.
    pub(crate) fn expected(&self, key: Key) -> Option<(Fingerprint, Maker)> {
        self.known(key).map(|record| (record.content, record.maker))
    }

    /// What lies at the place, as far as the journal knows.
    pub(crate) fn content(&self, key: Key) -> Option<Fingerprint> {
        self.known(key).map(|record| record.content)
    }

    /// What lies at the place, and what made it. Where the stamp is another than the journal's, its content decides.
    pub(crate) fn there(
        &self,
        key: Key,
        stamp: Stamp,
        look: impl FnOnce() -> Option<Entry>,
    ) -> (Fingerprint, Maker, Option<There>) {
        let known = self.known(key);
        if let Some(record) = known.filter(|record| record.stamp == stamp) {
            return (record.content, record.maker, None);
        }
        let mut there = There::new(NONE, stamp, 0);
        let mut maker = Maker::default();
        if let Some(Entry { content, made, stamp, bytes, .. }) = look() {
            there = There::new(content.unwrap_or(NONE), stamp, bytes);
            match (made, known) {
                (Some(made), _) => {
                    there = there.made_by(made.code, made.arguments, made.inputs);
                    maker = Maker::new(made.code, made.arguments, made.inputs);
                }
                // Another file of the same content, such as a copy.
                (None, Some(record)) if record.content == there.content && there.content != NONE => {
                    maker = record.maker
                }
                _ => {}
            }
        }
        self.find_again(key, there, maker);
        (there.content, maker, Some(there))
    }

    /// Takes down what lies at a place.
    pub(crate) fn found(&self, key: Key, there: There) {
        self.find_again(key, there, Maker::new(there.code, there.arguments, there.inputs));
    }

    fn find_again(&self, key: Key, there: There, maker: Maker) {
        let found = self.now();
        let record = Record { key, stamp: Stamp::new(there.stamp), content: there.content, maker, found };
        lock(&self.found).add(record);
        self.has_found.store(true, Ordering::Release);
    }

    /// Nanoseconds since 1970, by this run's clock.
    fn now(&self) -> u64 {
        let started = self.started_at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        (started + self.started.elapsed()).as_nanos() as u64
    }

    /// Seconds since this run started.
    pub(crate) fn at(&self, instant: Instant) -> f64 {
        instant.saturating_duration_since(self.started).as_secs_f64()
    }

    /// What lies at a path that is an argument, zero if it cannot be read; `None` if it is no file.
    pub(crate) fn source(&self, path: &Path) -> Option<Fingerprint> {
        if let Some(known) = lock(&self.sources).get(path) {
            return *known;
        }
        let content = self.look_at(path);
        lock(&self.sources).insert(path.to_owned(), content);
        content
    }

    fn look_at(&self, path: &Path) -> Option<Fingerprint> {
        let metadata = fs::metadata(path).ok().filter(fs::Metadata::is_file)?;
        let stamp = Stamp::of(&metadata);
        let location = Location::new(path.to_str()?);
        let key = self.key("source:", &location);
        if let Some(record) = self.known(key).filter(|record| record.stamp == stamp) {
            return Some(record.content);
        }
        let Ok(content) = File::open(path).and_then(|mut file| of_file(&mut file)) else {
            return Some(NONE);
        };
        let path = location.as_str().into();
        self.found(key, There::new(content, stamp, metadata.len()));
        self.write(None, false, |_| Line::Source(Source { path, stamp: stamp.get(), content }));
        Some(content)
    }

    /// A run begins to make a target.
    pub(crate) fn began(&self, task: &'static Task, target: &Location, store: &str, at: Instant) {
        let at = self.at(at);
        let line = |task| Line::Began(Began { task, target: target.as_str().into(), store: store.into(), at });
        self.write(Some(task), false, line);
        // From now on there is something to be told of soon.
        if self.flow.is_some() && !self.flushes.swap(true, Ordering::Relaxed) {
            let flusher = flush_now_and_then(Arc::downgrade(&self.writer));
            // Without it, lines that are not urgent wait until there are enough of them.
            let flusher = thread::Builder::new().name("pipex-journal".to_owned()).spawn(flusher);
            lock(&self.writer).flusher = flusher.ok().map(|flusher| flusher.thread().clone());
        }
    }

    /// A run need not run.
    pub(crate) fn cached(&self, task: &'static Task, target: &Location, store: &str) {
        let line = |task| Line::Cached(Cached { task, target: target.as_str().into(), store: store.into() });
        self.write(Some(task), false, line);
    }

    /// A stale output was taken.
    pub(crate) fn warn(&self, task: &'static Task, target: &Location, reasons: Reasons) {
        let mut warnings = lock(&self.warnings);
        match warnings.iter_mut().find(|warning| std::ptr::eq(warning.task, task)) {
            Some(warning) => {
                warning.count += 1;
                warning.reasons = warning.reasons.and(reasons);
            }
            None => {
                warnings.push(Warning { task, count: 1, example: target.clone(), reasons });
                // Outside flows nothing ends.
                if self.flow.is_none() {
                    warnings.iter().filter(|warning| std::ptr::eq(warning.task, task)).for_each(Warning::say);
                }
            }
        }
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
    pub(crate) fn write<'l>(&self, task: Option<&'static Task>, urgent: bool, line: impl FnOnce(u32) -> Line<'l>) {
        let mut writer = lock(&self.writer);
        if writer.off {
            return;
        }
        if writer.file.is_none()
            && let Err(error) = writer.open(self, task)
        {
            writer.off = true;
            say(&format!("cannot keep a journal in {}, and goes on without: {error}", self.directory.display()));
            return;
        }
        let number = task.map_or(0, |task| writer.number(task));
        writer.append(&line(number));
        if urgent || self.flow.is_none() || writer.buffer.len() >= BUFFER {
            writer.flush();
        }
    }

    /// The run has ended: says what was stale, and adds what was found to the sum of all journals.
    pub fn close(&self) {
        lock(&self.warnings).drain(..).for_each(|warning| warning.say());
        let mut writer = lock(&self.writer);
        if writer.file.is_none() || writer.off {
            return;
        }
        writer.append(&Line::Over(Over { elapsed: self.started.elapsed().as_secs_f64() }));
        writer.flush();
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

    /// Adds what this run found, and what runs that were killed had found, to the sum.
    fn settle(&self, own: &Path, found: &History) -> io::Result<()> {
        let gate = OpenOptions::new().append(true).create(true).open(self.directory.join("lock"))?;
        gate.lock()?;
        let mut ended = vec![own.to_owned()];
        for journal in journals(&self.directory.join(LIVE))? {
            // Whoever writes it holds its lock.
            if journal != own && File::open(&journal).is_ok_and(|file| file.try_lock().is_ok()) {
                ended.push(journal);
            }
        }
        if !found.is_empty() || ended.len() > 1 {
            let mut sum = self.read_sum();
            found.records().for_each(|record| sum.add(record));
            for journal in &ended[1..] {
                self.records(journal, |record| sum.add(record));
            }
            sum.write(&self.directory.join(INDEX))?;
        }
        fs::create_dir_all(self.directory.join(RUNS))?;
        for journal in &ended {
            fs::rename(journal, self.directory.join(RUNS).join(journal.file_name().unwrap_or_default()))?;
        }
        Ok(())
    }

    /// The sum, and what the journals have that are not in it yet.
    fn read_history(&self) -> History {
        let mut history = self.read_sum();
        for journal in journals(&self.directory.join(LIVE)).unwrap_or_default() {
            self.records(&journal, |record| history.add(record));
        }
        history
    }

    /// The sum of all journals of runs that have ended.
    fn read_sum(&self) -> History {
        History::read(&self.directory.join(INDEX)).unwrap_or_else(|| {
            let mut sum = History::default();
            for journal in journals(&self.directory.join(RUNS)).unwrap_or_default() {
                self.records(&journal, |record| sum.add(record));
            }
            sum
        })
    }

    /// What a journal has found.
    fn records(&self, journal: &Path, mut each: impl FnMut(Record)) {
        let Roots { root, .. } = self.roots();
        let (mut prefix, mut started) = (String::new(), 0);
        // What cannot be read says nothing.
        let _ = read(journal, |line| {
            let (key, there, at) = match &line {
                Line::Run(head) => {
                    prefix = head.prefix.clone().into_owned();
                    let moment: Option<jiff::Timestamp> = head.started.parse().ok();
                    started = moment.map_or(0, |moment| moment.as_nanosecond() as u64);
                    return;
                }
                Line::Ended(ended) => {
                    let (Some(there), Some(target)) = (ended.there, &ended.target) else { return };
                    (key(root, &prefix, &ended.store, target), there, ended.at + ended.elapsed)
                }
                Line::Source(Source { path, stamp, content }) => {
                    (key(root, &prefix, "source:", path), There::new(*content, Stamp::new(*stamp), 0), 0.0)
                }
                _ => return,
            };
            each(Record {
                key,
                stamp: Stamp::new(there.stamp),
                content: there.content,
                maker: Maker::new(there.code, there.arguments, there.inputs),
                found: started + (at * 1e9) as u64,
            });
        });
    }
}

/// Sees to it that what is said is with the system soon, also while a task takes its time.
fn flush_now_and_then(writer: Weak<Mutex<Writer>>) -> impl FnOnce() {
    move || {
        loop {
            thread::park_timeout(DELAY);
            let Some(writer) = writer.upgrade() else { return };
            let mut writer = lock(&writer);
            if writer.off {
                return;
            }
            writer.flush();
        }
    }
}

const INDEX: &str = "index";
const NONE: Fingerprint = Fingerprint::new(0);

fn journals(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut journals = entries.map(|entry| Ok(entry?.path())).collect::<io::Result<Vec<_>>>()?;
    journals.sort();
    Ok(journals)
}

/// The key of a target where there is no journal.
pub(crate) fn key_of(store: &str, target: &Location) -> Key {
    key("", "", store, target.as_str())
}

fn key(root: &str, prefix: &str, store: &str, target: &str) -> Key {
    let target = match target.strip_prefix(root) {
        Some(within) if within.starts_with('/') => &within[1..],
        _ if prefix.is_empty() || target.starts_with('/') => target,
        _ => return of_bytes(format!("{store}\0{prefix}{target}").as_bytes()),
    };
    if store.is_empty() {
        return of_bytes(target.as_bytes());
    }
    of_bytes(format!("{store}\0{target}").as_bytes())
}

impl Roots {
    fn of(directory: &Path) -> Self {
        let here = std::env::current_dir().unwrap_or_default();
        let root = here.join(directory).parent().map(|root| root.to_string_lossy().into_owned()).unwrap_or_default();
        let here = here.to_string_lossy();
        let prefix = match here.strip_prefix(&root) {
            Some("") => String::new(),
            Some(within) if within.starts_with('/') => format!("{}/", &within[1..]),
            _ => format!("{here}/"),
        };
        Roots { root, prefix }
    }
}

impl Warning {
    fn say(&self) {
        let Warning { task, count, example, reasons } = self;
        let outputs = match count {
            1 => format!("a stale output was taken, {example}"),
            _ => format!("{count} stale outputs were taken, such as {example}"),
        };
        say(&format!(
            "{name}: {outputs} (changed: {reasons}); to have them made again: pipex rm --task {name} --stale --downstream",
            name = task.funcname
        ));
    }
}

impl Writer {
    fn open(&mut self, journal: &Journal, task: Option<&'static Task>) -> io::Result<()> {
        let live = journal.directory.join(LIVE);
        let ignore = journal.directory.join(".gitignore");
        fs::create_dir_all(&live)?;
        if !ignore.exists() {
            fs::write(ignore, "*\n")?;
        }
        let started = jiff::Timestamp::try_from(journal.started_at).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let flow = journal.flow.map(|flow| flow.name);
        let program = std::env::args_os().next().map(PathBuf::from);
        let program = program.as_ref().and_then(|program| program.file_stem()).unwrap_or_default().to_string_lossy();
        let process = std::process::id();
        let stem: String =
            flow.unwrap_or(&program).chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect();
        let (file, path) = (0..)
            .map(|number: u32| {
                let number = if number == 0 { String::new() } else { format!("-{number}") };
                let run = format!("{}-{stem}-{process}{number}.jsonl", started.strftime("%Y%m%d-%H%M%S.%3f"));
                let ended = journal.directory.join(RUNS).join(&run);
                if ended.exists() {
                    return Err(io::ErrorKind::AlreadyExists.into());
                }
                let path = live.join(run);
                let file = OpenOptions::new().append(true).create_new(true).open(&path)?;
                Ok((file, path))
            })
            .find(|opened: &io::Result<_>| {
                opened.as_ref().err().is_none_or(|error| error.kind() != io::ErrorKind::AlreadyExists)
            })
            .expect("there is no end of numbers")?;
        file.lock()?;
        (self.file, self.path) = (Some(file), path);
        self.append(&Line::Run(Head {
            format: FORMAT,
            pipex: env!("CARGO_PKG_VERSION").into(),
            flow: flow.map(Cow::Borrowed),
            program,
            version: journal.flow.map_or_else(|| task?.package, |flow| flow.package).map(Cow::Borrowed),
            mode: journal.mode.as_str().into(),
            started: started.to_string().into(),
            process,
            host: gethostname::gethostname().to_string_lossy(),
            directory: std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned().into(),
            prefix: journal.roots().prefix.as_str().into(),
        }));
        Ok(())
    }

    fn append(&mut self, line: &Line<'_>) {
        // Into memory, and of types that can be written.
        let _ = serde_json::to_writer(&mut self.buffer, line);
        self.buffer.push(b'\n');
    }

    fn flush(&mut self) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = file.write_all(&self.buffer) {
            self.off = true;
            say(&format!("cannot write to the journal {}, and goes on without: {error}", self.path.display()));
        }
        self.buffer.clear();
    }

    /// The number of the task function in this journal, which says what it is the first time.
    fn number(&mut self, task: &'static Task) -> u32 {
        let number = self.tasks.len() as u32;
        match self.tasks.entry(std::ptr::from_ref(task).addr()) {
            std::collections::hash_map::Entry::Occupied(entry) => return *entry.get(),
            std::collections::hash_map::Entry::Vacant(entry) => _ = entry.insert(number),
        }
        self.append(&Line::Task(Function {
            task: number,
            name: task.funcname.into(),
            module: task.module.into(),
            file: task.file.into(),
            line: task.line,
            code: task.code,
        }));
        number
    }
}

/// The number of this thread, counted from 0 as threads first say something.
pub(crate) fn worker() -> u32 {
    static WORKERS: AtomicU32 = AtomicU32::new(0);
    thread_local! {
        static WORKER: u32 = WORKERS.fetch_add(1, Ordering::Relaxed);
    }
    WORKER.with(|worker| *worker)
}
