//! Hooks: who is told when a flow run has ended, or has not ended well. None of them can fail the run, or hold it up.

use std::io::{self, Write as _};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::flow::summary::Summary;
use crate::run::hook::Hook;
use crate::run::report::{FlowRun, Reporter, TaskRun};
use pipex_format::model::state::State;
use pipex_format::model::target::Location;
use pipex_format::say::say;
use pipex_format::wire::{Notice, NoticedFailure};

/// So long a hook may take.
const LIMIT: Duration = Duration::from_secs(5);
/// How often it is looked whether it has ended.
const LOOK: Duration = Duration::from_millis(10);
/// The most failures that are listed.
const MAX_FAILURES: usize = 20;

/// Takes down what becomes of a flow run, and tells the hooks at its end.
pub(super) struct Notifier {
    hooks: Arc<[Hook]>,
    started: Instant,
    summary: Summary,
    notice: Mutex<Notice>,
}

impl Notifier {
    pub(super) fn new(hooks: Arc<[Hook]>, flow: &str) -> Self {
        let (started, summary) = (Instant::now(), Summary::new());
        Notifier { hooks, started, summary, notice: Mutex::new(Notice::new(flow)) }
    }

    /// The flow run has ended.
    pub(super) fn tell(&self, run: Option<String>) {
        let mut notice = self.notice.lock().unwrap_or_else(PoisonError::into_inner).clone();
        (notice.run, notice.seconds) = (run, self.started.elapsed().as_secs_f64());
        notice.tasks = self.summary.noticed();
        let notice = Arc::new(notice);
        for hook in self.hooks.iter() {
            let told = match hook {
                _ if notice.state == State::Completed && !hook.wants_all() => Ok(()),
                Hook::Function(function) => call(Arc::clone(function), Arc::clone(&notice)),
                Hook::Command { line, .. } => run_command(line, notice.to_json()),
            };
            if let Err(problem) = told {
                say(&format!("the end of the flow run was not told: {hook} {problem}"));
            }
        }
    }
}

impl Reporter for Notifier {
    fn task_run(&self, run: &TaskRun<'_>) {
        self.summary.task_run(run);
        let Some(error) = run.error.filter(|_| run.state.is_failure()) else { return };
        let mut notice = self.notice.lock().unwrap_or_else(PoisonError::into_inner);
        if notice.failures.len() == MAX_FAILURES {
            notice.more_failures += 1;
            return;
        }
        let target = run.target.map(Location::to_string);
        notice.failures.push(NoticedFailure::new(run.name(), target, run.state, format!("{error:?}")));
    }

    fn flow_ended(&self, run: &FlowRun<'_>) {
        if run.depth == 0 {
            let mut notice = self.notice.lock().unwrap_or_else(PoisonError::into_inner);
            (notice.state, notice.error) = (run.state.unwrap_or(State::Completed), run.error.map(str::to_owned));
        }
    }
}

/// Calls a function on a thread of its own, which is left behind if it takes too long.
fn call(function: Arc<dyn Fn(&Notice) + Send + Sync>, notice: Arc<Notice>) -> Result<(), String> {
    let (done, ended) = channel();
    let called = move || {
        function(&notice);
        let _ = done.send(());
    };
    thread::Builder::new()
        .name("pipex-hook".to_owned())
        .spawn(called)
        .map_err(|error| format!("cannot be called: {error}"))?;
    ended.recv_timeout(LIMIT).map_err(|error| match error {
        RecvTimeoutError::Timeout => format!("has not returned within {} s, and is left behind", LIMIT.as_secs()),
        RecvTimeoutError::Disconnected => "panicked".to_owned(),
    })
}

/// Runs a command with the notice on its stdin; what it says goes to stderr.
fn run_command(line: &str, notice: String) -> Result<(), String> {
    let failed = |error: io::Error| format!("cannot be run: {error}");
    let stdout = io::stderr().as_fd().try_clone_to_owned().map_err(failed)?;
    let mut command = Command::new("sh");
    command.arg("-c").arg(line).stdin(Stdio::piped()).stdout(stdout).process_group(0);
    // A pipeline that it runs has an end of its own.
    command.env_remove("PIPEX_NOTIFY");
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut stdin) = child.stdin.take() {
        // It may not read it.
        thread::spawn(move || stdin.write_all(notice.as_bytes()));
    }
    match wait(&mut child).map_err(failed)? {
        Some(status) if status.success() => Ok(()),
        Some(status) => Err(format!("failed: {status}")),
        None => {
            // With all that it has started.
            let group = format!("-{}", child.id());
            let _ = Command::new("sh").args(["-c", "kill -KILL \"$0\"", &group]).stderr(Stdio::null()).status();
            let _ = child.kill();
            let _ = child.wait();
            Err(format!("has not ended within {} s, and was stopped", LIMIT.as_secs()))
        }
    }
}

/// How it ended, if it ends in time.
fn wait(child: &mut Child) -> io::Result<Option<ExitStatus>> {
    let until = Instant::now() + LIMIT;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if Instant::now() >= until {
            return Ok(None);
        }
        thread::sleep(LOOK);
    }
}
