//! How asynchronous work is driven from synchronous code: on the caller's thread, without a runtime of the caller's.

use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::{Arc, LazyLock};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

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
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            BLOCKING.set(self.0);
        }
    }

    let _restore = Restore(BLOCKING.replace(true));
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
        (true, Ok(_)) => Poll::Ready(on_another_thread(future.as_mut())),
        (_, Err(_)) => poll_in_own(future.as_mut(), context),
    })
    .await
}

/// Polls where pipex's own runtime drives timers and sockets.
fn poll_in_own<F: Future>(future: Pin<&mut F>, context: &mut Context<'_>) -> Poll<F::Output> {
    let _entered = OWN.as_ref().ok().map(Handle::enter);
    future.poll(context)
}

/// Waits for a future that runs on a thread of its own.
fn on_another_thread<F: Future<Output: Send> + Send>(mut future: Pin<&mut F>) -> F::Output {
    let context = crate::context::Context::current();
    let run = || {
        let mut wait = || block_on(poll_fn(|context| poll_in_own(future.as_mut(), context)));
        match context {
            Some(context) => context.enter(wait),
            None => wait(),
        }
    };
    match thread::scope(|scope| scope.spawn(run).join()) {
        Ok(output) => output,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

/// A runtime of one thread, started when a synchronous caller first runs an async task.
static OWN: LazyLock<io::Result<Handle>> = LazyLock::new(|| {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    thread::Builder::new()
        .name("pipex-runtime".to_owned())
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
});

/// Does what blocks on a thread of its own, so that neither a runtime nor another task of this thread stands still: the
/// holder of what is waited for may be a future on this very thread.
pub(crate) async fn elsewhere<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (done, wait) = oneshot::channel();
    thread::Builder::new().name("pipex-wait".to_owned()).spawn(move || done.send(work()))?;
    wait.await.map_err(io::Error::other)
}
