//! The file of a run's journal.

use std::borrow::Cow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::fs::{self, File, OpenOptions};
use std::hash::BuildHasherDefault;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{LazyLock, Mutex, Weak};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use super::json;
use super::line::{Began, Ended, FORMAT, Function, Head, Line, Over};
use super::reader::LONGEST_LINE;
use super::{Journal, LIVE, RUNS, lock};
use crate::model::fingerprint::{AsIs, Fingerprint, fingerprint_process};
use crate::model::state::State;
use crate::model::target::Location;
use crate::model::task::Task;
use crate::say::say;

#[derive(Default)]
pub(super) struct Writer {
    pub(super) file: Option<File>,
    pub(super) path: PathBuf,
    /// Where all journals are.
    directory: PathBuf,
    buffer: Vec<u8>,
    /// The numbers of task functions, by their addresses.
    tasks: HashMap<usize, u32, BuildHasherDefault<AsIs>>,
    /// It cannot be written, or is not to be.
    pub(super) off: bool,
    pub(super) flusher: Option<Thread>,
    /// The runs that make a target, by their numbers, in the order of which they began.
    running: HashMap<u64, Running, BuildHasherDefault<AsIs>>,
    began: u64,
}

/// A run that makes a target.
pub(super) struct Running {
    pub(super) task: &'static Task,
    pub(super) target: Location,
    pub(super) store: Box<str>,
    pub(super) at: f64,
    pub(super) is_told: bool,
    /// The most memory in bytes that the process was seen to have since it began.
    pub(super) memory: u64,
}

/// What tells this run of the program from all others.
static INVOCATION: LazyLock<Fingerprint> = LazyLock::new(fingerprint_process);

/// Enough that writing costs little beside filling it.
const BUFFER: usize = 64 << 10;
/// How long a line that is not urgent may wait, and how long a run may take before it is told of.
const DELAY: Duration = Duration::from_millis(50);

impl Writer {
    /// One that has no file yet; if it is `off`, it will have none.
    pub(super) fn new(off: bool) -> Self {
        Writer { off, ..Self::default() }
    }

    pub(super) fn open(&mut self, journal: &Journal, task: Option<&'static Task>) -> io::Result<()> {
        let live = journal.directory.join(LIVE);
        fs::create_dir_all(&live)?;
        // Also if it is a link: what it leads to is somebody else's.
        if let Ok(mut ignore) =
            OpenOptions::new().write(true).create_new(true).open(journal.directory.join(".gitignore"))
        {
            ignore.write_all(b"*\n")?;
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
        (self.file, self.path, self.directory) = (Some(file), path, journal.directory.clone());
        self.append(&Line::Run(Head {
            format: FORMAT,
            pipex: env!("CARGO_PKG_VERSION").into(),
            flow: flow.map(Cow::Borrowed),
            program,
            version: journal.flow.map_or_else(|| task?.package, |flow| flow.package).map(Cow::Borrowed),
            mode: journal.mode.as_str().into(),
            started: started.to_string().into(),
            process,
            invocation: Some(*INVOCATION),
            host: gethostname::gethostname().to_string_lossy(),
            directory: std::env::current_dir().unwrap_or_default().to_string_lossy().into_owned().into(),
            prefix: journal.roots().prefix.as_str().into(),
            parameters: journal.parameters.clone(),
            asked: journal.asked.iter().map(|asked| asked.as_str().into()).collect(),
        }));
        Ok(())
    }

    pub(super) fn append(&mut self, line: &Line<'_>) {
        if let Line::Ended(ended) = line {
            return self.append_ended(ended);
        }
        json::append(line, &mut self.buffer);
        self.buffer.push(b'\n');
    }

    pub(super) fn append_ended(&mut self, ended: &Ended<'_>) {
        let start = self.buffer.len();
        json::append_ended(ended, &mut self.buffer);
        self.buffer.push(b'\n');
        // Of what takes more than 100,000 outputs, what made it is known, and not from which.
        if (self.buffer.len() - start) as u64 > LONGEST_LINE {
            self.buffer.truncate(start);
            let shortened = Ended { given: Vec::new(), recorded: Vec::new(), ..ended.clone() };
            json::append_ended(&shortened, &mut self.buffer);
            self.buffer.push(b'\n');
        }
    }

    pub(super) fn flush(&mut self) {
        let Some(file) = &mut self.file else { return };
        if let Err(error) = file.write_all(&self.buffer) {
            self.off = true;
            say(&format!("cannot write to the journal {}, and goes on without: {error}", self.path.display()));
        }
        self.buffer.clear();
    }

    /// The last line: the run ended like this, after so long. Whether there is a journal to say it in.
    pub(super) fn end(&mut self, elapsed: Duration, state: State) -> bool {
        if self.file.is_none() || self.off {
            return false;
        }
        self.append(&Line::Over(Over { elapsed: elapsed.as_secs_f64(), state: Some(state) }));
        self.flush();
        true
    }

    /// A run begins. It is told of only if it takes its time; what ends soon is told of then.
    pub(super) fn began(&mut self, running: Running) -> u64 {
        self.began += 1;
        self.running.insert(self.began, running);
        self.began
    }

    pub(super) fn ended(&mut self, number: u64) -> u64 {
        self.running.remove(&number).map_or(0, |run| run.memory)
    }

    /// Tells of the runs that began before this, and have not been told of.
    pub(super) fn record_running(&mut self, before: f64) {
        let mut running = std::mem::take(&mut self.running);
        let untold = running.iter_mut().filter(|(_, run)| !run.is_told && run.at < before);
        for (_, run) in BTreeMap::from_iter(untold) {
            let task = self.number(run.task);
            let (target, store) = (run.target.as_str().into(), (&*run.store).into());
            self.append(&Line::Began(Began { task, target, store, at: run.at }));
            run.is_told = true;
        }
        self.running = running;
    }

    /// Looks how much memory the process has, for those that run now.
    fn watch_memory(&mut self) {
        let Some(memory) = (!self.running.is_empty()).then(resident_memory).flatten() else { return };
        self.running.values_mut().for_each(|run| run.memory = run.memory.max(memory));
    }

    /// Whether so much is in memory that it is to be written.
    pub(super) fn is_full(&self) -> bool {
        self.buffer.len() >= BUFFER
    }

    /// The number of the task function in this journal, which says what it is the first time.
    pub(super) fn number(&mut self, task: &'static Task) -> u32 {
        let number = self.tasks.len() as u32;
        match self.tasks.entry(std::ptr::from_ref(task).addr()) {
            Entry::Occupied(entry) => return *entry.get(),
            Entry::Vacant(entry) => _ = entry.insert(number),
        }
        let helpers = task.source.helpers();
        self.append(&Line::Task(Function {
            task: number,
            name: task.funcname.into(),
            module: task.module.into(),
            file: task.file.into(),
            line: task.line,
            code: task.code,
            helpers: helpers.iter().map(|helper| helper.as_used()).collect(),
        }));
        helpers.into_iter().chain([&task.source]).for_each(|code| code.keep_text(&self.directory));
        number
    }
}

/// Sees to it that what is said is with the system soon, also while a task takes its time.
pub(super) fn flush_now_and_then(writer: Weak<Mutex<Writer>>, started: Instant) -> impl FnOnce() {
    move || {
        loop {
            thread::park_timeout(DELAY);
            let Some(writer) = writer.upgrade() else { return };
            let mut writer = lock(&writer);
            if writer.off {
                return;
            }
            writer.watch_memory();
            writer.record_running((started.elapsed().saturating_sub(DELAY)).as_secs_f64());
            writer.flush();
        }
    }
}

/// The bytes of memory that the process has, where the system tells.
fn resident_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"))?;
    Some(kilobytes.parse::<u64>().ok()? * 1024)
}

/// The number of this thread, counted from 0 as threads first say something.
pub fn worker() -> u32 {
    static WORKERS: AtomicU32 = AtomicU32::new(0);
    thread_local! {
        static WORKER: u32 = WORKERS.fetch_add(1, Ordering::Relaxed);
    }
    WORKER.with(|worker| *worker)
}

/// The host, this process and this thread, as a process elsewhere would call them.
#[must_use]
pub fn name_worker() -> String {
    format!("{} {} {}", gethostname::gethostname().to_string_lossy(), std::process::id(), worker())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journal::{Given, Input, There, Why, read};
    use crate::store::Stamp;

    #[test]
    fn a_line_that_would_be_too_long_is_written_without_its_arguments() {
        let mut given = Given::new("outputs");
        let input = |number: u32| Input::new(format!("{number}{}", "x".repeat(1_000)), String::new(), None);
        given.inputs = (0..20_000).map(input).collect();
        let there = There::new(Fingerprint::new(7), Stamp::new(7), 7);
        let mut line = Ended::by_command(0, "out/all".into(), "".into(), Why::Missing, there);
        line.given = vec![given];
        let mut writer = Writer::new(false);
        writer.append(&Line::Ended(Box::new(line)));
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), &writer.buffer).unwrap();
        let mut contents = Vec::new();
        read(file.path(), |line| {
            let Line::Ended(ended) = line else { panic!("{line:?}") };
            assert!(ended.given.is_empty());
            contents.push(ended.there.unwrap().content);
        })
        .unwrap();
        assert_eq!(contents, [Some(Fingerprint::new(7))]);
    }
}
