//! Panics of what users write: the function, and what shows, hashes, saves, loads and drops its values. Each fails one task
//! run, and nothing else.

use std::any::Any;
use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::task::Poll;

use pipex_format::model::error::RunError;

/// A panic that was caught.
#[derive(Debug)]
pub(crate) struct Panic(Box<dyn Any + Send>);

/// What went on when it came.
#[derive(Clone, Copy)]
pub(crate) enum Phase {
    /// What the call is about was found out from its arguments.
    Preparing,
    Loading,
    /// What it needs was computed.
    Measuring,
    /// The function ran.
    Running,
    Saving,
    Dropping,
}

impl Panic {
    /// As the error of a task run.
    pub(crate) fn error(&self, phase: Phase) -> RunError {
        let text = self.0.downcast_ref::<&str>().copied();
        let text = text.or_else(|| self.0.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("a value that is no text");
        // `RunError` reads it: what is not the function's begins with "while".
        let message = match phase {
            Phase::Preparing => format!("while the call was prepared: {text}"),
            Phase::Loading => format!("while its arguments were loaded: {text}"),
            Phase::Measuring => format!("while what it needs was computed: {text}"),
            Phase::Running => text.to_owned(),
            Phase::Saving => format!("while its output was saved: {text}"),
            Phase::Dropping => format!("while its output was dropped: {text}"),
        };
        RunError::Panicked { message }
    }

    /// Goes on with it.
    pub(crate) fn resume(self) -> ! {
        resume_unwind(self.0)
    }
}

/// Does something that may panic.
pub(crate) fn guard<T>(work: impl FnOnce() -> T) -> Result<T, Panic> {
    catch_unwind(AssertUnwindSafe(work)).map_err(Panic)
}

/// Sees a future through that may panic. It is pinned where it is: futures that hold futures double in size at each step.
pub(crate) fn catch<F: Future>(mut future: Pin<&mut F>) -> impl Future<Output = Result<F::Output, Panic>> {
    poll_fn(move |context| match guard(|| future.as_mut().poll(context)) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
}

/// Drops something, whose `Drop` has nobody to fail: the panic was told when it came.
pub(crate) fn discard<T>(value: T) {
    let _ = guard(|| drop(value));
}
