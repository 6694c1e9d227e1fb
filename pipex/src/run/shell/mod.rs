//! Commands of the shell, as bodies of tasks.

mod error;
mod group;
mod script;
mod words;

use std::io::{self, BufRead as _, BufReader, Read};
use std::process::{Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use tracing::Span;

pub use self::error::ShellError;
use self::group::Group;
pub(crate) use self::group::stop;
use self::script::Script;
pub use self::script::ShellField;
pub use self::words::{NoWords, ShellValue, WordsAsTyped, WordsByDisplay};
use crate::run::context::Context;

/// How long a command that is stopped has to end by itself.
const MOMENT: Duration = Duration::from_secs(2);
/// The last bytes of stderr that are kept.
const TAIL: usize = 64 << 10;
/// The longest line that is logged as one.
const LINE: u64 = 8 << 10;

/// Runs a command: pieces of text, with a field between each two.
pub fn run_shell(pieces: &[&str], fields: Vec<ShellField>) -> Result<(), ShellError> {
    execute(&Script::new(pieces, fields)?, false).map(drop)
}

/// The same, and gives what it writes to stdout.
pub fn read_shell(pieces: &[&str], fields: Vec<ShellField>) -> Result<String, ShellError> {
    let script = Script::new(pieces, fields)?;
    let stdout = execute(&script, true)?;
    String::from_utf8(stdout).map_err(|_| ShellError::NotText { command: script.shown })
}

/// What its threads say.
enum Event {
    /// The process of the shell is gone.
    Exited,
    /// All that was written there has been read; with what is kept of it.
    Stdout(Vec<u8>),
    Stderr(Vec<u8>),
}

/// What has come of a command so far.
#[derive(Default)]
struct Ended {
    exited: bool,
    stdout: Option<Vec<u8>>,
    stderr: Option<Vec<u8>>,
}

/// Runs it to its end; what it wrote to stdout, if that is kept.
fn execute(script: &Script, keep: bool) -> Result<Vec<u8>, ShellError> {
    let limit = Context::current().and_then(|context| context.limit.clone());
    let timed_out = |stderr| ShellError::TimedOut { command: script.shown.clone(), stderr };
    // Whoever waits for the end of the body waits for the end of the command.
    let _hold = match &limit {
        Some(limit) => Some(limit.hold().ok_or_else(|| timed_out(String::new()))?),
        None => None,
    };
    let failed = |source| ShellError::Start { command: script.shown.clone(), source };
    let mut group = start(script).map_err(failed)?;
    let events = watch(&mut group, keep).map_err(failed)?;
    let mut ended = Ended::default();
    let in_time = ended.receive(&events, limit.as_ref().map(|limit| limit.deadline()));
    if !in_time {
        group.terminate();
        if !ended.receive(&events, Some(Instant::now() + MOMENT)) {
            group.kill();
            ended.receive(&events, Some(Instant::now() + MOMENT));
        }
    }
    let status = group.end().map_err(failed)?;
    let stderr = script::printable(&ended.stderr.unwrap_or_default());
    match (in_time, status.success()) {
        (false, _) => Err(timed_out(stderr)),
        (true, false) => Err(ShellError::Failed { command: script.shown.clone(), status, stderr }),
        (true, true) => Ok(ended.stdout.unwrap_or_default()),
    }
}

impl Ended {
    /// Takes what comes until it has ended; whether it has by then.
    fn receive(&mut self, events: &Receiver<Event>, until: Option<Instant>) -> bool {
        while !(self.exited && self.stdout.is_some() && self.stderr.is_some()) {
            let event = match until {
                Some(until) => events.recv_timeout(until.saturating_duration_since(Instant::now())),
                None => events.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            match event {
                Ok(Event::Exited) => self.exited = true,
                Ok(Event::Stdout(text)) => self.stdout = Some(text),
                Ok(Event::Stderr(text)) => self.stderr = Some(text),
                Err(RecvTimeoutError::Timeout) => return false,
                // What a subscriber of the user's has panicked over is all that can be missing.
                Err(RecvTimeoutError::Disconnected) => return true,
            }
        }
        true
    }
}

/// Starts it, by the shell there is.
fn start(script: &Script) -> io::Result<Group> {
    match Group::start(&mut command("bash", script)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Group::start(&mut command("sh", script)),
        started => started,
    }
}

fn command(shell: &str, script: &Script) -> Command {
    let mut command = Command::new(shell);
    // The second `shell` is the name under which it complains.
    command.args(["-euo", "pipefail", "-c", &script.text, shell]).args(&script.values);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Has threads read what it writes, and wait for its end.
fn watch(group: &mut Group, keep: bool) -> io::Result<Receiver<Event>> {
    let (sender, events) = channel();
    let (stdout, stderr) = group.outputs();
    let span = Span::current();
    let exited = group.exited();
    spawn("stdout", &sender, &span, move || {
        let mut kept = Vec::new();
        let whole = |mut stdout| match keep {
            true => _ = Read::read_to_end(&mut stdout, &mut kept),
            false => each_line(stdout, log),
        };
        stdout.into_iter().for_each(whole);
        Event::Stdout(kept)
    })?;
    spawn("stderr", &sender, &span, move || {
        let mut tail = Vec::new();
        let mut keep_last = |line: &[u8]| {
            log(line);
            tail.extend_from_slice(line);
            if tail.len() > 2 * TAIL {
                tail.drain(..tail.len() - TAIL);
            }
        };
        stderr.into_iter().for_each(|stderr| each_line(stderr, &mut keep_last));
        tail.drain(..tail.len().saturating_sub(TAIL));
        Event::Stderr(tail)
    })?;
    spawn("exit", &sender, &span, move || {
        exited();
        Event::Exited
    })?;
    Ok(events)
}

fn spawn(
    name: &str,
    events: &Sender<Event>,
    span: &Span,
    work: impl FnOnce() -> Event + Send + 'static,
) -> io::Result<()> {
    let (events, span) = (events.clone(), span.clone());
    let thread = thread::Builder::new().name(format!("pipex-shell-{name}"));
    // If it is not waited for any longer, nobody needs it.
    thread.spawn(move || _ = events.send(span.in_scope(work))).map(drop)
}

fn log(line: &[u8]) {
    tracing::info!(target: "pipex::shell", "{}", String::from_utf8_lossy(line.trim_ascii_end()));
}

fn each_line(source: impl Read, mut then: impl FnMut(&[u8])) {
    let (mut source, mut line) = (BufReader::new(source), Vec::new());
    while source.by_ref().take(LINE).read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        then(&line);
        line.clear();
    }
}
