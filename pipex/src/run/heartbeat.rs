//! What runs for long says so.

use std::cell::RefCell;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError, Weak};
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
pub(crate) struct Heartbeat(Arc<Slot>);

/// Where a run is watched, or none: the thread that runs it looks there at no other's.
type Slot = Mutex<Option<Watched>>;

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
    slots: Vec<Weak<Slot>>,
    /// Those that are free, and more than a thread keeps: runs may end on other threads than they begin on.
    free: Vec<Arc<Slot>>,
    /// Whether there is a thread that watches.
    is_watching: bool,
}

static WATCH: Mutex<Watch> = Mutex::new(Watch { slots: Vec::new(), free: Vec::new(), is_watching: false });
static SOONER: Condvar = Condvar::new();

/// When the watching thread wakes next, in milliseconds since the first run was watched. Who is due before that says so; while it
/// looks about, and where there is none, everybody does.
static WAKES: AtomicU64 = AtomicU64::new(u64::MAX);
static BEGINNING: LazyLock<Instant> = LazyLock::new(Instant::now);

thread_local! {
    /// Slots that this thread has used, and that are free.
    static FREE: RefCell<Vec<Arc<Slot>>> = const { RefCell::new(Vec::new()) };
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn milliseconds(moment: Instant) -> u64 {
    moment.saturating_duration_since(*BEGINNING).as_millis().try_into().unwrap_or(u64::MAX)
}

/// Has a run that lasts say so at intervals.
pub(crate) fn watch(
    context: &Arc<Context>,
    number: u64,
    task: &'static Task,
    name: Name,
    target: Option<&Location>,
    attempt: u32,
    started: Instant,
) -> Heartbeat {
    let due = started + context.settings.keepalive;
    let (context, target) = (Arc::clone(context), target.cloned());
    let slot = FREE.with_borrow_mut(Vec::pop).unwrap_or_else(find_slot);
    *lock(&slot) = Some(Watched { context, number, task, name, target, attempt, started, due });
    if milliseconds(due) < WAKES.load(Ordering::SeqCst) {
        wake_before(due);
    }
    Heartbeat(slot)
}

/// How many free slots a thread keeps.
const KEPT: usize = 16;

/// One that is free, for a thread that has none.
fn find_slot() -> Arc<Slot> {
    let mut watch = lock(&WATCH);
    if let Some(slot) = watch.free.pop() {
        return slot;
    }
    let slot = Arc::default();
    watch.slots.push(Arc::downgrade(&slot));
    slot
}

/// Sees to it that somebody looks about by then.
#[cold]
fn wake_before(due: Instant) {
    let mut watch = lock(&WATCH);
    if milliseconds(due) >= WAKES.load(Ordering::SeqCst) {
        return;
    }
    WAKES.store(milliseconds(due), Ordering::SeqCst);
    if watch.is_watching {
        SOONER.notify_one();
        return;
    }
    let started = thread::Builder::new().name("pipex-keepalive".to_owned()).spawn(watch_all);
    watch.is_watching = started.is_ok();
    if !watch.is_watching {
        WAKES.store(u64::MAX, Ordering::SeqCst);
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        let ended = lock(&self.0).take();
        drop(ended);
        // Where the thread ends, its slots go.
        let is_kept = FREE.try_with(|free| {
            let mut free = free.borrow_mut();
            let has_room = free.len() < KEPT;
            if has_room {
                free.push(Arc::clone(&self.0));
            }
            has_room
        });
        if let Ok(false) = is_kept {
            lock(&WATCH).free.push(Arc::clone(&self.0));
        }
    }
}

/// The watching thread.
fn watch_all() {
    let mut watch = lock(&WATCH);
    loop {
        // Who begins from here on waits until all have been looked at, and then says when it is due.
        WAKES.store(u64::MAX, Ordering::SeqCst);
        let now = Instant::now();
        let mut next = now + Duration::from_secs(60);
        let mut due = Vec::new();
        watch.slots.retain(|slot| {
            let Some(slot) = slot.upgrade() else { return false };
            if let Some(run) = &mut *lock(&slot) {
                if run.due <= now {
                    run.due = now + run.context.settings.keepalive;
                    due.push(run.clone());
                }
                next = next.min(run.due);
            }
            true
        });
        WAKES.store(milliseconds(next), Ordering::SeqCst);
        if due.is_empty() {
            (watch, _) = SOONER.wait_timeout(watch, next - now).unwrap_or_else(PoisonError::into_inner);
        } else {
            drop(watch);
            due.iter().for_each(Watched::report);
            watch = lock(&WATCH);
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
