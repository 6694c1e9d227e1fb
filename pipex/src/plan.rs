//! The path of a call: fill the target, is it there, claim it, get the arguments, run, save, say so.

use std::future::Future;
use std::panic;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::call::{Body, Call, Job};
use crate::context::{self, Context, Filled, Moment};
use crate::error::{Cause, Error, Result, RunError};
use crate::fingerprint::Fingerprint;
use crate::flow::FlowRun;
use crate::later::{Discard, LazyRun, Node};
use crate::mode::Mode;
use crate::report::{State, TaskRun};
use crate::run::{Label, Made, Name, Place};
use crate::runtime::{drive, elsewhere};
use crate::seen::{Seen, fingerprint};
use crate::store::{Claim, Record};
use crate::target::{Field, Fields, Location, TargetError, push};
use crate::task::Task;

/// A call with all that is decided when it is made.
pub(crate) struct Plan<'a, R> {
    job: Box<dyn Job<'a, R> + 'a>,
    run: Run,
    arguments: Fingerprint,
}

/// What is known of a task run whatever becomes of its arguments.
struct Run {
    task: &'static Task,
    mode: Mode,
    context: Option<Arc<Context>>,
    label: Label,
    name: Name,
}

impl<'a, R: Send> Plan<'a, R> {
    /// Decides what the call is about: where its output will be, and that no other call has this place.
    #[expect(clippy::type_complexity, reason = "the three go three ways")]
    pub(crate) fn of(call: Call<'a, R>, label: Label) -> Result<(Self, Label, Option<Place<R>>), (Error, Label)> {
        let Call { job, name, caller, .. } = call;
        let context = Context::current();
        let mode = match context.as_ref().map_or_else(context::outside, |context| context.mode()) {
            Ok(mode) => mode,
            Err(error) => return Err((error, label)),
        };
        let name = Name { given: name.map(Arc::from), base: label.base.clone() };
        let run = Run { task: job.task(), mode, context, label, name };
        let mut plan = Plan { job, run, arguments: Fingerprint::new(0) };

        // A function that is given its target has to write somewhere, in every mode.
        if !mode.caches() && !plan.run.task.wants_target {
            let label = plan.run.label.clone();
            return Ok((plan, label, None));
        }
        let placed = plan.place(caller);
        let label = plan.run.label.clone();
        match placed {
            Ok(place) => Ok((plan, label, Some(place))),
            Err((target, error)) => Err((plan.run.failed(target.as_ref(), error, Duration::ZERO), label)),
        }
    }

    /// Fills the target, and enters it as this call's.
    fn place(&mut self, caller: &'static panic::Location<'static>) -> Result<Place<R>, (Option<Location>, RunError)> {
        if self.run.label.path.is_none() {
            self.run.label.path = Context::path(self.run.context.as_deref());
        }
        let task = self.run.task;
        let location = task.target.target(&Filling(self)).map_err(|error| (None, self.unfilled(error)))?;
        self.arguments = fingerprint(|seen| self.job.look(seen));
        let targets = self.run.flow().map_or(&*context::OUTSIDE, |run| &run.shared.targets);
        match targets.enter(&location, Filled { task, arguments: self.arguments, caller }) {
            Ok(()) => Ok(Place { location, store: self.job.store() }),
            Err(clash) => Err((Some(location), clash)),
        }
    }

    /// Where an argument's run failed, the field that it should have passed on is not the story.
    fn unfilled(&self, error: TargetError) -> RunError {
        self.upstream().unwrap_or_else(|| error.into())
    }

    /// Why it cannot run: the run of an argument failed, whether the function takes its data or only its location.
    fn upstream(&self) -> Option<RunError> {
        let mut failure = None;
        self.job.look(&mut Seen::failure(&mut failure));
        failure.map(|source| RunError::Upstream { source })
    }

    /// Whether the target is there, so that nothing has to run.
    pub(crate) fn is_there(&self, place: Option<&Place<R>>) -> Result<bool> {
        let Some(place) = place.filter(|_| self.run.mode.caches()) else { return Ok(false) };
        let there = place.store.exists(&place.location).map_err(|source| {
            let action = "tell whether the output is there";
            self.run.failed(Some(&place.location), RunError::Store { action, source: source.into() }, Duration::ZERO)
        })?;
        if there {
            self.run.cached(&place.location);
        }
        Ok(there)
    }

    /// The runs among the arguments that have not ended.
    pub(crate) fn unsettled(&self) -> Vec<Arc<dyn Node>> {
        let mut nodes = Vec::new();
        self.job.look(&mut Seen::unsettled(&mut nodes));
        nodes
    }

    /// Claims the target, takes the arguments, runs the function, saves what it gives. What it needs has ended.
    pub(crate) async fn produce(mut self, place: Option<&Place<R>>) -> Result<Made<R>> {
        if self.run.mode.caches() && self.run.name.given.is_none() {
            self.run.name.given =
                self.run.task.name.as_ref().and_then(|name| name.name(&Filling(&self)).ok()).map(Arc::from);
        }
        if let Some(upstream) = self.upstream() {
            return Err(self.run.failed(place.map(|place| &place.location), upstream, Duration::ZERO));
        }
        let Plan { job, run, arguments } = self;
        run.produce(job, arguments, place).await
    }
}

impl Run {
    async fn produce<R: Send>(
        &self,
        job: Box<dyn Job<'_, R> + '_>,
        arguments: Fingerprint,
        place: Option<&Place<R>>,
    ) -> Result<Made<R>> {
        let Some(place) = place else {
            let value = self.call(job, PathBuf::new(), self.context.clone()).await;
            return value.map(Made::Value).map_err(|cause| self.failed(None, cause, Duration::ZERO));
        };
        let started = Instant::now();
        let made = async {
            let Some(claim) = self.claim(place, Record::new(self.task, arguments)).await? else {
                self.cached(&place.location);
                return Ok(Made::Saved);
            };
            let draft = if self.task.wants_target { claim.fresh_draft()? } else { PathBuf::new() };
            let inner = Context::making(self.context.as_ref(), &place.location);
            let value = self.call(job, draft, Some(inner)).await?;
            let saved = place.store.save(claim, &value);
            let bytes = saved.map_err(|source| RunError::Store { action: "save the output", source: source.into() })?;
            self.report(State::Completed, Some(&place.location), started.elapsed(), bytes, None);
            // A function that saves its own output may give something else besides.
            Ok(if self.task.saves { Made::Saved } else { Made::Value(value) })
        };
        made.await.map_err(|cause: Cause| self.failed(Some(&place.location), cause, started.elapsed()))
    }

    /// The right to make the output; `None` if it is there by now.
    async fn claim<R>(&self, place: &Place<R>, record: Record) -> Result<Option<Claim>, Cause> {
        let Place { location, store } = place;
        let path = store.claim_path(location);
        let claimed = match Claim::try_now(&path, location, record) {
            Ok(None) if self.context.as_ref().is_some_and(|context| context.makes(location)) => {
                return Err(RunError::Recursion.into());
            }
            Ok(None) => {
                let location = location.clone();
                elsewhere(move || Claim::wait(path, location, record)).await.flatten()
            }
            Ok(Some(claim)) => Ok(claim),
            Err(error) => Err(error),
        };
        let store_failed = |action, source| RunError::Store { action, source };
        let claim = claimed.map_err(|error| store_failed("claim the target", error.into()))?;
        let there = self.mode.caches()
            && store
                .exists(location)
                .map_err(|source| store_failed("tell whether the output is there", source.into()))?;
        Ok((!there).then_some(claim))
    }

    /// Takes the arguments and calls the function.
    async fn call<R: Send>(
        &self,
        job: Box<dyn Job<'_, R> + '_>,
        draft: PathBuf,
        context: Option<Arc<Context>>,
    ) -> Result<R, Cause> {
        let start = || job.start(draft);
        let body = match &context {
            Some(context) => context.enter(start),
            None => start(),
        };
        match (body.map_err(|source| RunError::Upstream { source })?, context) {
            (Body::Done(value), _) => value,
            (Body::Future(future), Some(context)) => context.enter_async(drive(future)).await,
            (Body::Future(future), None) => drive(future).await,
        }
    }

    fn flow(&self) -> Option<&FlowRun> {
        self.context.as_ref()?.flow.as_deref()
    }

    fn cached(&self, target: &Location) {
        self.report(State::Cached, Some(target), Duration::ZERO, 0, None);
    }

    /// The error of this run.
    fn failed(&self, target: Option<&Location>, cause: impl Into<Cause>, elapsed: Duration) -> Error {
        let name = self.name.of(self.task);
        let error = Error::Task { name, target: target.cloned(), source: cause.into() };
        self.report(State::Failed, target, elapsed, 0, Some(&error));
        error
    }

    fn report(&self, state: State, target: Option<&Location>, elapsed: Duration, bytes: u64, error: Option<&Error>) {
        if !self.mode.caches() {
            return;
        }
        let task = self.task;
        tracing::debug!(
            task = task.funcname,
            target = target.map(Location::as_str),
            ?state,
            ?elapsed,
            bytes,
            "task run ended"
        );
        if let Some(context) = &self.context {
            context.report(&TaskRun { task, state, target, elapsed, bytes, error, attempt: 1, name: &self.name });
        }
    }
}

impl<R> Discard for Plan<'_, R> {}

impl<R: Send + Sync + 'static> LazyRun<R> for Plan<'static, R> {
    fn task(&self) -> &'static Task {
        self.run.task
    }

    fn inputs(&self) -> Vec<Arc<dyn Node>> {
        self.unsettled()
    }

    fn is_there(&self, place: Option<&Place<R>>) -> Result<bool> {
        Plan::is_there(self, place)
    }

    fn produce<'p>(
        self: Box<Self>,
        place: Option<&'p Place<R>>,
    ) -> Pin<Box<dyn Future<Output = Result<Made<R>>> + Send + 'p>> {
        Box::pin(Plan::produce(*self, place))
    }
}

/// What a plan's templates are filled with.
struct Filling<'p, 'a, R>(&'p Plan<'a, R>);

impl<R> Fields for Filling<'_, '_, R> {
    fn write(&self, field: Field, out: &mut String) -> Result<(), TargetError> {
        let Plan { job, run, .. } = self.0;
        let missing = |advice| TargetError::Missing { field: field.to_string(), advice };
        let text = match field {
            Field::Path => run.label.path.as_deref().ok_or_else(|| {
                missing("set it with `.path(..)` on the call, `#[flow(path = ..)]`, `Config::path` or PIPEX_PATH")
            })?,
            Field::Base => run.label.base.as_deref().ok_or_else(|| {
                missing("set it with `.base(..)` on the call, or on the call whose output this one takes first")
            })?,
            Field::Funcname => run.task.funcname,
            Field::Module => run.task.module,
            Field::Flow => run.flow().map(|run| run.flow.name).ok_or_else(|| missing("call the task within a flow"))?,
            Field::Parameter(index, _) => {
                let value = job.field(index).ok_or_else(|| missing("the macro does not know it"))?;
                return push(out, field, value);
            }
            Field::Env(name) => {
                let value = std::env::var(name).map_err(|_| missing("set the environment variable, to UTF-8 text"))?;
                return push(out, field, &value);
            }
            Field::Now(part) => {
                let own = Moment::default();
                let now = run.flow().map_or(&own, |run| &run.shared.now).get_or_init(jiff::ZonedDateTime::now);
                let format = match part {
                    "date" => "%Y-%m-%d",
                    "time" => "%H-%M-%S",
                    "datetime" => "%Y-%m-%dT%H-%M-%S",
                    "year" => "%Y",
                    "month" => "%m",
                    "day" => "%d",
                    "hour" => "%H",
                    "minute" => "%M",
                    "second" => "%S",
                    _ => return Err(missing("there are date, time, datetime, year, month, day, hour, minute, second")),
                };
                return push(out, field, &now.strftime(format));
            }
        };
        out.push_str(text);
        Ok(())
    }
}
