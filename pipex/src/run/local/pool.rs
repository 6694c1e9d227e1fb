//! The threads of the embedded executor, and the queues of what they run.

use std::cell::Cell;
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use crate::graph::host::{Permit, Ready};
use crate::graph::settle::is_in_run;
use crate::run::room::{Room, Share};
use crate::runtime::sync::atomic::{AtomicBool, Ordering};
use crate::runtime::sync::{Condvar, Mutex, MutexGuard, thread, thread_local};
use pipex_format::model::resources::Resources;
use pipex_format::model::task::Task;

/// How long a thread without work lives.
const IDLE: Duration = Duration::from_secs(2);

thread_local! {
    /// The address of the pool that this thread works for, or 0.
    static WORKS_FOR: Cell<usize> = const { Cell::new(0) };
}

pub(super) struct Pool {
    pub(super) workers: usize,
    /// Whether runs of `#[task(remote)]` functions go to other processes.
    carries: bool,
    state: Mutex<PoolState>,
    /// There is something to do.
    pub(super) work: Condvar,
}

pub(super) struct PoolState {
    /// Runs that have room and can go on: an async body has ended, say.
    pub(super) resumed: VecDeque<Arc<SuspendedRun>>,
    /// Runs that have waited for room, and have it.
    pub(super) started: VecDeque<(Share, Ready)>,
    /// Runs whose inputs have ended, the latest first: what has been made is used before more is made.
    pub(super) ready: VecDeque<Ready>,
    /// Runs that were submitted, and not looked at yet.
    pub(super) fresh: VecDeque<Ready>,
    pub(super) threads: usize,
    /// Threads that wait for work, and those of them that have been woken.
    pub(super) idle: usize,
    pub(super) woken: usize,
    pub(super) room: Room<Waiting>,
    /// Of calls that have been given room. A waker may do anything, and a run's locks this: [`unlock`] wakes them.
    granted: Vec<Waker>,
}

/// Who waits for room.
pub(super) enum Waiting {
    Run(Ready),
    Call(Arc<Admission>),
}

/// A call that waits for room, or has it.
pub(super) struct Admission {
    share: Share,
    granted: AtomicBool,
    waker: Mutex<Option<Waker>>,
}

impl Waiting {
    fn is(&self, admission: &Arc<Admission>) -> bool {
        matches!(self, Waiting::Call(call) if Arc::ptr_eq(call, admission))
    }
}

impl PoolState {
    /// Gives room to those who wait for it and can have it.
    fn admit(&mut self) {
        while let Some((share, who)) = self.room.grant() {
            match who {
                Waiting::Run(ready) => self.started.push_back((share, ready)),
                Waiting::Call(admission) => {
                    admission.granted.store(true, Ordering::Release);
                    self.granted.extend(admission.waker.lock().unwrap_or_else(PoisonError::into_inner).take());
                }
            }
        }
    }

    /// The next run, and room for it.
    fn next(&mut self) -> Option<(Share, Ready)> {
        self.admit();
        if let Some(started) = self.started.pop_front() {
            return Some(started);
        }
        if !self.room.has_worker() {
            return None;
        }
        let ready = self.ready.pop_front().or_else(|| self.fresh.pop_front())?;
        // It is to find out whether it has to run, and what it needs.
        let share = self.room.share(Resources::new(), &[], false);
        match self.room.enter(share, Waiting::Run(ready)) {
            Some(Waiting::Run(ready)) => Some((share, ready)),
            _ => None,
        }
    }

    /// Whether there is a run that has room, or can have it.
    fn has_work(&self) -> bool {
        let is_queued = !self.ready.is_empty() || !self.fresh.is_empty();
        !self.started.is_empty() || is_queued && self.room.has_worker()
    }
}

/// Lets go of the lock, and wakes those who have been given room.
fn unlock(mut state: MutexGuard<'_, PoolState>) {
    let granted = std::mem::take(&mut state.granted);
    drop(state);
    granted.into_iter().for_each(Waker::wake);
}

impl Pool {
    pub(super) fn new(capacity: Resources, room: Room<Waiting>, carries: bool) -> Self {
        let state = PoolState {
            resumed: VecDeque::new(),
            started: VecDeque::new(),
            ready: VecDeque::new(),
            fresh: VecDeque::new(),
            threads: 0,
            idle: 0,
            woken: 0,
            room,
            granted: Vec::new(),
        };
        let workers = usize::try_from(capacity.threads).unwrap_or(usize::MAX);
        Pool { workers, carries, state: Mutex::new(state), work: Condvar::new() }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, PoolState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a run that can run.
    pub(super) fn submit(self: &Arc<Self>, ready: Ready) {
        let needs = if ready.first { None } else { ready.measured() };
        let mut state = self.lock();
        match needs {
            Some(needs) => {
                let share = state.room.share(needs, ready.task().tags, false);
                if let Some(Waiting::Run(ready)) = state.room.enter(share, Waiting::Run(ready)) {
                    state.started.push_back((share, ready));
                }
                self.pass_on(&mut state);
                return unlock(state);
            }
            None if ready.first => state.fresh.push_back(ready),
            None => state.ready.push_front(ready),
        }
        // Where there is no room, whoever gives some back sees to it; and who is on the way, or comes back at once, to the rest.
        if state.woken == 0 && state.room.has_worker() && !self.comes_back() {
            self.wake_one(&mut state);
        }
    }

    /// Whether this thread is about to take what is next itself: one of its runs has just ended, and others can go on for it.
    fn comes_back(self: &Arc<Self>) -> bool {
        WORKS_FOR.get() == Arc::as_ptr(self).addr() && !is_in_run()
    }

    /// Waits for room for a call.
    pub(super) fn admit(
        self: Arc<Self>,
        needs: Resources,
        task: &'static Task,
        nested: bool,
    ) -> impl Future<Output = Permit> + Send {
        let mut state = self.lock();
        let share = state.room.share(needs, task.tags, nested);
        let admission = Arc::new(Admission { share, granted: AtomicBool::new(false), waker: Mutex::new(None) });
        match state.room.enter(share, Waiting::Call(Arc::clone(&admission))) {
            Some(_) => admission.granted.store(true, Ordering::Release),
            None => self.pass_on(&mut state),
        }
        unlock(state);
        Waits { pool: self, admission: Some(admission) }.granted()
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

    /// Sees to it that another thread does what this one does not: room that is given back may be enough for several.
    fn wake_for_more(self: &Arc<Self>, state: &mut PoolState) {
        if state.woken == 0 && state.has_work() {
            self.wake_one(state);
        }
    }

    /// A worker thread, from its first run to its last.
    fn work(self: Arc<Self>) {
        WORKS_FOR.set(Arc::as_ptr(&self).addr());
        let mut state = self.lock();
        loop {
            if let Some(underway) = state.resumed.pop_front() {
                self.wake_for_more(&mut state);
                unlock(state);
                underway.go_on();
                state = self.lock();
            } else if let Some((share, ready)) = state.next() {
                self.wake_for_more(&mut state);
                unlock(state);
                let ended = self.run(ready, share);
                state = self.lock();
                if ended {
                    // This thread takes the next itself.
                    state.room.give_back(share);
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
    fn run(self: &Arc<Self>, ready: Ready, share: Share) -> bool {
        let is_remote = ready.task().remote;
        let mut future = ready.run();
        if ended(future.as_mut(), Waker::noop()) {
            return true;
        }
        let pool = Arc::clone(self);
        let future = Mutex::new(Some(future));
        // What waits for another process takes nobody's room.
        let share = if is_remote && self.carries {
            self.give_back(share.workers_alone());
            share.without_workers()
        } else {
            share
        };
        Arc::new(SuspendedRun { pool, share, future, queued: AtomicBool::new(true) }).go_on();
        false
    }

    /// Gives the room of a run back.
    fn give_back(self: &Arc<Self>, share: Share) {
        let mut state = self.lock();
        state.room.give_back(share);
        self.pass_on(&mut state);
        unlock(state);
    }

    /// Sees to it that somebody uses the room there is.
    fn pass_on(self: &Arc<Self>, state: &mut PoolState) {
        state.admit();
        if state.has_work() {
            self.wake_one(state);
        }
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
        Permit::new(move || pool.give_back(admission.share))
    }
}

impl Drop for Waits {
    fn drop(&mut self) {
        let Some(admission) = self.admission.take() else { return };
        let mut state = self.pool.lock();
        if admission.granted.load(Ordering::Acquire) {
            state.room.give_back(admission.share);
        } else {
            state.room.leave(|who| who.is(&admission));
        }
        self.pool.pass_on(&mut state);
        unlock(state);
    }
}

/// Polls it. A function that panics fails its run and nothing else; what panics besides, a store or a reporter of the user's,
/// takes no worker along.
fn ended(future: Pin<&mut (dyn Future<Output = ()> + Send)>, waker: &Waker) -> bool {
    catch_unwind(AssertUnwindSafe(|| future.poll(&mut Context::from_waker(waker)).is_ready())).unwrap_or(true)
}

/// A run that waits for something else than a thread.
pub(super) struct SuspendedRun {
    pool: Arc<Pool>,
    /// The room that it has.
    share: Share,
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
            self.pool.give_back(self.share);
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
