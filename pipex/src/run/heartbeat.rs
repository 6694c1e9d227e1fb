//! What runs for long says so.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::run::context::Context;
use crate::run::report::{Details, Event, TaskRun};
use pipex_format::journal::Why;
use pipex_format::model::name::Name;
use pipex_format::model::provenance::Reasons;
use pipex_format::model::state::State;
use pipex_format::model::target::Location;
use pipex_format::model::task::Task;

/// A task run that is watched until this is dropped.
pub(crate) struct Heartbeat(u64);

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
    runs: BTreeMap<u64, Watched>,
    next: u64,
    /// When the watching thread wakes next; `None` while there is no such thread.
    wakes: Option<Instant>,
}

static WATCH: Mutex<Watch> = Mutex::new(Watch { runs: BTreeMap::new(), next: 0, wakes: None });
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
    let id = watch.next;
    watch.next += 1;
    let watched = Watched { context, number, task, name, target, attempt, started, due };
    watch.runs.insert(id, watched);
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
    Heartbeat(id)
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        let ended = lock().runs.remove(&self.0);
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
        for run in watch.runs.values_mut() {
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
            why: Why::default(),
            stale: Reasons::default(),
            name,
            store: "",
            started: Some(started),
            began: 0,
            details: &Details::default(),
        };
        context.emit(&Event::StillRunning(&run), None);
    }
}
