//! A call: a task function with its arguments, on its way to an output.

use std::fmt;
use std::future::{Future, IntoFuture, ready};
use std::marker::PhantomData;
use std::panic;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;

use crate::graph::arg::Args;
use crate::graph::handles::{Handed, Handles, Several};
use crate::graph::holds::HasOutputs;
use crate::graph::inputs::Inputs;
use crate::graph::kept::Data;
use crate::graph::node::Node;
use crate::graph::outcome::{Ended, Label, Produced, path_text};
use crate::graph::output::Output;
use crate::graph::settle::settle;
use crate::graph::visitor::{Findings, Visitor};
use crate::run::body::{Body, BodyFuture, Called, Started};
use crate::run::carrier::Travel;
use crate::run::context::Context;
use crate::run::function::{Closures, DynCall, TaskCall};
use crate::run::plan::{Asked, Plan, drive_in};
use crate::run::product::Product;
use crate::run::submission::{be_lazy, give_failed, submit};
use crate::runtime::block_on;
use pipex_format::model::error::{Cause, Error, Result, RunError};
#[cfg(feature = "remote")]
use pipex_format::model::target::Location;
use pipex_format::model::task::Task;

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
    pub(crate) asked: Asked<'a>,
    /// What it gives: one output, or several.
    gives: PhantomData<fn() -> O>,
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
    travel: Option<fn() -> Travel>,
) -> Call<'a, R, O>
where
    O: Handles<R> + 'a,
    A: Args<Taken: Send> + Send + 'a,
    L: Fn(&A, &mut Visitor<'_>) + Send + 'a,
    F: Fn(&A, usize, &mut dyn fmt::Write) -> Option<fmt::Result> + Send + 'a,
    B: Fn(A::Taken, Vec<PathBuf>) -> Body<'a, R> + Copy + Send + 'a,
    S: Fn() -> O::Stores + Send + 'a,
    G: Fn(&A) -> Option<A> + Send + 'a,
    A::Taken: 'a,
    R: Send + Sync + 'static,
{
    let (arguments, product, gives) =
        (Some(arguments), Product::new(size_of::<R>() == 0, travel), PhantomData::<fn() -> (R, O)>);
    Call {
        job: Box::new(Closures { task, arguments, accept, field, body, store, again, product, gives }),
        asked: Asked { path: None, base: None, more: None, caller: panic::Location::caller() },
        gives: PhantomData,
    }
}

impl<'a, R, O> Call<'a, R, O> {
    /// Sets the template's field `path`, for this call and the calls that take its output.
    pub fn path(mut self, path: impl Into<PathBuf>) -> Self {
        self.asked.path = Some(path_text(&path.into()));
        self
    }

    /// Sets the template's field `base`, for this call and the calls that take its output.
    pub fn base(mut self, base: impl fmt::Display) -> Self {
        self.asked.base = Some(base.to_string().into());
        self
    }

    /// Sets the task run's name, which errors and logs give.
    pub fn name(mut self, name: impl fmt::Display) -> Self {
        self.asked.more.get_or_insert_default().name = Some(name.to_string().into());
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
        self.asked.more.get_or_insert_default().wait_for.push(Box::new(outputs.to_owned()));
        self
    }
}

impl<'a, R: Send + Sync + 'static, O: Handles<R>> Call<'a, R, O> {
    /// Does it now, in this thread. With an executor it is one of as many runs at a time as there are workers: it may have
    /// to wait for its turn.
    ///
    /// # Errors
    /// The task run's: what the function returned, what the store said, or what an argument's own run did.
    pub fn run(mut self) -> Result<O> {
        if let Some(label) = find_simple(&*self.job, &self.asked) {
            return self.call_simply(label).map_err(|failed| failed.1);
        }
        match run_now(&mut *self.job, self.asked, O::SEVERAL) {
            Ok(mut outputs) => Ok(O::of(&mut outputs)),
            Err(error) => Err(error),
        }
    }

    /// Where nothing is checked and all arguments are there, the function is simply called.
    #[inline]
    fn call_simply(&mut self, label: Label) -> Result<O, Box<(Label, Error)>> {
        let started = match self.job.call(Vec::new(), true, None) {
            Ok(Body::Done(Ok(value))) => return Ok(O::given(label, value)),
            Ok(body) => Ok(body.into()),
            Err(error) => Err(error),
        };
        match finish_call(&*self.job, &label, &mut self.asked, started) {
            Ok(data) => {
                let ended = Ended { label, outcome: Ok(Produced::Value) };
                Ok(O::of(&mut Handed::ended(ended, None, Some(data), O::SEVERAL)))
            }
            Err(error) => Err(Box::new((label, error))),
        }
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
        let data = call_alone(&mut *self.job, &mut self.asked)?;
        Ok(O::value(data.take()))
    }
}

/// Does a call, in this thread.
fn run_now(job: &mut DynCall<'_>, asked: Asked<'_>, several: Option<Several>) -> Result<Handed> {
    let ended = do_now(job, asked);
    into_outputs(job, ended, several)
}

/// The outputs of a call that has ended, or its error.
fn into_outputs(job: &mut DynCall<'_>, ended: Ended, several: Option<Several>) -> Result<Handed> {
    match &ended.outcome {
        Err(failure) => Err(failure.ask()),
        Ok(_) => Ok(give_outputs(job, ended, several)),
    }
}

/// The outputs of a call that has ended, whichever way.
pub(super) fn give_outputs(job: &mut DynCall<'_>, ended: Ended, several: Option<Several>) -> Handed {
    let product = job.product_mut();
    // Of one that was not saved in the end, or that another has made meanwhile, nobody gets it.
    let data = if let Ok(Produced::Value) = ended.outcome { product.take() } else { None };
    Handed::ended(ended, product.place(), data, several)
}

/// What the call inherits, if the function is simply to be called: then there is no executor, and all is to be made.
fn find_simple(job: &DynCall<'_>, asked: &Asked<'_>) -> Option<Label> {
    if !Context::does_nothing() || job.task().wants_target {
        return None;
    }
    let (label, inputs) = find_inputs(job, asked);
    inputs.were_ready().then_some(label)
}

/// Does it now, and says where the output is, or the first of several.
#[cfg(feature = "remote")]
pub(crate) fn run_to_location(job: &mut DynCall<'static>, asked: Asked<'static>) -> Result<Option<Location>> {
    do_now(job, asked).outcome.map_err(|failure| failure.ask())?;
    let place = job.place().map(|place| place.spot());
    Ok(place.filter(|spot| !spot.is_in_memory()).map(|spot| spot.location.clone()))
}

/// Does a call, in this thread. Of its own, so that a simple call has none of it on its stack.
#[inline(never)]
pub(super) fn do_now<'a>(job: &mut DynCall<'a>, asked: Asked<'_>) -> Ended {
    match begin(job, asked) {
        Begun::Ended(ended) => ended,
        begun => block_on(begun.finish(job)),
    }
}

/// Calls the function alone, once its arguments are there.
fn call_alone(job: &mut DynCall<'_>, asked: &mut Asked<'_>) -> Result<Data> {
    let (label, inputs) = find_inputs(job, asked);
    if job.task().wants_target {
        return Err(call_error(job, &label, asked, RunError::NoTarget.into()));
    }
    block_on(settle(inputs.unsettled()));
    let started = job.start(Vec::new(), true, None);
    finish_call(job, &label, asked, started)
}

/// What the call inherits from its arguments, and waits for.
fn find_inputs(job: &DynCall<'_>, asked: &Asked<'_>) -> (Label, Inputs) {
    let mut label = Label::new(asked.path.clone(), asked.base.clone());
    let mut inputs = Inputs::default();
    let mut visitor = Visitor::finding(Findings {
        label: &mut label,
        inputs: &mut inputs,
        hasher: None,
        journal: None,
        taken: None,
        waits: false,
    });
    job.accept(&mut visitor);
    let wait_for = asked.more.iter().flat_map(|more| &more.wait_for);
    wait_for.for_each(|outputs| visitor.wait_for(&**outputs));
    (label, inputs)
}

/// Sees a function through that was called alone.
#[cold]
fn finish_call(job: &DynCall<'_>, label: &Label, asked: &mut Asked<'_>, started: Result<Started<'_>>) -> Result<Data> {
    let called = match started {
        Ok(Started::Done(called)) => called,
        Ok(Started::Future(future)) => see_through(future),
        Err(source) => Err(RunError::Upstream { source }.into()),
    };
    called.map_err(|raised| call_error(job, label, asked, raised.cause))
}

fn call_error(job: &DynCall<'_>, label: &Label, asked: &mut Asked<'_>, source: Cause) -> Error {
    let given = asked.more.take().and_then(|more| more.name);
    Error::Task { name: label.name(given).for_task(job.task()), target: None, source }
}

/// Of its own, so that a synchronous call has none of it on its stack.
#[inline(never)]
fn see_through(future: BodyFuture<'_>) -> Called {
    block_on(drive_in(Context::current(), future))
}

/// All that can be done of a call without waiting.
fn begin<'a>(job: &mut DynCall<'a>, asked: Asked<'_>) -> Begun<'a> {
    let plan = match Plan::new(job, asked) {
        Ok(plan) => plan,
        Err((failure, label)) => return Begun::Ended(Ended { label, outcome: Err(failure) }),
    };
    if let Some(failure) = plan.not_asked(job.place()) {
        return Begun::Ended(Ended { label: plan.into_label(), outcome: Err(failure) });
    }
    let undecided = plan.undecided();
    if undecided.is_empty() { Begun::decide(plan, job) } else { Begun::Undecided(plan, undecided) }
}

enum Begun<'a> {
    Ended(Ended),
    Missing(Plan<'a>),
    /// These have to end first.
    Undecided(Plan<'a>, Vec<Arc<dyn Node>>),
}

impl<'a> Begun<'a> {
    /// Sees whether it has to run.
    fn decide(mut plan: Plan<'a>, job: &DynCall<'a>) -> Self {
        let outcome = match plan.is_there(job) {
            Ok(true) => Ok(Produced::Saved),
            Ok(false) => return Begun::Missing(plan),
            Err(failure) => Err(failure),
        };
        Begun::Ended(Ended { label: plan.into_label(), outcome })
    }

    async fn finish(mut self, job: &mut DynCall<'a>) -> Ended {
        loop {
            self = match self {
                Begun::Ended(ended) => return ended,
                Begun::Missing(mut plan) => {
                    settle(plan.inputs()).await;
                    let outcome = plan.run_here(job).await;
                    return Ended { label: plan.into_label(), outcome };
                }
                Begun::Undecided(plan, inputs) => {
                    settle(inputs).await;
                    Begun::decide(plan, job)
                }
            };
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
        let mut call = self;
        if let Some(label) = find_simple(&*call.job, &call.asked) {
            return call.call_simply(label).unwrap_or_else(|failed| O::of(&mut give_failed(*failed, O::SEVERAL)));
        }
        O::of(&mut submit(call.job, call.asked, O::SEVERAL))
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
        O::of(&mut be_lazy(self.job, self.asked, O::SEVERAL))
    }
}

/// The same as [`run`](Call::run), from async code: an async function is awaited where it is called; a synchronous one, and
/// the store, run on the thread that polls.
impl<'a, R: Send + Sync + 'static, O: Handles<R> + Send + 'a> IntoFuture for Call<'a, R, O> {
    type Output = Result<O>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send + 'a>>;

    fn into_future(mut self) -> Self::IntoFuture {
        match begin(&mut *self.job, self.asked) {
            Begun::Ended(ended) => {
                let outputs = into_outputs(&mut *self.job, ended, O::SEVERAL);
                Box::pin(ready(outputs.map(|mut outputs| O::of(&mut outputs))))
            }
            begun => Box::pin(async move {
                let ended = begun.finish(&mut *self.job).await;
                into_outputs(&mut *self.job, ended, O::SEVERAL).map(|mut outputs| O::of(&mut outputs))
            }),
        }
    }
}
