//! The body of a task function: called, or on its way, and how it fails.

use std::future::Future;
use std::pin::Pin;

use crate::graph::kept::Data;
use crate::runtime::panics::Panic;
use pipex_format::journal::Given;
use pipex_format::model::error::Cause;

/// An async function that has been called.
pub(crate) type BodyFuture<'a> = Pin<Box<dyn Future<Output = Called> + Send + 'a>>;

/// What came of calling a function, whatever its type.
pub(crate) type Called = Result<Data, Raised>;

/// A function that is to be called.
pub(crate) type Deferred<'a> = Box<dyn FnOnce() -> Started<'a> + Send + 'a>;

/// A function that has been called.
pub(crate) enum Started<'a> {
    Done(Called),
    Future(BodyFuture<'a>),
}

impl<'a, R: Send + Sync + 'static> From<Body<'a, R>> for Started<'a> {
    fn from(body: Body<'a, R>) -> Self {
        match body {
            Body::Done(Ok(value)) => Started::Done(Ok(Data::new(value))),
            Body::Done(Err(raised)) => Started::Done(Err(raised)),
            Body::Future(future) => Started::Future(future),
        }
    }
}

/// A function that has been called: done, or a future.
pub enum Body<'a, R> {
    #[doc(hidden)]
    Done(Result<R, Raised>),
    #[doc(hidden)]
    Future(BodyFuture<'a>),
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
