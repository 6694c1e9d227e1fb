//! What runs for long says so.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::run::context::Context;
use crate::run::report::{Event, NO_DETAILS, TaskRun, Timing};
use pipex_format::journal::Why;
use pipex_format::model::name::Name;
use pipex_format::model::provenance::Reasons;
use pipex_format::model::state::State;
use pipex_format::model::target::Location;
use pipex_format::model::task::Task;

/// A task run that is watched until this is dropped.
pub(crate) struct Heartbeat(usize);

#[derive(Clone)]
struct Watched {
    context: Arc<Context>,
    number: u64,
    task: &'static Task,
    name: Name,
    target: Option<Location>,
    attempt: u32,
    started: Instant,
    due: Instant,
}

struct Watch {
    /// Each in a place of its own; `None` where there is no more.
    runs: Vec<Option<Watched>>,
    /// The places that others can have.
    free: Vec<usize>,
    /// When the watching thread wakes next; `None` while there is no such thread.
    wakes: Option<Instant>,
}

static WATCH: Mutex<Watch> = Mutex::new(Watch { runs: Vec::new(), free: Vec::new(), wakes: None });
static SOONER: Condvar = Condvar::new();

fn lock() -> MutexGuard<'static, Watch> {
    WATCH.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a run that lasts say so at intervals.
pub(crate) fn watch(
    context: &Arc<Context>,
    number: u64,
    task: &'static Task,
    name: &Name,
    target: Option<&Location>,
    attempt: u32,
    started: Instant,
) -> Heartbeat {
    let due = started + context.settings.keepalive;
    let (context, name, target) = (Arc::clone(context), name.clone(), target.cloned());
    let mut watch = lock();
    let watched = Some(Watched { context, number, task, name, target, attempt, started, due });
    let place = match watch.free.pop() {
        Some(place) => {
            watch.runs[place] = watched;
            place
        }
        None => {
            watch.runs.push(watched);
            watch.runs.len() - 1
        }
    };
    match watch.wakes {
        Some(wakes) if wakes <= due => {}
        Some(_) => SOONER.notify_one(),
        None => {
            watch.wakes = Some(due);
            drop(watch);
            if thread::Builder::new().name("pipex-keepalive".to_owned()).spawn(watch_all).is_err() {
                lock().wakes = None;
            }
        }
    }
    Heartbeat(place)
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        let mut watch = lock();
        let ended = watch.runs[self.0].take();
        watch.free.push(self.0);
        drop(watch);
        drop(ended);
    }
}

/// The watching thread.
fn watch_all() {
    let mut watch = lock();
    loop {
        let now = Instant::now();
        let mut next = now + Duration::from_secs(60);
        let mut due = Vec::new();
        for run in watch.runs.iter_mut().flatten() {
            if run.due <= now {
                run.due = now + run.context.settings.keepalive;
                due.push(run.clone());
            }
            next = next.min(run.due);
        }
        watch.wakes = Some(next);
        if due.is_empty() {
            (watch, _) = SOONER.wait_timeout(watch, next - now).unwrap_or_else(PoisonError::into_inner);
        } else {
            drop(watch);
            due.iter().for_each(Watched::report);
            watch = lock();
        }
    }
}

impl Watched {
    fn report(&self) {
        let Watched { ref context, number, task, ref name, ref target, attempt, started, .. } = *self;
        let run = TaskRun {
            more: &[],
            task,
            state: State::Running,
            target: target.as_ref(),
            elapsed: started.elapsed(),
            bytes: 0,
            error: None,
            attempt,
            number,
            flow: context.flow.as_ref().map(|flow| flow.number),
            inputs: &[],
            parameters: &[],
            why: Why::default(),
            stale: Reasons::default(),
            name,
            is_lazy: false,
            store: "",
            started: Some(started),
            timing: Timing::default(),
            elsewhere: "",
            began: 0,
            details: &NO_DETAILS,
        };
        context.emit(&Event::StillRunning(&run), None);
    }
}
