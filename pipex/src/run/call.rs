//! A call: a task function with its arguments, on its way to an output.

use std::fmt::Display;
use std::future::{Future, IntoFuture, ready};
use std::panic;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use crate::run::arg::Args;
use crate::run::context::{self, Context};
use crate::run::executor::room;
use crate::run::job::Travel;
use crate::run::outcome::{Attempt, Failure, Label, Made, Place};
use crate::run::output::Output;
use crate::run::panics::Panic;
use crate::run::pending::{Awaited, settle};
use crate::run::plan::Plan;
use crate::run::runtime::{self, block_on, drive, pause};
use crate::run::seen::{Outputs, Seen};
use pipex_format::model::error::{Cause, Error, Result, RunError};
use pipex_format::model::target::Location;
use pipex_format::model::task::Task;
use pipex_format::store::{Draft, Store};

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
    pub(crate) wait_for: Vec<Box<dyn Outputs + Send + 'a>>,
    /// Where its output is to be, if it is not to be asked of the template.
    pub(crate) target: Option<Location>,
    pub(crate) caller: &'static panic::Location<'static>,
}

/// A function with its arguments.
pub(crate) trait Job<'a, R>: Send {
    fn task(&self) -> &'static Task;
    fn look(&self, seen: &mut Seen<'_>);
    fn field(&self, index: usize) -> Option<&dyn Display>;
    fn store(&self) -> Box<dyn Store<R>>;
    /// Takes the arguments and calls the function; `draft` is where one that saves its own output writes it.
    /// With `last` the arguments are used up, else the function can be called again. In `taken` it says that they are there.
    fn start(&mut self, draft: PathBuf, last: bool, taken: &mut bool) -> Result<Body<'a, R>>;
    /// Takes the arguments here; what comes back calls the function, anywhere.
    fn defer(
        &mut self,
        draft: PathBuf,
        last: bool,
        taken: &mut bool,
    ) -> Result<Box<dyn FnOnce() -> Body<'a, R> + Send + 'a>>;
    /// How its output goes from process to process, if it can.
    fn travel(&self) -> Option<Travel<R>>;
}

/// How a body goes on away from the thread that started it.
pub(crate) type Away<'a, R> =
    fn(Work<'a, R>, Arc<Context>) -> Pin<Box<dyn Future<Output = Result<R, Raised>> + Send + 'a>>;

/// What there is to be done of a call.
pub(crate) enum Work<'a, R> {
    /// To call the function; if nobody waits for it any longer, what it wrote goes with its draft.
    Body(Box<dyn FnOnce() -> Body<'a, R> + Send + 'a>, Option<Draft>),
    /// To see its future through.
    Future(Pin<Box<dyn Future<Output = Result<R, Raised>> + Send + 'a>>),
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
}

impl Raised {
    pub(crate) fn new(cause: impl Into<Cause>, retry: bool) -> Self {
        Raised { cause: cause.into(), retry, thrown: None }
    }
}

impl<E: Into<Cause>> From<E> for Raised {
    fn from(cause: E) -> Self {
        Raised::new(cause, true)
    }
}

/// The closures that the macro writes, and the arguments they are about.
struct Closures<R, A, L, F, B, S, G> {
    task: &'static Task,
    arguments: Option<A>,
    look: L,
    field: F,
    body: B,
    store: S,
    again: G,
    travel: Option<Travel<R>>,
}

impl<'a, R, A, L, F, B, S, G> Job<'a, R> for Closures<R, A, L, F, B, S, G>
where
    A: Args<Taken: Send> + Send,
    L: Fn(&A, &mut Seen<'_>) + Send,
    F: Fn(&A, usize) -> Option<&dyn Display> + Send,
    B: Fn(A::Taken, PathBuf) -> Body<'a, R> + Clone + Send + 'a,
    S: Fn() -> Box<dyn Store<R>> + Send,
    G: Fn(&A) -> Option<A> + Send,
    A::Taken: 'a,
    R: 'a,
{
    fn task(&self) -> &'static Task {
        self.task
    }

    fn look(&self, seen: &mut Seen<'_>) {
        if let Some(arguments) = &self.arguments {
            (self.look)(arguments, seen);
        }
    }

    fn field(&self, index: usize) -> Option<&dyn Display> {
        (self.field)(self.arguments.as_ref()?, index)
    }

    fn store(&self) -> Box<dyn Store<R>> {
        (self.store)()
    }

    fn start(&mut self, draft: PathBuf, last: bool, taken: &mut bool) -> Result<Body<'a, R>> {
        let arguments = self.take(last)?;
        *taken = true;
        Ok((self.body)(arguments, draft))
    }

    fn defer(
        &mut self,
        draft: PathBuf,
        last: bool,
        taken: &mut bool,
    ) -> Result<Box<dyn FnOnce() -> Body<'a, R> + Send + 'a>> {
        let (arguments, body) = (self.take(last)?, self.body.clone());
        *taken = true;
        Ok(Box::new(move || body(arguments, draft)))
    }

    fn travel(&self) -> Option<Travel<R>> {
        self.travel
    }
}

impl<R, A: Args, L, F, B, S, G: Fn(&A) -> Option<A>> Closures<R, A, L, F, B, S, G> {
    /// What the body gets: the arguments themselves, or for a run that may be tried again, the same once more.
    fn take(&mut self, last: bool) -> Result<A::Taken> {
        let again = if last { None } else { self.arguments.as_ref().and_then(&self.again) };
        again.or_else(|| self.arguments.take()).expect("after the last attempt there is none").take()
    }
}

/// The one function that generated code calls.
#[expect(clippy::too_many_arguments, reason = "each is a part of the task function")]
#[track_caller]
pub fn call<'a, R, A, L, F, B, S, G>(
    task: &'static Task,
    arguments: A,
    look: L,
    field: F,
    body: B,
    store: S,
    again: G,
    travel: Option<Travel<R>>,
) -> Call<'a, R>
where
    A: Args<Taken: Send> + Send + 'a,
    L: Fn(&A, &mut Seen<'_>) + Send + 'a,
    F: Fn(&A, usize) -> Option<&dyn Display> + Send + 'a,
    B: Fn(A::Taken, PathBuf) -> Body<'a, R> + Clone + Send + 'a,
    S: Fn() -> Box<dyn Store<R>> + Send + 'a,
    G: Fn(&A) -> Option<A> + Send + 'a,
    A::Taken: 'a,
    R: 'a,
{
    let arguments = Some(arguments);
    Call {
        job: Box::new(Closures { task, arguments, look, field, body, store, again, travel }),
        path: None,
        base: None,
        name: None,
        wait_for: Vec::new(),
        target: None,
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

    /// Has it run only after these: outputs whose data it does not take. It does not run if one of them failed.
    ///
    /// ```
    /// use pipex::{Config, Mode, task};
    ///
    /// #[task]
    /// fn create() {}
    ///
    /// #[task]
    /// fn insert(row: u32) -> u32 {
    ///     row
    /// }
    ///
    /// Config::new().mode(Mode::Prefect).scope(|| {
    ///     let created = create().submit();
    ///     insert(1).wait_for(&created).submit().wait()
    /// })?;
    /// # Ok::<(), pipex::Error>(())
    /// ```
    pub fn wait_for<W>(mut self, outputs: &W) -> Self
    where
        W: Outputs + ToOwned<Owned: Outputs + Send + 'a> + ?Sized,
    {
        self.wait_for.push(Box::new(outputs.to_owned()));
        self
    }

    /// Does it now, in this thread. With an executor it is one of as many runs at a time as there are workers: it may have
    /// to wait for its turn.
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
        let ended = self.value(&label).map(Made::Value).map_err(Failure::new);
        Output::ended(label, None, ended)
    }

    /// Calls the function with its arguments and gives its value, and does nothing else: no target, no claim, no journal, no
    /// executor, whatever `PIPEX` says. For tests of the function alone; see [`testing`](crate::testing).
    ///
    /// ```
    /// use pipex::task;
    ///
    /// #[task]
    /// fn double(x: u32) -> u32 {
    ///     2 * x
    /// }
    ///
    /// assert_eq!(double(21).call()?, 42);
    /// # Ok::<(), pipex::Error>(())
    /// ```
    ///
    /// # Errors
    /// The function's own, as the source; that of an argument's run. A function that writes to its `#[target]` cannot be called
    /// without one.
    pub fn call(mut self) -> Result<R> {
        let (label, waits) = self.label();
        if self.job.task().wants_target {
            return Err(self.error(&label, RunError::NoTarget.into()));
        }
        if waits {
            let mut nodes = Vec::new();
            self.job.look(&mut Seen::unsettled(&mut nodes));
            block_on(settle(nodes));
        }
        self.value(&label)
    }

    /// What the function gives. Its arguments are there.
    fn value(mut self, label: &Label) -> Result<R> {
        let value = match self.job.start(PathBuf::new(), true, &mut false) {
            Ok(Body::Done(value)) => value,
            Ok(Body::Future(future)) => block_on(drive(future)),
            Err(source) => Err(RunError::Upstream { source }.into()),
        };
        value.map_err(|raised| self.error(label, raised.cause))
    }

    fn error(self, label: &Label, source: Cause) -> Error {
        Error::Task { name: label.name(self.name).for_task(self.job.task()), target: None, source }
    }

    /// The label that the call was given or inherits, and whether an argument's run has yet to end, or failed.
    pub(crate) fn label(&mut self) -> (Label, bool) {
        let path = self.path.take().map(|path| context::text(&path));
        let mut label = Label { path, base: self.base.take().map(Arc::from), maker: None };
        let mut waits = false;
        self.job.look(&mut Seen::label(&mut label, &mut waits));
        (label, waits || !self.wait_for.is_empty())
    }

    /// All that can be done without waiting.
    fn begin(self, label: Label) -> Begun<'a, R> {
        let (mut plan, label, place) = match Plan::new(self, label) {
            Ok(planned) => planned,
            Err((failure, label)) => return Begun::Ended(Output::ended(label, None, Err(failure))),
        };
        match plan.is_there(place.as_ref()) {
            Ok(true) => Begun::Ended(Output::ended(label, place, Ok(Made::Saved))),
            Ok(false) => Begun::Missing(Planned { plan, label, place }),
            Err(failure) => Begun::Ended(Output::ended(label, place, Err(failure))),
        }
    }
}

#[expect(clippy::large_enum_variant, reason = "it is taken apart where it is made")]
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
        let Planned { mut plan, label, place } = self;
        settle(plan.unsettled()).await;
        loop {
            let room = room(plan.context().map(|context| &**context), plan.task()).await;
            match plan.produce(place.as_ref()).await {
                Attempt::Ended(outcome) => return Output::ended(label, place, outcome),
                Attempt::Again(delay) => {
                    drop(room);
                    pause(delay, plan.context().and_then(|context| context.flow.as_deref())).await;
                }
            }
        }
    }
}

impl<R: Send + Sync + 'static> Call<'static, R> {
    /// Hands it to the executor and goes on. Without an executor it is done now, and an error stays in the output until it
    /// is asked for; if nobody asks, it becomes the flow's.
    ///
    /// A flow run waits for all that was submitted within it. Outside any flow run nobody does: ask for the output before
    /// the program ends.
    pub fn submit(mut self) -> Output<R> {
        let output = if Context::executes() {
            let (label, _) = self.label();
            match self.into_pending(label, true) {
                Ok(awaited) => {
                    awaited.run.submit();
                    return Output::pending(awaited);
                }
                Err(failed) => failed,
            }
        } else {
            self.now()
        };
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
        match self.into_pending(label, false) {
            Ok(awaited) => Output::pending(awaited),
            Err(failed) => failed,
        }
    }

    fn into_pending(self, label: Label, submitted: bool) -> Result<Arc<Awaited<R>>, Output<R>> {
        let task = self.job.task();
        match Plan::new(self, label) {
            Ok((mut plan, label, place)) => {
                plan.away = Some(away::<R>);
                if submitted {
                    plan.submitted(place.as_ref());
                }
                let context = plan.context().cloned();
                Ok(Awaited::new(task, label, place, context, Box::new(plan)))
            }
            Err((failure, label)) => Err(Output::ended(label, None, Err(failure))),
        }
    }
}

/// Calls a function on a thread where it may take its time, and sees futures through on the runtime.
pub(crate) fn away<R: Send + 'static>(
    work: Work<'static, R>,
    context: Arc<Context>,
) -> Pin<Box<dyn Future<Output = Result<R, Raised>> + Send>> {
    Box::pin(async move {
        let future = match work {
            Work::Future(future) => future,
            Work::Body(body, draft) => match runtime::blocking(Arc::clone(&context), body, draft).await? {
                Body::Done(value) => return value,
                Body::Future(future) => future,
            },
        };
        runtime::spawned(context.enter_async(future)).await?
    })
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
