//! A call: a task function with its arguments, on its way to an output.

use std::fmt::Display;
use std::future::{Future, IntoFuture, ready};
use std::panic;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use crate::arg::Args;
use crate::context::{self, Context};
use crate::error::{Cause, Error, Result, RunError};
use crate::later::{Later, settle};
use crate::output::Output;
use crate::plan::Plan;
use crate::run::{Failure, Label, Made, Name, Place};
use crate::runtime::{block_on, drive};
use crate::seen::Seen;
use crate::store::Store;
use crate::task::Task;

/// A call of a task function that has not happened yet.
///
/// ```
/// use pipex::task;
///
/// #[task]
/// fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// let call = double(21);            // nothing has happened
/// let output = call.base("answer").run()?;
/// assert_eq!(output.load()?, 42);
/// # Ok::<(), pipex::Error>(())
/// ```
#[must_use = "nothing happens until `.run()`, `.submit()`, `.lazy()` or `.await`"]
pub struct Call<'a, R> {
    pub(crate) job: Box<dyn Job<'a, R> + 'a>,
    pub(crate) path: Option<PathBuf>,
    pub(crate) base: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) caller: &'static panic::Location<'static>,
}

/// A function with its arguments.
pub(crate) trait Job<'a, R>: Send {
    fn task(&self) -> &'static Task;
    fn look(&self, seen: &mut Seen<'_>);
    fn field(&self, index: usize) -> Option<&dyn Display>;
    fn store(&self) -> Box<dyn Store<R>>;
    /// Takes the arguments and calls the function; `draft` is where one that saves its own output writes it.
    fn start(self: Box<Self>, draft: PathBuf) -> Result<Body<'a, R>>;
}

/// A function that has been called: done, or a future.
pub enum Body<'a, R> {
    #[doc(hidden)]
    Done(Result<R, Cause>),
    #[doc(hidden)]
    Future(Pin<Box<dyn Future<Output = Result<R, Cause>> + Send + 'a>>),
}

/// The closures that the macro writes, and the arguments they are about.
struct Closures<A, L, F, S, B> {
    task: &'static Task,
    arguments: A,
    look: L,
    field: F,
    store: S,
    body: B,
}

impl<'a, R, A, L, F, S, B> Job<'a, R> for Closures<A, L, F, S, B>
where
    A: Args + Send,
    L: Fn(&A, &mut Seen<'_>) + Send,
    F: Fn(&A, usize) -> Option<&dyn Display> + Send,
    S: Fn() -> Box<dyn Store<R>> + Send,
    B: FnOnce(A::Taken, PathBuf) -> Body<'a, R> + Send,
{
    fn task(&self) -> &'static Task {
        self.task
    }

    fn look(&self, seen: &mut Seen<'_>) {
        (self.look)(&self.arguments, seen);
    }

    fn field(&self, index: usize) -> Option<&dyn Display> {
        (self.field)(&self.arguments, index)
    }

    fn store(&self) -> Box<dyn Store<R>> {
        (self.store)()
    }

    fn start(self: Box<Self>, draft: PathBuf) -> Result<Body<'a, R>> {
        let taken = self.arguments.take()?;
        Ok((self.body)(taken, draft))
    }
}

/// The one function that generated code calls.
#[track_caller]
pub fn call<'a, R, A, L, F, S, B>(
    task: &'static Task,
    arguments: A,
    look: L,
    field: F,
    store: S,
    body: B,
) -> Call<'a, R>
where
    A: Args + Send + 'a,
    L: Fn(&A, &mut Seen<'_>) + Send + 'a,
    F: Fn(&A, usize) -> Option<&dyn Display> + Send + 'a,
    S: Fn() -> Box<dyn Store<R>> + Send + 'a,
    B: FnOnce(A::Taken, PathBuf) -> Body<'a, R> + Send + 'a,
{
    Call {
        job: Box::new(Closures { task, arguments, look, field, store, body }),
        path: None,
        base: None,
        name: None,
        caller: panic::Location::caller(),
    }
}

impl<'a, R: Send> Call<'a, R> {
    /// Sets the template's field `path`, for this call and the calls that take its output.
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// Sets the template's field `base`, for this call and the calls that take its output.
    pub fn base(mut self, base: impl Into<String>) -> Self {
        self.base = Some(base.into());
        self
    }

    /// Sets the task run's name, which errors and logs give.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Does it now, in this thread.
    ///
    /// # Errors
    /// The task run's: what the function returned, what the store said, or what an argument's own run did.
    pub fn run(self) -> Result<Output<R>> {
        self.now().into_result()
    }

    fn now(mut self) -> Output<R> {
        let (label, waits) = self.label();
        // Where nothing is checked and all arguments are there, the function is simply called.
        if Context::does_nothing() && !waits && !self.job.task().wants_target {
            return self.simply(label);
        }
        match self.begin(label) {
            Begun::Ended(output) => output,
            Begun::Missing(planned) => block_on(planned.finish()),
        }
    }

    fn simply(self, label: Label) -> Output<R> {
        let task = self.job.task();
        let value = match self.job.start(PathBuf::new()) {
            Ok(Body::Done(value)) => value,
            Ok(Body::Future(future)) => block_on(drive(future)),
            Err(source) => Err(RunError::Upstream { source }.into()),
        };
        let ended = value.map(Made::Value).map_err(|source| {
            let name = Name { given: self.name.map(Arc::from), base: label.base.clone() }.of(task);
            Failure::new(Error::Task { name, target: None, source })
        });
        Output::ended(label, None, ended)
    }

    /// The label that the call was given or inherits, and whether an argument's run has yet to end, or failed.
    fn label(&mut self) -> (Label, bool) {
        let path = self.path.take().map(|path| context::text(&path));
        let mut label = Label { path, base: self.base.take().map(Arc::from) };
        let mut waits = false;
        self.job.look(&mut Seen::label(&mut label, &mut waits));
        (label, waits)
    }

    /// All that can be done without waiting.
    fn begin(self, label: Label) -> Begun<'a, R> {
        let (plan, label, place) = match Plan::of(self, label) {
            Ok(planned) => planned,
            Err((error, label)) => return Begun::Ended(Output::ended(label, None, Err(Failure::new(error)))),
        };
        match plan.is_there(place.as_ref()) {
            Ok(true) => Begun::Ended(Output::ended(label, place, Ok(Made::Saved))),
            Ok(false) => Begun::Missing(Planned { plan, label, place }),
            Err(error) => Begun::Ended(Output::ended(label, place, Err(Failure::new(error)))),
        }
    }
}

enum Begun<'a, R> {
    Ended(Output<R>),
    Missing(Planned<'a, R>),
}

struct Planned<'a, R> {
    plan: Plan<'a, R>,
    label: Label,
    place: Option<Place<R>>,
}

impl<R: Send> Planned<'_, R> {
    async fn finish(self) -> Output<R> {
        settle(self.plan.unsettled()).await;
        let made = self.plan.produce(self.place.as_ref()).await;
        Output::ended(self.label, self.place, made.map_err(Failure::new))
    }
}

impl<R: Send + Sync + 'static> Call<'static, R> {
    /// Hands it to the executor and goes on. Without an executor it is done now, and an error stays in the output until it
    /// is asked for; if nobody asks, it becomes the flow's.
    pub fn submit(self) -> Output<R> {
        let output = self.now();
        if let Some(failure) = output.failure()
            && let Some(run) = Context::current().and_then(|context| context.flow.clone())
        {
            run.failed(Arc::clone(failure));
        }
        output
    }

    /// Does it only if a call that takes its output has to run, or someone asks for its data.
    ///
    /// What is upstream of targets that are there never runs, so large interim outputs can be deleted.
    #[must_use = "a lazy call that nobody asks for never runs"]
    pub fn lazy(mut self) -> Output<R> {
        let (label, _) = self.label();
        match Plan::of(self, label) {
            Ok((plan, label, place)) => Output::later(Later::new(label, place, Box::new(plan))),
            Err((error, label)) => Output::ended(label, None, Err(Failure::new(error))),
        }
    }
}

/// The same as [`run`](Call::run), from async code: an async function is awaited where it is called; a synchronous one, and
/// the store, run on the thread that polls.
impl<'a, R: Send + Sync + 'a> IntoFuture for Call<'a, R> {
    type Output = Result<Output<R>>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(mut self) -> Self::IntoFuture {
        let (label, _) = self.label();
        match self.begin(label) {
            Begun::Ended(output) => Box::pin(ready(output.into_result())),
            Begun::Missing(planned) => Box::pin(async { planned.finish().await.into_result() }),
        }
    }
}
