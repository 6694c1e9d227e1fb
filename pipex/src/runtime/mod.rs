//! How asynchronous work is driven from synchronous code: on the caller's thread, without a runtime of the caller's.

pub(crate) mod machine;
pub(crate) mod panics;
pub(crate) mod sync;

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;
use tracing::{Instrument as _, Span};

use crate::runtime::sync::thread::{self, Thread};
use crate::runtime::sync::thread_local;
use pipex_format::model::error::RunError;

thread_local! {
    /// Whether this thread is inside [`block_on`], so that a runtime that it drives stands still.
    static BLOCKING: Cell<bool> = const { Cell::new(false) };
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Polls a future, whatever it gives, and keeps that; whether it has ended. What is done with futures of any type is compiled once
/// in this way, and not for each output of each task.
type PollOnce<'p> = &'p mut dyn FnMut(&mut Context<'_>) -> bool;

/// Polls the future, and puts what it gives there.
fn poll_into<F: Future>(future: Pin<&mut F>, context: &mut Context<'_>, output: &mut Option<F::Output>) -> bool {
    match future.poll(context) {
        Poll::Ready(value) => {
            *output = Some(value);
            true
        }
        Poll::Pending => false,
    }
}

const ENDED: &str = "a future that has ended has given something";

/// Runs `future` to its end on this thread. One that never has to wait, as all synchronous tasks are, is polled once and
/// costs nothing more.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let (mut future, mut output) = (pin!(future), None);
    block_until(&mut |context| poll_into(future.as_mut(), context, &mut output));
    output.expect(ENDED)
}

fn block_until(poll: PollOnce<'_>) {
    struct RestoreBlocking(bool);
    impl Drop for RestoreBlocking {
        fn drop(&mut self) {
            BLOCKING.set(self.0);
        }
    }

    let _restore = RestoreBlocking(BLOCKING.replace(true));
    if poll(&mut Context::from_waker(Waker::noop())) {
        return;
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    while !poll(&mut Context::from_waker(&waker)) {
        thread::park();
    }
}

/// Runs an async body where timers and sockets work: in the caller's runtime if the caller awaits, else in one of pipex's
/// own, whose thread drives them while the caller's is blocked.
pub(crate) async fn drive<F: Future<Output: Send> + Send>(future: F) -> F::Output {
    let (mut future, mut output) = (pin!(future), None);
    poll_fn(|context| {
        let poll = &mut |context: &mut Context<'_>| poll_into(future.as_mut(), context, &mut output);
        if poll_driven(poll, context) { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
    output.expect(ENDED)
}

fn poll_driven(poll: &mut (dyn FnMut(&mut Context<'_>) -> bool + Send), context: &mut Context<'_>) -> bool {
    match (BLOCKING.get(), Handle::try_current()) {
        (false, Ok(_)) => poll(context),
        // The runtime that this thread drives stands still, and whatever is polled here would wait for it.
        (true, Ok(handle)) if !own().is_ok_and(|own| own.id() == handle.id()) => {
            on_another_thread(poll);
            true
        }
        _ => poll_in_own(poll, context),
    }
}

/// Runs a future to its end on this thread, where timers and sockets work: in pipex's own runtime.
#[cfg(feature = "cli")]
pub(crate) fn block_on_own<F: Future>(future: F) -> F::Output {
    let (mut future, mut output) = (pin!(future), None);
    let mut poll = |context: &mut Context<'_>| poll_into(future.as_mut(), context, &mut output);
    block_until(&mut |context| poll_in_own(&mut poll, context));
    output.expect(ENDED)
}

/// Polls where pipex's own runtime drives timers and sockets.
fn poll_in_own(poll: PollOnce<'_>, context: &mut Context<'_>) -> bool {
    let _entered = own().ok().map(Handle::enter);
    poll(context)
}

/// Waits for a future that runs on a thread of its own.
fn on_another_thread(poll: &mut (dyn FnMut(&mut Context<'_>) -> bool + Send)) {
    let run = || block_until(&mut |context| poll_in_own(poll, context));
    if let Err(panic) = thread::scope(|scope| scope.spawn(run).join()) {
        resume_unwind(panic);
    }
}

/// A runtime of pipex's own, started when it is first needed; it lives as long as the process.
static OWN: LazyLock<io::Result<Runtime>> = LazyLock::new(|| {
    let mut runtime = Builder::new_multi_thread();
    // What blocks may wait for something else that blocks: it must not wait for a thread.
    runtime.thread_name("pipex-runtime").max_blocking_threads(1 << 16).enable_all().build()
});

fn own() -> Result<&'static Handle, RunError> {
    let failed = |error: &io::Error| RunError::Runtime { source: io::Error::new(error.kind(), error.to_string()) };
    OWN.as_ref().map(Runtime::handle).map_err(failed)
}

/// The handle of pipex's runtime.
#[cfg(feature = "nats")]
pub(crate) fn handle() -> Result<Handle, RunError> {
    own().cloned()
}

/// Sees a future through on pipex's runtime; dropped, it is cancelled.
pub(crate) async fn spawn<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> Result<T, RunError> {
    let given = Given::default();
    let give = given.clone();
    spawn_any(Box::pin(async move { give.set(future.await) })).await?;
    given.take()
}

async fn spawn_any(future: Pin<Box<dyn Future<Output = ()> + Send>>) -> Result<(), RunError> {
    struct Abort(JoinHandle<()>);
    impl Drop for Abort {
        fn drop(&mut self) {
            self.0.abort();
        }
    }

    let mut task = Abort(own()?.spawn(future.instrument(Span::current())));
    (&mut task.0).await.map_err(interrupted)
}

/// Does what blocks on a thread of its own, so that neither a runtime nor another task of this thread stands still: the
/// holder of what is waited for may be a future on this very thread. Dropped, it is done all the same.
pub(crate) async fn spawn_blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, RunError> {
    let given = Given::default();
    let give = given.clone();
    spawn_any_blocking(Box::new(move || give.set(work()))).await?;
    given.take()
}

async fn spawn_any_blocking(work: Box<dyn FnOnce() + Send>) -> Result<(), RunError> {
    let span = Span::current();
    own()?.spawn_blocking(move || span.in_scope(work)).await.map_err(interrupted)
}

/// What something elsewhere gives when it has ended.
pub(crate) struct Given<T>(Arc<Mutex<Option<T>>>);

impl<T> Default for Given<T> {
    fn default() -> Self {
        Given(Arc::new(Mutex::new(None)))
    }
}

impl<T> Clone for Given<T> {
    fn clone(&self) -> Self {
        Given(Arc::clone(&self.0))
    }
}

impl<T> Given<T> {
    pub(crate) fn set(&self, value: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(value);
    }

    pub(crate) fn take(&self) -> Result<T, RunError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(RunError::Interrupted)
    }
}

/// What panicked goes on panicking here.
fn interrupted(error: JoinError) -> RunError {
    match error.try_into_panic() {
        Ok(panic) => resume_unwind(panic),
        Err(_) => RunError::Interrupted,
    }
}

/// Waits no longer than this, if there is a limit.
pub(crate) async fn timeout<F: Future>(limit: Option<Duration>, future: F) -> Result<F::Output, RunError> {
    let Some(limit) = limit else { return Ok(future.await) };
    // Timers are made where their runtime is, and can be polled anywhere.
    let timed = {
        let _entered = own()?.enter();
        tokio::time::timeout(limit, future)
    };
    timed.await.map_err(|_| RunError::TimedOut { limit })
}

/// Waits so long, or until this is cancelled.
pub(crate) async fn pause(delay: Duration, cancellation: Option<&CancellationToken>) {
    if delay.is_zero() {
        return;
    }
    let Ok(own) = own() else { return thread::sleep(delay) };
    let pause = {
        let _entered = own.enter();
        tokio::time::sleep(delay)
    };
    match cancellation {
        Some(cancellation) => _ = cancellation.run_until_cancelled(pause).await,
        None => pause.await,
    }
}

/// Does something after that pause.
pub(crate) fn after(delay: Duration, cancellation: Option<CancellationToken>, then: Box<dyn FnOnce() + Send>) {
    if delay.is_zero() {
        return then();
    }
    match own() {
        Ok(own) => {
            own.spawn(async move {
                pause(delay, cancellation.as_ref()).await;
                then();
            });
        }
        Err(_) => then(),
    }
}
