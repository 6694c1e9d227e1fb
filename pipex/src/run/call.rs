//! A call: a task function with its arguments, on its way to an output.

use std::fmt;
use std::future::{Future, IntoFuture, ready};
use std::marker::PhantomData;
use std::panic;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use crate::graph::arg::Args;
use crate::graph::handles::Handles;
use crate::graph::holds::HasOutputs;
use crate::graph::host::Host;
use crate::graph::inputs::Inputs;
use crate::graph::make::Make;
use crate::graph::node::Node;
use crate::graph::outcome::{Ended, Failure, Label, Produced, path_text};
use crate::graph::output::Output;
use crate::graph::pending::{LazyRun as _, NewRun, PendingRun};
use crate::graph::place::{Place, Spot};
use crate::graph::settle::settle;
use crate::graph::visitor::{Findings, Visitor};
use crate::run::carrier::Travel;
use crate::run::context::Context;
use crate::run::plan::{Plan, drive_in};
use crate::run::record;
use crate::runtime::panics::Panic;
use crate::runtime::{block_on, spawn, spawn_blocking};
use pipex_format::journal::Given;
use pipex_format::model::error::{Cause, Error, Result, RunError};
use pipex_format::model::target::Location;
use pipex_format::model::task::Task;
use pipex_format::store::Draft;

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
pub struct Call<'a, R, O = Output<R>> {
    pub(crate) job: Box<dyn TaskCall<'a, R> + 'a>,
    pub(crate) path: Option<Arc<str>>,
    pub(crate) base: Option<Arc<str>>,
    pub(crate) beside: Option<Box<Beside<'a>>>,
    pub(crate) caller: &'static panic::Location<'static>,
    /// What it gives: one output, or several.
    gives: PhantomData<fn() -> O>,
}

/// What few calls are told: a call is small, since it is moved often.
#[derive(Default)]
pub(crate) struct Beside<'a> {
    pub(crate) name: Option<Arc<str>>,
    pub(crate) wait_for: Vec<Box<dyn HasOutputs + Send + 'a>>,
    /// Where its outputs are to be, if it is not to be asked of the templates.
    pub(crate) targets: Vec<Location>,
}

/// A function with its arguments, whatever it gives.
pub(crate) trait AnyCall: Send {
    fn task(&self) -> &'static Task;
    fn accept(&self, visitor: &mut Visitor<'_>);
    /// Writes what a template names of the arguments.
    fn field(&self, index: usize, out: &mut dyn fmt::Write) -> Option<fmt::Result>;
}

/// A function with its arguments.
pub(crate) trait TaskCall<'a, R>: AnyCall {
    /// Where its outputs will be.
    fn place(
        &self,
        locations: &mut dyn Iterator<Item = Location>,
        spot: &mut dyn FnMut(Location, &str) -> Spot,
    ) -> Place<R>;
    /// Takes the arguments and calls the function; `drafts` are where one that saves its own outputs writes them.
    /// With `last` the arguments are used up, else the function can be called again. In `taken` it says that they are there.
    fn start(&mut self, drafts: Vec<PathBuf>, last: bool, taken: Option<&mut Option<Instant>>) -> Result<Body<'a, R>>;
    /// Takes the arguments here; what comes back calls the function, anywhere.
    fn defer(
        &mut self,
        drafts: Vec<PathBuf>,
        last: bool,
        taken: Option<&mut Option<Instant>>,
    ) -> Result<Box<dyn FnOnce() -> Body<'a, R> + Send + 'a>>;
    #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "only jobs for other processes ask for it"))]
    /// How its output goes from process to process, if it can.
    fn travel(&self) -> Option<Travel<R>>;
}

/// An async function that has been called.
type BodyFuture<'a, R> = Pin<Box<dyn Future<Output = Result<R, Raised>> + Send + 'a>>;

/// How a body goes on away from the thread that started it.
pub(crate) type Away<'a, R> = fn(Work<'a, R>, Arc<Context>) -> BodyFuture<'a, R>;

/// What there is to be done of a call.
pub(crate) enum Work<'a, R> {
    /// To call the function; if nobody waits for it any longer, what it wrote goes with its drafts.
    Body(Box<dyn FnOnce() -> Body<'a, R> + Send + 'a>, Vec<Draft>),
    /// To see its future through.
    Future(BodyFuture<'a, R>),
}

/// A function that has been called: done, or a future.
pub enum Body<'a, R> {
    #[doc(hidden)]
    Done(Result<R, Raised>),
    #[doc(hidden)]
    Future(BodyFuture<'a, R>),
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

/// The closures that the macro writes, and the arguments they are about.
struct Closures<R, O, A, L, F, B, S, G> {
    task: &'static Task,
    arguments: Option<A>,
    accept: L,
    field: F,
    body: B,
    store: S,
    again: G,
    travel: Option<Travel<R>>,
    gives: PhantomData<fn() -> O>,
}

impl<R, O, A, L, F, B, S, G> AnyCall for Closures<R, O, A, L, F, B, S, G>
where
    O: Handles<R>,
    A: Args + Send,
    L: Fn(&A, &mut Visitor<'_>) + Send,
    F: Fn(&A, usize, &mut dyn fmt::Write) -> Option<fmt::Result> + Send,
    B: Send,
    S: Send,
    G: Send,
{
    fn task(&self) -> &'static Task {
        self.task
    }

    fn accept(&self, visitor: &mut Visitor<'_>) {
        if let Some(arguments) = &self.arguments {
            (self.accept)(arguments, visitor);
        }
    }

    fn field(&self, index: usize, out: &mut dyn fmt::Write) -> Option<fmt::Result> {
        (self.field)(self.arguments.as_ref()?, index, out)
    }
}

impl<'a, R, O, A, L, F, B, S, G> TaskCall<'a, R> for Closures<R, O, A, L, F, B, S, G>
where
    O: Handles<R>,
    A: Args<Taken: Send> + Send,
    L: Fn(&A, &mut Visitor<'_>) + Send,
    F: Fn(&A, usize, &mut dyn fmt::Write) -> Option<fmt::Result> + Send,
    B: Fn(A::Taken, Vec<PathBuf>) -> Body<'a, R> + Clone + Send + 'a,
    S: Fn() -> O::Stores + Send,
    G: Fn(&A) -> Option<A> + Send,
    A::Taken: 'a,
    R: 'a,
{
    fn place(
        &self,
        locations: &mut dyn Iterator<Item = Location>,
        spot: &mut dyn FnMut(Location, &str) -> Spot,
    ) -> Place<R> {
        O::place((self.store)(), locations, spot)
    }

    fn start(&mut self, drafts: Vec<PathBuf>, last: bool, taken: Option<&mut Option<Instant>>) -> Result<Body<'a, R>> {
        let arguments = self.take(last)?;
        note_now(taken);
        Ok((self.body)(arguments, drafts))
    }

    fn defer(
        &mut self,
        drafts: Vec<PathBuf>,
        last: bool,
        taken: Option<&mut Option<Instant>>,
    ) -> Result<Box<dyn FnOnce() -> Body<'a, R> + Send + 'a>> {
        let (arguments, body) = (self.take(last)?, self.body.clone());
        note_now(taken);
        Ok(Box::new(move || body(arguments, drafts)))
    }

    fn travel(&self) -> Option<Travel<R>> {
        self.travel
    }
}

impl<R, O, A: Args, L, F, B, S, G: Fn(&A) -> Option<A>> Closures<R, O, A, L, F, B, S, G> {
    /// What the body gets: the arguments themselves, or for a run that may be tried again, the same once more.
    fn take(&mut self, last: bool) -> Result<A::Taken> {
        let again = if last { None } else { self.arguments.as_ref().and_then(&self.again) };
        again.or_else(|| self.arguments.take()).expect("after the last attempt there is none").take()
    }
}

/// The arguments have been taken, if somebody wants to know when.
fn note_now(taken: Option<&mut Option<Instant>>) {
    if let Some(taken) = taken {
        *taken = Some(Instant::now());
    }
}

/// The one function that generated code calls.
#[expect(clippy::too_many_arguments, reason = "each is a part of the task function")]
#[track_caller]
pub fn call<'a, R, O, A, L, F, B, S, G>(
    task: &'static Task,
    arguments: A,
    accept: L,
    field: F,
    body: B,
    store: S,
    again: G,
    travel: Option<Travel<R>>,
) -> Call<'a, R, O>
where
    O: Handles<R> + 'a,
    A: Args<Taken: Send> + Send + 'a,
    L: Fn(&A, &mut Visitor<'_>) + Send + 'a,
    F: Fn(&A, usize, &mut dyn fmt::Write) -> Option<fmt::Result> + Send + 'a,
    B: Fn(A::Taken, Vec<PathBuf>) -> Body<'a, R> + Clone + Send + 'a,
    S: Fn() -> O::Stores + Send + 'a,
    G: Fn(&A) -> Option<A> + Send + 'a,
    A::Taken: 'a,
    R: 'a,
{
    let arguments = Some(arguments);
    Call {
        job: Box::new(Closures {
            task,
            arguments,
            accept,
            field,
            body,
            store,
            again,
            travel,
            gives: PhantomData::<fn() -> O>,
        }),
        path: None,
        base: None,
        beside: None,
        caller: panic::Location::caller(),
        gives: PhantomData,
    }
}

impl<'a, R: Send, O: Handles<R>> Call<'a, R, O> {
    /// Sets the template's field `path`, for this call and the calls that take its output.
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.path = Some(path_text(&path.into()));
        self
    }

    /// Sets the template's field `base`, for this call and the calls that take its output.
    pub fn base(mut self, base: impl fmt::Display) -> Self {
        self.base = Some(base.to_string().into());
        self
    }

    /// Sets the task run's name, which errors and logs give.
    pub fn name(mut self, name: impl fmt::Display) -> Self {
        self.beside.get_or_insert_default().name = Some(name.to_string().into());
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
        W: HasOutputs + ToOwned<Owned: HasOutputs + Send + 'a> + ?Sized,
    {
        self.beside.get_or_insert_default().wait_for.push(Box::new(outputs.to_owned()));
        self
    }

    /// Does it now, in this thread. With an executor it is one of as many runs at a time as there are workers: it may have
    /// to wait for its turn.
    ///
    /// # Errors
    /// The task run's: what the function returned, what the store said, or what an argument's own run did.
    pub fn run(self) -> Result<O> {
        self.now().into_outputs()
    }

    fn now(mut self) -> Ended<R> {
        // Where nothing is checked and all arguments are there, the function is simply called.
        if Context::does_nothing() && !self.job.task().wants_target {
            let (label, inputs) = self.find_inputs();
            if inputs.were_ready() {
                let outcome = self.value(&label).map(Produced::Value).map_err(Failure::new);
                return Ended { label, place: None, outcome };
            }
        }
        self.settle()
    }

    /// Does it now, and says where the output is, or the first of several.
    #[cfg(feature = "remote")]
    pub(crate) fn run_to_location(self) -> Result<Option<Location>> {
        let Ended { place, outcome, .. } = self.now();
        outcome.map_err(|failure| failure.ask())?;
        Ok(place.filter(|place| !place.is_in_memory()).map(|place| place.location.clone()))
    }

    /// Of its own, so that a simple call has none of it on its stack.
    #[inline(never)]
    fn settle(self) -> Ended<R> {
        match self.begin() {
            Begun::Ended(ended) => ended,
            begun => block_on(begun.finish()),
        }
    }

    /// What the call inherits from its arguments, and waits for.
    fn find_inputs(&self) -> (Label, Inputs) {
        let mut label = Label::new(self.path.clone(), self.base.clone());
        let mut inputs = Inputs::default();
        let mut visitor = Visitor::finding(Findings {
            label: &mut label,
            inputs: &mut inputs,
            hasher: None,
            journal: None,
            taken: None,
            waits: false,
        });
        self.job.accept(&mut visitor);
        let wait_for = self.beside.iter().flat_map(|beside| &beside.wait_for);
        wait_for.for_each(|outputs| visitor.wait_for(&**outputs));
        (label, inputs)
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
    pub fn call(mut self) -> Result<O::Value> {
        let (label, inputs) = self.find_inputs();
        if self.job.task().wants_target {
            return Err(self.error(&label, RunError::NoTarget.into()));
        }
        block_on(settle(inputs.unsettled()));
        self.value(&label).map(O::value)
    }

    /// What the function gives. Its arguments are there.
    fn value(&mut self, label: &Label) -> Result<R> {
        let value = match self.job.start(Vec::new(), true, None) {
            Ok(Body::Done(value)) => value,
            Ok(Body::Future(future)) => see_through(future),
            Err(source) => Err(RunError::Upstream { source }.into()),
        };
        value.map_err(|raised| self.error(label, raised.cause))
    }

    fn error(&mut self, label: &Label, source: Cause) -> Error {
        let given = self.beside.take().and_then(|beside| beside.name);
        Error::Task { name: label.name(given).for_task(self.job.task()), target: None, source }
    }

    /// All that can be done without waiting.
    fn begin(self) -> Begun<'a, R> {
        let (plan, place) = match Plan::new(self) {
            Ok(planned) => planned,
            Err((failure, label)) => return Begun::Ended(Ended { label, place: None, outcome: Err(failure) }),
        };
        if let Some(failure) = plan.not_asked(place.as_ref().map(Place::any)) {
            return Begun::Ended(Ended { label: plan.into_label(), place, outcome: Err(failure) });
        }
        let undecided = plan.undecided();
        let planned = Planned { plan, place };
        if undecided.is_empty() { planned.decide() } else { Begun::Undecided(planned, undecided) }
    }
}

/// Of its own, so that a synchronous call has none of it on its stack.
#[inline(never)]
fn see_through<R: Send>(future: BodyFuture<'_, R>) -> Result<R, Raised> {
    block_on(drive_in(Context::current(), future))
}

enum Begun<'a, R> {
    Ended(Ended<R>),
    Missing(Planned<'a, R>),
    /// These have to end first.
    Undecided(Planned<'a, R>, Vec<Arc<dyn Node>>),
}

impl<R: Send> Begun<'_, R> {
    async fn finish(mut self) -> Ended<R> {
        loop {
            self = match self {
                Begun::Ended(ended) => return ended,
                Begun::Missing(planned) => return planned.finish().await,
                Begun::Undecided(planned, inputs) => {
                    settle(inputs).await;
                    planned.decide()
                }
            };
        }
    }
}

struct Planned<'a, R> {
    plan: Plan<'a, R>,
    place: Option<Place<R>>,
}

impl<'a, R: Send> Planned<'a, R> {
    /// Sees whether it has to run.
    fn decide(mut self) -> Begun<'a, R> {
        let outcome = match self.plan.is_there(self.place.as_ref()) {
            Ok(true) => Ok(Produced::Saved),
            Ok(false) => return Begun::Missing(self),
            Err(failure) => Err(failure),
        };
        Begun::Ended(Ended { label: self.plan.into_label(), place: self.place, outcome })
    }

    async fn finish(self) -> Ended<R> {
        let Planned { mut plan, place } = self;
        settle(plan.inputs()).await;
        let outcome = plan.run_here(place.as_ref()).await;
        Ended { label: plan.into_label(), place, outcome }
    }
}

impl<R> Ended<R> {
    fn into_outputs<O: Handles<R>>(self) -> Result<O> {
        match &self.outcome {
            Err(failure) => Err(failure.ask()),
            Ok(_) => Ok(O::ended(self)),
        }
    }
}

// The compiler shows the lines of the conditions where an argument borrows a local: the comments are the advice.
impl<'a, R: Send + Sync + 'static, O: Handles<R>> Call<'a, R, O> {
    /// Hands it to the executor and goes on. Without an executor it is done now, and an error stays in the output until it
    /// is asked for; if nobody asks, it becomes the flow's.
    ///
    /// A flow run waits for all that was submitted within it. Outside any flow run nobody does: ask for the output before
    /// the program ends.
    ///
    /// Its arguments outlive the caller: pass what it borrows by value, or as `Output::from(x)`.
    pub fn submit(self) -> O
    where
        'a: 'static, // it may run when its caller is gone: pass what is borrowed by value, or as `Output::from(x)`
    {
        if let Some(make) = Context::requested() {
            return self.make(make);
        }
        let ended = if Context::executes() {
            match self.into_pending(true) {
                Ok((outputs, _)) => return outputs,
                Err(ended) => ended,
            }
        } else {
            self.now()
        };
        if let Err(failure) = &ended.outcome {
            count_failed(failure);
        }
        O::ended(ended)
    }

    /// Does it only if a call that takes its output has to run, or someone asks for its data.
    ///
    /// What is upstream of targets that are there never runs, so large interim outputs can be deleted.
    ///
    /// Its arguments outlive the caller: pass what it borrows by value, or as `Output::from(x)`.
    #[must_use = "a lazy call that nobody asks for never runs"]
    pub fn lazy(self) -> O
    where
        'a: 'static, // it may run when its caller is gone: pass what is borrowed by value, or as `Output::from(x)`
    {
        if let Some(make) = Context::requested() {
            return self.make(make);
        }
        match self.into_pending(false) {
            Ok((outputs, _)) => outputs,
            Err(ended) => O::ended(ended),
        }
    }

    /// Where only what was asked for is made: does it if it is that, else only if that needs it.
    fn make(self, make: &Make) -> O
    where
        'a: 'static,
    {
        let task = self.job.task();
        let (outputs, run) = match self.into_pending(false) {
            Ok(pending) => pending,
            Err(ended) => return O::ended(ended),
        };
        if !run.place().is_some_and(|place| make.meet(task, place.any().spots().map(|spot| &spot.location))) {
            return outputs;
        }
        if Context::executes() {
            run.submit(false);
        } else {
            block_on(settle(vec![Arc::clone(&run) as Arc<dyn Node>]));
            if let Some(Err(failure)) = run.ended() {
                count_failed(failure);
            }
        }
        outputs
    }

    /// The run, with its executor if it was submitted; or how it has ended at once.
    #[expect(clippy::result_large_err, reason = "it is taken apart where it is made")]
    fn into_pending(self, submitted: bool) -> Result<(O, Arc<PendingRun<R>>), Ended<R>>
    where
        'a: 'static,
    {
        let task = self.job.task();
        match Plan::new(self) {
            Ok((mut plan, place)) => {
                plan.away = Some(away::<R>);
                let mut is_to_run = false;
                if submitted {
                    plan.submitted(place.as_ref().map(Place::any));
                    match plan.look_at_once(place.as_ref()) {
                        None => {}
                        Some(Ok(false)) => is_to_run = true,
                        Some(there) => {
                            let outcome = there.map(|_| Produced::Saved);
                            return Err(Ended { label: plan.into_label(), place, outcome });
                        }
                    }
                } else if Context::requested().is_none() {
                    plan.be_lazy();
                }
                place.iter().for_each(|place| plan.expect(place));
                let host = plan.context().map(|context| Arc::clone(context) as Arc<dyn Host>);
                let (outputs, run) =
                    O::pending(NewRun { task, label: plan.label().clone(), place, host, run: Box::new(plan) });
                if submitted {
                    run.submit(is_to_run);
                }
                Ok((outputs, run))
            }
            Err((failure, label)) => Err(Ended { label, place: None, outcome: Err(failure) }),
        }
    }
}

/// Has the flow run know of a failure that nobody may ask for.
fn count_failed(failure: &Arc<Failure>) {
    if let Some(run) = Context::current().and_then(|context| context.flow.clone()) {
        run.count_failed(Arc::clone(failure));
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
            Work::Body(body, drafts) => {
                let inside = Arc::clone(&context);
                // If nobody waits for it any longer when it returns, the drafts go with what it gave.
                let called = spawn_blocking(move || record::carry(|| (inside.enter(body), drafts))).await?;
                let (body, drafts) = record::arrive(called);
                drafts.into_iter().for_each(Draft::keep);
                match body {
                    Body::Done(value) => return value,
                    Body::Future(future) => future,
                }
            }
        };
        record::arrive(spawn(record::carry_async(context.enter_async(future))).await?)
    })
}

/// The same as [`run`](Call::run), from async code: an async function is awaited where it is called; a synchronous one, and
/// the store, run on the thread that polls.
impl<'a, R: Send + Sync + 'a, O: Handles<R> + Send + 'a> IntoFuture for Call<'a, R, O> {
    type Output = Result<O>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        match self.begin() {
            Begun::Ended(ended) => Box::pin(ready(ended.into_outputs())),
            begun => Box::pin(async { begun.finish().await.into_outputs() }),
        }
    }
}
