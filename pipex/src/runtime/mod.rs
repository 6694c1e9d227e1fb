//! How asynchronous work is driven from synchronous code: on the caller's thread, without a runtime of the caller's.

pub(crate) mod machine;
pub(crate) mod panics;
pub(crate) mod sync;

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::panic::resume_unwind;
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock};
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

/// Runs `future` to its end on this thread. One that never has to wait, as all synchronous tasks are, is polled once and
/// costs nothing more.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    struct RestoreBlocking(bool);
    impl Drop for RestoreBlocking {
        fn drop(&mut self) {
            BLOCKING.set(self.0);
        }
    }

    let _restore = RestoreBlocking(BLOCKING.replace(true));
    let mut future = pin!(future);
    if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        return output;
    }
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => thread::park(),
        }
    }
}

/// Runs an async body where timers and sockets work: in the caller's runtime if the caller awaits, else in one of pipex's
/// own, whose thread drives them while the caller's is blocked.
pub(crate) async fn drive<F: Future<Output: Send> + Send>(future: F) -> F::Output {
    let mut future = pin!(future);
    poll_fn(|context| match (BLOCKING.get(), Handle::try_current()) {
        (false, Ok(_)) => future.as_mut().poll(context),
        // The runtime that this thread drives stands still, and whatever is polled here would wait for it.
        (true, Ok(handle)) if !own().is_ok_and(|own| own.id() == handle.id()) => {
            Poll::Ready(on_another_thread(future.as_mut()))
        }
        _ => poll_in_own(future.as_mut(), context),
    })
    .await
}

/// Runs a future to its end on this thread, where timers and sockets work: in pipex's own runtime.
#[cfg(feature = "cli")]
pub(crate) fn block_on_own<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    block_on(poll_fn(|context| poll_in_own(future.as_mut(), context)))
}

/// Polls where pipex's own runtime drives timers and sockets.
fn poll_in_own<F: Future>(future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<F::Output> {
    let _entered = own().ok().map(Handle::enter);
    future.poll(context)
}

/// Waits for a future that runs on a thread of its own.
fn on_another_thread<F: Future<Output: Send> + Send>(mut future: Pin<&mut F>) -> F::Output {
    let run = || block_on(poll_fn(|context| poll_in_own(future.as_mut(), context)));
    match thread::scope(|scope| scope.spawn(run).join()) {
        Ok(output) => output,
        Err(panic) => resume_unwind(panic),
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
    struct Abort<T>(JoinHandle<T>);
    impl<T> Drop for Abort<T> {
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
    let span = Span::current();
    own()?.spawn_blocking(move || span.in_scope(work)).await.map_err(interrupted)
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
pub(crate) fn after(delay: Duration, cancellation: Option<CancellationToken>, then: impl FnOnce() + Send + 'static) {
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
