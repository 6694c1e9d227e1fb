//! Flow runs: what the calls within one flow share.

use std::future::Future;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::context::{Context, Moment, Targets};
use crate::error::Error;
use crate::run::Failure;

/// The static description of a flow function, written by `#[flow]`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Flow {
    /// The flow's name: the function's, or what `name = ".."` says.
    pub name: &'static str,
    /// The path of its module.
    pub module: &'static str,
    /// The file it is written in.
    pub file: &'static str,
    /// The line it is written on.
    pub line: u32,
}

impl Flow {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, module: &'static str, file: &'static str, line: u32) -> Self {
        Flow { name, module, file, line }
    }
}

/// What the calls within one flow share. A flow within a flow shares its targets and its moment with the outer one: the
/// files are the same, and all that one run writes should agree.
pub(crate) struct FlowRun {
    pub(crate) flow: &'static Flow,
    pub(crate) shared: Arc<Shared>,
    /// What was submitted and failed.
    failures: Mutex<Vec<Arc<Failure>>>,
}

#[derive(Default)]
pub(crate) struct Shared {
    pub(crate) targets: Targets,
    pub(crate) now: Moment,
}

impl FlowRun {
    pub(crate) fn failed(&self, failure: Arc<Failure>) {
        self.failures.lock().unwrap_or_else(PoisonError::into_inner).push(failure);
    }

    /// The failures that nobody asked for, as one error.
    fn unasked(&self) -> Option<Error> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let unasked: Vec<_> = failures.iter().filter_map(|failure| failure.unasked()).collect();
        let mut listed: Vec<_> = unasked.iter().take(20).map(|error| format!("{error:?}")).collect();
        if unasked.len() > listed.len() {
            listed.push(format!("and {} more", unasked.len() - listed.len()));
        }
        (!unasked.is_empty()).then(|| Error::Unasked {
            flow: self.flow.name.to_owned(),
            count: unasked.len(),
            listed: listed.join("; "),
        })
    }
}

/// A flow run that has started.
pub struct Started {
    context: Arc<Context>,
    run: Arc<FlowRun>,
}

/// Starts a flow run: the mode is read now.
#[must_use]
pub fn start(flow: &'static Flow, path: Option<PathBuf>) -> Started {
    let mut context = Context::begin();
    let shared = context.flow.as_ref().map(|outer| Arc::clone(&outer.shared)).unwrap_or_default();
    let run = Arc::new(FlowRun { flow, shared, failures: Mutex::default() });
    context.flow = Some(Arc::clone(&run));
    if let Some(path) = path {
        context.set_path(&path);
    }
    Started { context: Arc::new(context), run }
}

impl Started {
    /// Runs the flow's body; what went wrong and nobody was told of becomes its result, if `carry` can.
    pub fn finish<R>(self, carry: impl FnOnce(Error, R) -> R, body: impl FnOnce() -> R) -> R {
        let value = self.context.enter(body);
        self.end(carry, value)
    }

    /// As [`finish`](Started::finish).
    pub async fn finish_async<R>(self, carry: impl FnOnce(Error, R) -> R, body: impl Future<Output = R>) -> R {
        let value = Arc::clone(&self.context).enter_async(body).await;
        self.end(carry, value)
    }

    fn end<R>(self, carry: impl FnOnce(Error, R) -> R, value: R) -> R {
        match self.context.mode().err().or_else(|| self.run.unasked()) {
            Some(error) => carry(error, value),
            None => value,
        }
    }
}

/// Tells whether a flow's result can be a [`pipex::Error`](Error): `(&Carrier::<R>::new()).carry(..)` finds [`CarryError`]
/// if it can, else [`CannotCarry`].
pub struct Carrier<R>(PhantomData<R>);

impl<R> Carrier<R> {
    #[doc(hidden)]
    #[must_use]
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Carrier(PhantomData)
    }
}

/// A result that can be an error; the flow's own error comes first.
pub trait CarryError<R> {
    #[doc(hidden)]
    fn carry(&self, error: Error, value: R) -> R;
}

impl<T, E: From<Error>> CarryError<Result<T, E>> for Carrier<Result<T, E>> {
    fn carry(&self, error: Error, value: Result<T, E>) -> Result<T, E> {
        value.and(Err(error.into()))
    }
}

/// A result that cannot: the error is logged.
pub trait CannotCarry<R> {
    #[doc(hidden)]
    fn carry(&self, error: Error, value: R) -> R;
}

impl<R> CannotCarry<R> for &Carrier<R> {
    fn carry(&self, error: Error, value: R) -> R {
        cannot_carry(error, value)
    }
}

/// For a flow whose result has no name to ask about.
pub fn cannot_carry<R>(error: Error, value: R) -> R {
    tracing::error!("{error:?}");
    value
}
