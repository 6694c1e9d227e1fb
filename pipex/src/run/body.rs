//! The body of a task function: called, or on its way, and how it fails.

use std::future::Future;
use std::pin::Pin;

use crate::runtime::panics::Panic;
use pipex_format::journal::Given;
use pipex_format::model::error::Cause;

/// An async function that has been called: it gives its value to its call.
pub(crate) type BodyFuture<'a> = Pin<Box<dyn Future<Output = Result<(), Raised>> + Send + 'a>>;

/// A function that is to be called.
pub(crate) type Deferred<'a> = Box<dyn FnOnce() -> Started<'a> + Send + 'a>;

/// A function that has been called.
pub(crate) enum Started<'a> {
    /// Its value is its call's.
    Done(Result<(), Raised>),
    Future(BodyFuture<'a>),
}

/// A function that has been called: done, or a future.
pub enum Body<'a, R> {
    #[doc(hidden)]
    Done(Result<R, Raised>),
    #[doc(hidden)]
    Future(Pin<Box<dyn Future<Output = Result<R, Raised>> + Send + 'a>>),
}

/// Why an attempt failed, and whether another may go better.
#[derive(Debug)]
pub struct Raised {
    pub(crate) cause: Cause,
    pub(crate) retry: bool,
    /// A panic that is the caller's.
    pub(crate) thrown: Option<Panic>,
    /// What the function was given, for the journal.
    pub(crate) given: Vec<Given<'static>>,
}

impl Raised {
    pub(crate) fn new(cause: impl Into<Cause>, retry: bool) -> Self {
        Raised { cause: cause.into(), retry, thrown: None, given: Vec::new() }
    }
}

impl<E: Into<Cause>> From<E> for Raised {
    fn from(cause: E) -> Self {
        Raised::new(cause, true)
    }
}
