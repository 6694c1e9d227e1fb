//! The embedded executor: threads of this process.

use std::collections::{HashMap, VecDeque};
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, LazyLock, OnceLock, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::graph::host::{Permit, Ready};
use crate::run::carrier::Carrier;
use crate::run::engine;
use crate::run::executor::Executor;
use crate::runtime::sync::atomic::{AtomicBool, Ordering};
use crate::runtime::sync::{Condvar, Mutex, MutexGuard, thread};
use pipex_format::environment::setting;
use pipex_format::model::error::Result;
use pipex_format::model::task::Task;

#[cfg(all(test, shuttle))]
mod interleaving_tests;

/// How long a thread without work lives.
const IDLE: Duration = Duration::from_secs(2);

/// Runs task runs in this process: the bodies of synchronous functions, loading and saving on at most `workers` threads, the
/// bodies of async functions on a tokio runtime; and never more than `workers` runs at a time.
///
/// What can go on goes before what has only been submitted, so that data in memory are soon used and freed.
///
/// ```
/// use pipex::{Config, Local, Mode};
///
/// let config = Config::new().mode(Mode::PrefectCache).executor(Local::new().workers(8).limit("database", 2));
/// ```
///
/// A clone shares the workers and the limits. What a builder method gives has workers of its own, and leaves the clones of
/// what it was called on as they are.
#[derive(Clone)]
pub struct Local(Arc<LocalState>);

/// What clones share: how they run, and the pool that does so from the first run on.
struct LocalState {
    settings: LocalSettings,
    pool: OnceLock<Arc<Pool>>,
}

#[derive(Clone)]
struct LocalSettings {
    workers: usize,
    /// How many runs that have a tag may run at a time.
    limits: HashMap<String, usize>,
    carrier: Option<Arc<dyn Carrier>>,
}

struct Pool {
    workers: usize,
    /// Whether runs of `#[task(remote)]` functions go to other processes.
    carries: bool,
    state: Mutex<PoolState>,
    /// There is something to do.
    work: Condvar,
}

struct PoolState {
    /// Runs that have room and can go on: an async body has ended, say.
    resumed: VecDeque<Arc<SuspendedRun>>,
    /// Calls in flows' bodies that wait for room.
    admissions: VecDeque<Arc<Admission>>,
    /// Runs whose inputs have ended, the latest first: what has been made is used before more is made.
    ready: VecDeque<Ready>,
    /// Runs that were submitted, and not looked at yet.
    fresh: VecDeque<Ready>,
    /// How many more may run.
    free: usize,
    threads: usize,
    /// Threads that wait for work, and those of them that have been woken.
    idle: usize,
    woken: usize,
    limits: HashMap<String, Limit>,
    /// Of calls that have been given room. A waker may do anything, and a run's locks this: [`unlock`] wakes them.
    granted: Vec<Waker>,
}

/// How many more runs that have a tag may run now, and those that wait for it.
struct Limit {
    free: usize,
    /// Calls within runs go first: they have a worker, and those who wait for one may wait for theirs.
    nested: VecDeque<Arc<Admission>>,
    waiting: VecDeque<Waiting>,
}

enum Waiting {
    Run(Ready),
    Call(Arc<Admission>),
}

/// A call that waits for room, a worker's or a tag's.
struct Admission {
    task: &'static Task,
    /// Within another run, whose worker it has.
    nested: bool,
    granted: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Local {
    /// As many workers as there are cores.
    #[must_use]
    pub fn new() -> Self {
        Self::with(LocalSettings { workers: cores(), limits: HashMap::new(), carrier: None })
    }

    fn with(settings: LocalSettings) -> Self {
        Local(Arc::new(LocalState { settings, pool: OnceLock::new() }))
    }

    fn settings(&self) -> LocalSettings {
        self.0.settings.clone()
    }

    /// The pool, which has no threads before it has something to run.
    fn pool(&self) -> &Arc<Pool> {
        self.0.pool.get_or_init(|| Arc::new(Pool::new(&self.0.settings)))
    }

    /// The executor of this process: `PIPEX_WORKERS` workers, and the limits in `PIPEX_LIMITS` (`database=2,web=5`).
    pub(crate) fn for_process() -> Result<Self> {
        static PROCESS: LazyLock<Result<Local>> = LazyLock::new(|| {
            let mut local = Local::new().workers(workers()?);
            let limit = |text: &str| {
                let (tag, limit) = text.split_once('=')?;
                Some((tag.trim().to_owned(), at_least_one(limit)?))
            };
            let limits = setting("PIPEX_LIMITS", "tags with limits, such as database=2,web=5", |text| {
                text.split(',').map(limit).collect::<Option<Vec<_>>>()
            })?;
            local = limits.unwrap_or_default().into_iter().fold(local, |local, (tag, limit)| local.limit(tag, limit));
            Ok(local.with_carrier(engine::carrier()?))
        });
        PROCESS.clone()
    }

    /// Sets how many runs there may be at a time; 0 counts as 1.
    #[must_use]
    pub fn workers(self, workers: usize) -> Self {
        Self::with(LocalSettings { workers: workers.max(1), ..self.settings() })
    }

    /// Has `carrier` bring the runs of `#[task(remote)]` functions to other processes. There, they take no worker here;
    /// limits by tag hold for them, too.
    #[must_use]
    pub fn carrier(self, carrier: impl Carrier + 'static) -> Self {
        self.with_carrier(Some(Arc::new(carrier)))
    }

    fn with_carrier(self, carrier: Option<Arc<dyn Carrier>>) -> Self {
        Self::with(LocalSettings { carrier, ..self.settings() })
    }

    /// Sets how many runs of tasks with this tag there may be at a time; 0 counts as 1.
    #[must_use]
    pub fn limit(self, tag: impl Into<String>, runs: usize) -> Self {
        let mut settings = self.settings();
        settings.limits.insert(tag.into(), runs.max(1));
        Self::with(settings)
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn at_least_one(text: &str) -> Option<usize> {
    text.trim().parse().ok().filter(|number| *number > 0)
}

/// How many workers this process has: as `PIPEX_WORKERS` says, else as many as there are cores.
pub(crate) fn workers() -> Result<usize> {
    let set = setting("PIPEX_WORKERS", "a number of workers, 1 or more", at_least_one)?;
    Ok(set.unwrap_or_else(cores))
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor for Local {
    fn carrier(&self) -> Option<Arc<dyn Carrier>> {
        self.0.settings.carrier.clone()
    }

    fn submit(&self, ready: Ready) {
        let pool = self.pool();
        let mut state = pool.lock();
        if ready.first {
            state.fresh.push_back(ready)
        } else {
            state.ready.push_front(ready)
        }
        // Where there is no room, whoever gives some back sees to it.
        if state.free > 0 {
            pool.wake_one(&mut state);
        }
    }

    fn admit(&self, task: &'static Task, nested: bool) -> Pin<Box<dyn Future<Output = Permit> + Send>> {
        let granted = AtomicBool::new(false);
        let admission = Arc::new(Admission { task, nested, granted, waker: Mutex::new(None) });
        let pool = Arc::clone(self.pool());
        let mut state = pool.lock();
        state.admissions.push_back(Arc::clone(&admission));
        state.admit();
        unlock(state);
        let waits = Waits { pool, admission: Some(admission) };
        Box::pin(waits.granted())
    }
}

/// A call that waits for room; dropped, it waits no longer.
struct Waits {
    pool: Arc<Pool>,
    admission: Option<Arc<Admission>>,
}

impl Waits {
    async fn granted(mut self) -> Permit {
        poll_fn(|context| {
            let admission = self.admission.as_ref().expect("it is taken below");
            *admission.waker.lock().unwrap_or_else(PoisonError::into_inner) = Some(context.waker().clone());
            if admission.granted.load(Ordering::Acquire) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        let admission = self.admission.take().expect("nobody else takes it");
        let pool = Arc::clone(&self.pool);
        Permit::new(move || pool.release(admission.task, !admission.nested))
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        let Some(admission) = self.admission.take() else { return };
        let mut state = self.pool.lock();
        if admission.granted.load(Ordering::Acquire) {
            drop(state);
            self.pool.release(admission.task, !admission.nested);
        } else {
            state.admissions.retain(|call| !Arc::ptr_eq(call, &admission));
            let other = |waiting: &Waiting| !matches!(waiting, Waiting::Call(call) if Arc::ptr_eq(call, &admission));
            state.limits.values_mut().for_each(|limit| {
                limit.waiting.retain(other);
                limit.nested.retain(|call| !Arc::ptr_eq(call, &admission));
            });
            state.let_go(admission.task);
            self.pool.pass_on(&mut state);
            unlock(state);
        }
    }
}

impl PoolState {
    /// Gives room to calls that wait for it.
    fn admit(&mut self) {
        if self.admissions.is_empty() {
            return;
        }
        let mut still = VecDeque::new();
        while let Some(admission) = self.admissions.pop_front() {
            if !admission.nested && self.free == 0 {
                still.push_back(admission);
                continue;
            }
            let (task, nested) = (admission.task, admission.nested);
            if let Some(Waiting::Call(admission)) = self.take_tags(task, Waiting::Call(admission)) {
                if !nested {
                    self.free -= 1;
                }
                admission.granted.store(true, Ordering::Release);
                self.granted.extend(admission.waker.lock().unwrap_or_else(PoisonError::into_inner).take());
            }
        }
        self.admissions = still;
    }

    /// Takes a place under each of the task's tags; else it waits at the first that has none.
    fn take_tags(&mut self, task: &'static Task, waiting: Waiting) -> Option<Waiting> {
        if self.limits.is_empty() || task.tags.is_empty() {
            return Some(waiting);
        }
        let full = task.tags.iter().find(|tag| self.limits.get(**tag).is_some_and(|limit| limit.free == 0));
        if let Some(limit) = full.and_then(|tag| self.limits.get_mut(*tag)) {
            match waiting {
                Waiting::Call(call) if call.nested => limit.nested.push_back(call),
                other => limit.waiting.push_back(other),
            }
            // It may have been let go for the sake of a place that another can have now.
            self.let_go(task);
            return None;
        }
        for tag in task.tags {
            if let Some(limit) = self.limits.get_mut(*tag) {
                limit.free -= 1;
            }
        }
        Some(waiting)
    }

    /// Lets one that waits go on for each of the task's tags that has a place.
    fn let_go(&mut self, task: &'static Task) {
        for tag in task.tags {
            let Some(limit) = self.limits.get_mut(*tag).filter(|limit| limit.free > 0) else { continue };
            match limit.nested.pop_front().map(Waiting::Call).or_else(|| limit.waiting.pop_front()) {
                Some(Waiting::Run(ready)) => self.ready.push_front(ready),
                Some(Waiting::Call(admission)) => self.admissions.push_back(admission),
                None => {}
            }
        }
    }

    /// Gives the room of a run back.
    fn release(&mut self, task: &'static Task, worker: bool) {
        if worker {
            self.free += 1;
        }
        for tag in task.tags {
            if let Some(limit) = self.limits.get_mut(*tag) {
                limit.free += 1;
            }
        }
        self.let_go(task);
    }

    /// The next run, and room for it.
    fn next(&mut self) -> Option<Ready> {
        while self.free > 0 {
            let next = self.ready.pop_front().or_else(|| self.fresh.pop_front())?;
            let task = next.task();
            let next = self.take_tags(task, Waiting::Run(next));
            self.admit();
            if let Some(Waiting::Run(next)) = next {
                self.free -= 1;
                return Some(next);
            }
        }
        None
    }
}

/// Lets go of the lock, and wakes those who have been given room.
fn unlock(mut state: MutexGuard<'_, PoolState>) {
    let granted = std::mem::take(&mut state.granted);
    drop(state);
    granted.into_iter().for_each(Waker::wake);
}

impl Pool {
    fn new(settings: &LocalSettings) -> Self {
        let limit = |(tag, runs): (&String, &usize)| {
            (tag.clone(), Limit { free: *runs, nested: VecDeque::new(), waiting: VecDeque::new() })
        };
        let state = PoolState {
            resumed: VecDeque::new(),
            admissions: VecDeque::new(),
            ready: VecDeque::new(),
            fresh: VecDeque::new(),
            free: settings.workers,
            threads: 0,
            idle: 0,
            woken: 0,
            limits: settings.limits.iter().map(limit).collect(),
            granted: Vec::new(),
        };
        let (workers, carries) = (settings.workers, settings.carrier.is_some());
        Pool { workers, carries, state: Mutex::new(state), work: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Sees to it that a thread looks for work, if none is on its way.
    fn wake_one(self: &Arc<Self>, state: &mut PoolState) {
        if state.idle > 0 {
            state.idle -= 1;
            state.woken += 1;
            self.work.notify_one();
        } else if state.threads < self.workers {
            let pool = Arc::clone(self);
            let started = thread::Builder::new().name("pipex-worker".to_owned()).spawn(move || pool.work());
            match started {
                Ok(_) => state.threads += 1,
                // Those there are do it.
                Err(error) if state.threads > 0 => tracing::warn!("cannot start another worker thread: {error}"),
                Err(error) => tracing::error!("cannot start a worker thread: {error}"),
            }
        }
    }

    /// A worker thread, from its first run to its last.
    fn work(self: Arc<Self>) {
        let mut state = self.lock();
        loop {
            if let Some(underway) = state.resumed.pop_front() {
                unlock(state);
                underway.go_on();
                state = self.lock();
            } else if let Some(ready) = state.next() {
                unlock(state);
                let task = ready.task();
                let ended = self.run(ready);
                state = self.lock();
                if ended {
                    state.release(task, true);
                    // This thread takes the next itself.
                    state.admit();
                }
            } else if !state.granted.is_empty() {
                unlock(state);
                state = self.lock();
            } else {
                state.idle += 1;
                let waited = self.work.wait_timeout_while(state, IDLE, |state| state.woken == 0);
                (state, _) = waited.unwrap_or_else(PoisonError::into_inner);
                if state.woken > 0 {
                    state.woken -= 1;
                } else {
                    state.idle -= 1;
                    state.threads -= 1;
                    return;
                }
            }
        }
    }

    /// Runs it to its end, or until it waits for something else than this thread; whether it has ended.
    fn run(self: &Arc<Self>, ready: Ready) -> bool {
        let task = ready.task();
        let mut future = ready.run();
        if ended(future.as_mut(), Waker::noop()) {
            return true;
        }
        let pool = Arc::clone(self);
        let future = Mutex::new(Some(future));
        // What waits for another process takes nobody's room.
        let away = task.remote && self.carries;
        if away {
            let mut state = self.lock();
            state.free += 1;
            self.pass_on(&mut state);
            unlock(state);
        }
        Arc::new(SuspendedRun { pool, task, away, future, queued: AtomicBool::new(true) }).go_on();
        false
    }

    /// Gives the room of a run back.
    fn release(self: &Arc<Self>, task: &'static Task, worker: bool) {
        let mut state = self.lock();
        state.release(task, worker);
        self.pass_on(&mut state);
        unlock(state);
    }

    /// Sees to it that somebody uses the room there is.
    fn pass_on(self: &Arc<Self>, state: &mut PoolState) {
        state.admit();
        if state.free > 0 && (!state.ready.is_empty() || !state.fresh.is_empty()) {
            self.wake_one(state);
        }
    }
}

/// Polls it. A function that panics fails its run and nothing else; what panics besides, a store or a reporter of the user's,
/// takes no worker along.
fn ended(future: Pin<&mut (dyn Future<Output = ()> + Send)>, waker: &Waker) -> bool {
    catch_unwind(AssertUnwindSafe(|| future.poll(&mut Context::from_waker(waker)).is_ready())).unwrap_or(true)
}

/// A run that waits for something else than a thread.
struct SuspendedRun {
    pool: Arc<Pool>,
    task: &'static Task,
    away: bool,
    future: Mutex<Option<Pin<Box<dyn Future<Output = ()> + Send>>>>,
    queued: AtomicBool,
}

impl SuspendedRun {
    fn go_on(self: Arc<Self>) {
        self.queued.store(false, Ordering::Release);
        let mut slot = self.future.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(future) = slot.as_mut() else { return };
        let waker = Waker::from(Arc::clone(&self));
        if ended(future.as_mut(), &waker) {
            *slot = None;
            drop(slot);
            self.pool.release(self.task, !self.away);
        }
    }
}

impl Wake for SuspendedRun {
    fn wake(self: Arc<Self>) {
        if self.queued.swap(true, Ordering::AcqRel) {
            return;
        }
        let pool = Arc::clone(&self.pool);
        let mut state = pool.lock();
        state.resumed.push_back(self);
        pool.wake_one(&mut state);
    }
}
