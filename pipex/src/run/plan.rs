//! The path of a call: fill the target, is it there, claim it, get the arguments, run, save, say so.

mod comparing;
mod elsewhere;
mod events;
mod filling;

use std::future::Future;
use std::panic;
use std::path::PathBuf;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tracing::Instrument as _;

pub(crate) use self::elsewhere::serve;
use self::events::Details;
use self::filling::Filling;
use crate::run::call::{Away, Body, Call, Job, Raised, Work};
use crate::run::context::{self, Context, Filled};
use crate::run::dry_run::{self, DryRun};
use crate::run::flow_run::FlowRun;
use crate::run::heartbeat;
use crate::run::outcome::{Attempt, Failure, Label, Made, Maker, Place};
use crate::run::panics::{Panic, Phase, catch, guard};
use crate::run::pending::{Discard, LazyRun, Node};
use crate::run::runtime::{drive, elsewhere, timeout};
use crate::run::seen::{Outputs, Seen, fingerprint_arguments};
use pipex_format::environment;
use pipex_format::journal::{self, Given, Journal, There, Why};
use pipex_format::model::contents::{Content, Contents};
use pipex_format::model::error::{Cause, Error, Result, RunError};
use pipex_format::model::fingerprint::{Fingerprint, fingerprint_bytes};
use pipex_format::model::mode::Mode;
use pipex_format::model::name::Name;
use pipex_format::model::provenance::{Decision, Provenance, Reasons, Wanted, decide};
use pipex_format::model::state::State;
use pipex_format::model::target::{Location, TargetError};
use pipex_format::model::task::Task;
use pipex_format::say::say;
use pipex_format::store::{Claim, Lease, Receipt, Record, Stamp, Store, StoreError};

/// A call with all that is decided when it is made.
pub(crate) struct Plan<'a, R> {
    job: Box<dyn Job<'a, R> + 'a>,
    wait_for: Vec<Box<dyn Outputs + Send + 'a>>,
    run: Run,
    arguments: Fingerprint,
    /// What lies at its inputs, as far as it was known when the call was made.
    inputs: Contents,
    /// What the output is recorded as made from, where another process has said it.
    record: Option<Record>,
    /// How the body can go on elsewhere, if all of it outlives this place.
    pub(crate) away: Option<Away<'a, R>>,
}

/// What is known of a task run whatever becomes of its arguments.
struct Run {
    task: &'static Task,
    mode: Mode,
    context: Option<Arc<Context>>,
    label: Label,
    name: Name,
    /// The journal of calls outside flows; within one it is the flow run's.
    outside: Option<Arc<Journal>>,
    /// The address of its store, if targets are no paths to it.
    store: Box<str>,
    /// How often it has been started.
    attempt: u32,
    /// When it was started.
    started: Option<Instant>,
    /// Its number among those that the journal knows to make a target; 0 if it does not.
    began: u64,
    /// The runs that made what it takes, if somebody wants to know.
    inputs: Box<[(&'static str, u64)]>,
    /// Why it runs, or does not.
    why: Why,
    /// The output that is there and is not to be taken: its stamp, and why it is stale.
    outdated: Option<(Stamp, Reasons)>,
    /// What goes on, besides the function.
    phase: Phase,
}

impl<'a, R: Send> Plan<'a, R> {
    /// Decides what the call is about: where its output will be, and that no other call has this place.
    #[expect(clippy::type_complexity, reason = "the three go three ways")]
    pub(crate) fn new(
        call: Call<'a, R>,
        label: Label,
    ) -> Result<(Self, Label, Option<Place<R>>), (Arc<Failure>, Label)> {
        let Call { job, name, caller, wait_for, target, .. } = call;
        let context = Context::of_call();
        let mode = match context.as_ref().map_or_else(environment::mode, |context| context.mode()) {
            Ok(mode) => mode,
            Err(error) => return Err((Failure::new(error), label)),
        };
        let mut label = label;
        if mode != Mode::DoNothing {
            label.maker = Some(Maker::next(job.task()));
        }
        let name = label.name(name);
        let outside = match &context {
            Some(context) if context.flow.is_none() && mode != Mode::DoNothing => {
                if !context.is_isolated() {
                    environment::warn_of_unknown();
                }
                Journal::outside(&context.journal, mode, context.settings.dry_run.is_some())
            }
            _ => None,
        };
        let run = Run {
            task: job.task(),
            mode,
            context,
            label,
            name,
            outside,
            store: Box::default(),
            attempt: 0,
            started: None,
            began: 0,
            inputs: Box::default(),
            why: Why::default(),
            outdated: None,
            phase: Phase::Preparing,
        };
        let (arguments, inputs) = (fingerprint_bytes(&[]), Contents::default());
        let mut plan = Plan { job, wait_for, run, arguments, inputs, record: None, away: None };
        let placed = guard(|| plan.prepare(target, caller))
            .unwrap_or_else(|panic| Err((None, Unplaced::Refused(plan.run.caught(panic)))));
        let label = plan.run.label.clone();
        match placed {
            Ok(place) => Ok((plan, label, place)),
            Err((target, Unplaced::Upstream(root))) => Err((plan.run.not_ready(target.as_ref(), root), label)),
            Err((target, Unplaced::Refused(error))) => {
                Err((plan.run.failed(target.as_ref(), error.into(), Duration::ZERO), label))
            }
        }
    }

    /// Finds out what the call is about from its arguments.
    fn prepare(
        &mut self,
        target: Option<Location>,
        caller: &'static panic::Location<'static>,
    ) -> Result<Option<Place<R>>, (Option<Location>, Unplaced)> {
        if self.run.mode.executes() {
            self.fill_name();
        }
        if self.run.context.as_ref().is_some_and(|context| context.wants_inputs) {
            let mut makers = Vec::new();
            self.job.look(&mut Seen::makers(&mut makers, self.run.task.parameters));
            self.wait_for.iter().for_each(|outputs| outputs.visit(&mut Seen::makers(&mut makers, &["wait_for"])));
            self.run.inputs = makers.into();
        }
        // A function that is given its target has to write somewhere, in every mode.
        if self.run.mode.caches() || self.run.task.wants_target {
            return self.place(target, caller).map(Some);
        }
        Ok(None)
    }

    /// Fills the target, and enters it as this call's.
    fn place(
        &mut self,
        given: Option<Location>,
        caller: &'static panic::Location<'static>,
    ) -> Result<Place<R>, (Option<Location>, Unplaced)> {
        if self.run.label.path.is_none() {
            self.run.label.path = Context::path(self.run.context.as_deref());
        }
        let task = self.run.task;
        let is_given = given.is_some();
        let location = match given {
            Some(location) => location,
            None => task.target.target(&Filling(self)).map_err(|error| (None, self.unfilled(error)))?,
        };
        (self.arguments, self.inputs) = fingerprint_arguments(|seen| self.job.look(seen), self.run.compares());
        let store = self.job.store();
        self.run.store = store.listing().address().into();
        let journal = self.run.journal();
        let key = match journal {
            Some(journal) => journal.key(&self.run.store, &location),
            None => journal::key_of(&self.run.store, &location),
        };
        let (number, made) = journal.map(|journal| journal.expected(key)).unwrap_or_default();
        // Outside flows there may be several journals.
        let (targets, number) = match self.run.flow() {
            Some(run) => (&run.shared.targets, number),
            None => (&*context::OUTSIDE, None),
        };
        // Who gave the target has seen to that.
        if !is_given && let Err(clash) = targets.enter(key, number, Filled { task, arguments: self.arguments, caller })
        {
            return Err((Some(location), Unplaced::Refused(clash)));
        }
        let expected = match made.filter(|_| self.run.compares().is_some()) {
            None => Content::Unknown,
            Some((content, present)) => match decide(&self.wanted(&*store), Some(&present), self.run.policy()) {
                Decision::Make(_) => Content::Changes,
                // What was edited is taken as it is.
                Decision::Warn(reasons) if reasons.exceed(Reasons::EDITED) => Content::Changes,
                Decision::Warn(_) | Decision::Take => Content::from_fingerprint(content),
            },
        };
        Ok(Place::new(location, store, key, expected))
    }

    /// What the call would make its output from, as far as that is known.
    fn wanted(&self, store: &dyn Store<R>) -> Wanted {
        let made = Provenance::new(self.run.task.code, self.arguments, self.inputs.fingerprint());
        Wanted { provenance: made.with_format(store.format()), inputs_change: self.inputs.change() }
    }

    /// Where an argument's run failed, the field that it should have passed on is not the story.
    fn unfilled(&self, error: TargetError) -> Unplaced {
        self.upstream().map_or_else(|| Unplaced::Refused(error.into()), Unplaced::Upstream)
    }

    fn fill_name(&mut self) {
        if let (None, Some(template)) = (&self.run.name.given, &self.run.task.name) {
            self.run.name.given = template.name(&Filling(self)).ok().map(Arc::from);
        }
    }

    /// Shows all that it waits for.
    fn look(&self, mut seen: Seen<'_>) {
        self.job.look(&mut seen);
        self.wait_for.iter().for_each(|outputs| outputs.visit(&mut seen));
    }

    /// Why it cannot run: another's run failed, whether the function takes its data, only its location, or nothing.
    fn upstream(&self) -> Option<Arc<Failure>> {
        let mut failure = None;
        self.look(Seen::failure(&mut failure));
        failure
    }

    /// Whether the target is there, and is to be taken as it is: nothing has to run.
    pub(crate) fn is_there(&mut self, place: Option<&Place<R>>) -> Result<bool, Arc<Failure>> {
        guard(|| self.is_taken(place)).unwrap_or_else(|panic| {
            let target = place.map(|place| &place.location);
            Err(self.run.failed(target, self.run.caught(panic).into(), Duration::ZERO))
        })
    }

    fn is_taken(&mut self, place: Option<&Place<R>>) -> Result<bool, Arc<Failure>> {
        let Some(place) = place.filter(|_| self.run.mode.caches()) else { return Ok(false) };
        let stamp = place.store.stamp(&place.location).map_err(|source| {
            let error = RunError::Store { action: LOOK, source: source.into() };
            self.run.failed(Some(&place.location), error.into(), Duration::ZERO)
        })?;
        let Some(stamp) = stamp else {
            self.run.why = Why::Missing;
            return Ok(false);
        };
        let compared = self.compare(place, stamp);
        if let Decision::Make(reasons) = compared.decision {
            (self.run.why, self.run.outdated) = (Why::Stale, Some((stamp, reasons)));
            return Ok(false);
        }
        self.taken(place, Why::There, compared);
        Ok(true)
    }

    /// The runs that it waits for and that have not ended.
    pub(crate) fn unsettled(&self) -> Vec<Arc<dyn Node>> {
        let mut nodes = Vec::new();
        self.look(Seen::unsettled(&mut nodes));
        nodes
    }

    pub(crate) fn task(&self) -> &'static Task {
        self.run.task
    }

    /// The context that the call was made in.
    pub(crate) fn context(&self) -> Option<&Arc<Context>> {
        self.run.context.as_ref()
    }

    /// Says that it was submitted.
    pub(crate) fn submitted(&self, place: Option<&Place<R>>) {
        self.run.report(State::Pending, place.map(|place| &place.location), Duration::ZERO, None);
    }

    /// Claims the target, takes the arguments, runs the function, saves what it gives. What it needs has ended.
    pub(crate) async fn produce(&mut self, place: Option<&Place<R>>) -> Attempt<R> {
        let target = place.map(|place| &place.location);
        if let Some(why) = self.run.flow().and_then(|flow| flow.cancelled()) {
            return Attempt::Ended(Err(self.run.skipped(target, RunError::Cancelled { why: why.to_string() }, None)));
        }
        if let Some(root) = self.upstream() {
            return Attempt::Ended(Err(self.run.not_ready(target, root)));
        }
        match guard(|| self.ends_early(place)) {
            Ok(Some(made)) => return Attempt::Ended(Ok(made)),
            Ok(None) => {}
            Err(panic) => {
                let error = self.run.caught(panic).into();
                return Attempt::Ended(Err(self.run.failed(target, error, Duration::ZERO)));
            }
        }
        self.run.attempt += 1;
        let started = Instant::now();
        self.run.started = Some(started);
        if self.run.mode.executes() {
            let state = if self.run.attempt == 1 { State::Running } else { State::Retrying };
            self.run.report(state, target, Duration::ZERO, None);
        }
        let span = self.run.span(target);
        let made = self.make(place, started).instrument(span.clone()).await;
        let elapsed = started.elapsed();
        let outcome = match made {
            Ok(made) => Ok(made),
            Err(raised) if self.run.is_tried_again(&raised) => {
                let delay = self.run.task.retry_delay.before(self.run.attempt);
                span.in_scope(|| self.run.awaits_retry(target, raised.cause, elapsed, delay));
                return Attempt::Again(delay);
            }
            Err(Raised { cause, thrown, .. }) => {
                let failure = span.in_scope(|| self.run.failed(target, cause, elapsed));
                if let Some(panic) = thrown {
                    panic.resume();
                }
                Err(failure)
            }
        };
        span.record("elapsed", elapsed.as_secs_f64());
        Attempt::Ended(outcome)
    }

    /// What is known without a run, now that all that it takes is there.
    fn ends_early(&mut self, place: Option<&Place<R>>) -> Option<Made<R>> {
        if self.run.mode.caches() {
            self.fill_name();
        }
        if self.has_come_out_as_it_was(place) {
            return Some(Made::Saved);
        }
        match self.run.dry_run()? {
            DryRun::Jobs => {
                let job = self.run.task.remote.then(|| self.order(place, None));
                dry_run::list(job, self.run.flow().map(|flow| &flow.shared.would_run));
            }
            dry => self.run.would_run(dry, place.map(|place| &place.location)),
        }
        Some(Made::Nothing)
    }

    /// Sees to it that the output is there. What panics fails the run.
    async fn make(&mut self, place: Option<&Place<R>>, started: Instant) -> Result<Made<R>, Raised> {
        let made = catch(pin!(self.make_here_or_elsewhere(place, started))).await;
        made.unwrap_or_else(|panic| Err(self.run.caught(panic).into()))
    }

    async fn make_here_or_elsewhere(&mut self, place: Option<&Place<R>>, started: Instant) -> Result<Made<R>, Raised> {
        let Some(place) = place else {
            if let Some(carrier) = self.run.carrier() {
                return Box::pin(self.make_elsewhere(carrier, None, None, started)).await;
            }
            let value = self.call(PathBuf::new(), None, started).await?;
            self.run.tell_completed(None, started.elapsed(), Details::default());
            return Ok(Made::Value(value));
        };
        // One opening and closing for all that is asked of the store.
        let _lease = Lease::hold();
        self.settle_inputs();
        let record = Record::new(self.run.task, self.arguments, self.inputs.fingerprint());
        let record = *self.record.get_or_insert(record);
        if let Some(carrier) = self.run.carrier() {
            return Box::pin(self.make_elsewhere(carrier, Some(place), Some(record), started)).await;
        }
        let claim = match self.run.claim(place, record).await? {
            Claimed::Ours(claim) => claim,
            Claimed::There(stamp) => return Ok(self.take_what_another_made(place, stamp)),
        };
        if let Some(journal) = self.run.journal() {
            self.run.began = journal.began(self.run.task, &place.location, &self.run.store, started);
        }
        let given = self.given();
        let draft = if self.run.task.wants_target { claim.fresh_draft()? } else { PathBuf::new() };
        let value = self.call(draft, Some(&claim), started).await?;
        self.run.phase = Phase::Saving;
        if !self.run.has_written(place)? {
            return self.run.keep_in_memory(place, value, record, given, started);
        }
        let (bytes, receipt) = match self.run.save(place, claim, &value).await? {
            Saved::Ours { bytes, receipt } => (bytes, receipt),
            Saved::There(stamp) => return Ok(self.take_what_another_made(place, stamp)),
        };
        let there = self.run.found(place, &receipt, record, bytes);
        self.run.phase = Phase::Dropping;
        // A function that saves its own output may give something else besides.
        let made = if self.run.task.saves {
            drop(value);
            Made::Saved
        } else {
            Made::Value(value)
        };
        // What is lost of it in a kill, the output says itself.
        let urgent = there.is_some() && !receipt.is_recorded.load(Ordering::Relaxed);
        let details = Details { there, given, bytes, urgent, ..Details::default() };
        self.run.completed(&place.location, started.elapsed(), details);
        Ok(made)
    }

    fn take_what_another_made(&mut self, place: &Place<R>, stamp: Stamp) -> Made<R> {
        let compared = self.compare(place, stamp);
        self.taken(place, Why::MadeMeanwhile, compared);
        Made::Saved
    }

    /// Takes the arguments and calls the function. An executor's run that panics has failed, and nothing else has; where no
    /// executor runs it, a panic of the function is its caller's.
    async fn call(&mut self, draft: PathBuf, claim: Option<&Claim>, started: Instant) -> Result<R, Raised> {
        let Run { task, mode, ref context, attempt, .. } = self.run;
        let target = claim.map(Claim::target);
        let (away, job) = (self.away, &mut *self.job);
        let mut taken = false;
        let there = &mut taken;
        let called = if mode.executes() {
            let context = Context::within(context.as_ref(), task, target);
            let _alive = heartbeat::watch(&context, self.run.number(), task, &self.run.name, target, attempt, started);
            let last = attempt > task.retries;
            catch(pin!(async move {
                match (away, task.timeout) {
                    (Some(away), Some(limit)) => {
                        let abandoned = claim.filter(|_| task.wants_target).map(Claim::abandoned_draft).transpose()?;
                        let body = context.enter(|| job.defer(draft, last, there)).map_err(not_to_be_had)?;
                        timeout(Some(limit), away(Work::Body(body, abandoned), context)).await?
                    }
                    (Some(away), None) => match start(job, Some(&context), draft, last, there)? {
                        Body::Done(value) => value,
                        Body::Future(future) => away(Work::Future(future), context).await,
                    },
                    (None, limit) => match (start(job, Some(&context), draft, last, there)?, limit) {
                        (Body::Done(_), Some(limit)) if started.elapsed() > limit => {
                            Err(RunError::TimedOut { limit }.into())
                        }
                        (Body::Done(value), _) => value,
                        (Body::Future(future), limit) => timeout(limit, drive_in(Some(context), future)).await?,
                    },
                }
            }))
            .await
        } else {
            let context = match target {
                Some(_) => Some(Context::within(context.as_ref(), task, target)),
                None => context.clone(),
            };
            catch(pin!(async move {
                match start(job, context.as_ref(), draft, true, there)? {
                    Body::Done(value) => value,
                    Body::Future(future) => drive_in(context, future).await,
                }
            }))
            .await
        };
        called.unwrap_or_else(|panic| {
            if !taken {
                self.run.phase = Phase::Loading;
                return Err(self.run.caught(panic).into());
            }
            let raised = Raised::from(panic.error(Phase::Running));
            Err(Raised { thrown: (!mode.executes()).then_some(panic), ..raised })
        })
    }
}

fn start<'a, R>(
    job: &mut (dyn Job<'a, R> + 'a),
    context: Option<&Arc<Context>>,
    draft: PathBuf,
    last: bool,
    taken: &mut bool,
) -> Result<Body<'a, R>, Raised> {
    let start = || job.start(draft, last, taken);
    let body = match context {
        Some(context) => context.enter(start),
        None => start(),
    };
    body.map_err(not_to_be_had)
}

fn not_to_be_had(source: Error) -> Raised {
    RunError::Upstream { source }.into()
}

async fn drive_in<F: Future<Output: Send> + Send>(context: Option<Arc<Context>>, future: F) -> F::Output {
    match context {
        Some(context) => context.enter_async(drive(future)).await,
        None => drive(future).await,
    }
}

/// What a store is asked before anything runs.
const LOOK: &str = "tell whether the output is there";

/// Why a call has no place.
enum Unplaced {
    Upstream(Arc<Failure>),
    Refused(RunError),
}

/// What came of reaching for a target.
enum Claimed {
    Ours(Claim),
    /// Another has made it meanwhile.
    There(Stamp),
}

/// What came of saving a value.
enum Saved {
    Ours {
        bytes: u64,
        receipt: Arc<Receipt>,
    },
    /// The claim was lost, and another has made it meanwhile.
    There(Stamp),
}

/// How often a claim may be lost before that is an error: somebody removes them all.
const LOSSES: u32 = 10;

impl Run {
    /// The right to make the output, unless it is there by now.
    async fn claim<R>(&self, place: &Place<R>, record: Record) -> Result<Claimed, Cause> {
        let Place { location, store, .. } = place;
        let path = store.claim_path(location);
        let failed = |error: StoreError| RunError::Store { action: "claim the target", source: error.into() };
        let claim = match Claim::try_now(&path, location, record).map_err(failed)? {
            Some(claim) => claim,
            None if self.context.as_ref().is_some_and(|context| context.makes(location)) => {
                return Err(RunError::Recursion.into());
            }
            None => {
                let location = location.clone();
                let waited = Box::pin(elsewhere(move || Claim::wait(&path, location, record))).await;
                waited.map_err(|source| RunError::Runtime { source })?.map_err(failed)?
            }
        };
        if !self.mode.caches() {
            return Ok(Claimed::Ours(claim));
        }
        let there = store.stamp(location);
        let there = there.map_err(|source| RunError::Store { action: LOOK, source: source.into() })?;
        // What was there and stale is as good as not there, unless another has replaced it.
        let there = there.filter(|there| self.outdated.is_none_or(|(stamp, _)| stamp != *there));
        Ok(there.map_or(Claimed::Ours(claim), Claimed::There))
    }

    /// Whether the function wrote a file, if that is its own choice: one without a `#[target]` parameter may give data instead.
    fn has_written<R>(&self, place: &Place<R>) -> Result<bool, Cause> {
        if self.task.saves || self.task.wants_target {
            return Ok(true);
        }
        let stamp = place.store.stamp(&place.location);
        let stamp = stamp.map_err(|source| RunError::Store { action: LOOK, source: source.into() })?;
        // What was there and stale before is not what it wrote.
        Ok(stamp.is_some_and(|stamp| self.outdated.is_none_or(|(outdated, _)| outdated != stamp)))
    }

    /// Keeps in memory what the function gave instead of a file. What takes it goes stale by what it was made from.
    fn keep_in_memory<R>(
        &mut self,
        place: &Place<R>,
        value: R,
        record: Record,
        given: Vec<Given<'static>>,
        started: Instant,
    ) -> Result<Made<R>, Raised> {
        if size_of::<R>() == 0 {
            return Err(StoreError::NothingWritten { path: place.location.path().to_owned() }.into());
        }
        let provenance = record.provenance();
        self.why = Why::InMemory;
        let there = There::new(provenance.fingerprint(), Stamp::new(0), 0).made_by(provenance);
        place.keep_in_memory(Content::from_fingerprint(there.content));
        if let Some(journal) = self.compares() {
            journal.found(place.key, there);
        }
        self.completed(&place.location, started.elapsed(), Details { there: Some(there), given, ..Details::default() });
        Ok(Made::Value(value))
    }

    /// Saves the value, under another claim if this one is lost.
    async fn save<R>(&self, place: &Place<R>, mut claim: Claim, value: &R) -> Result<Saved, Cause> {
        let mut losses = 0;
        loop {
            let (receipt, record) = (claim.receipt(), claim.record());
            let saved = place.store.save(claim, value);
            let saved = saved.map_err(|source| RunError::Store { action: "save the output", source: source.into() });
            if !receipt.is_lost.load(Ordering::Relaxed) {
                return Ok(Saved::Ours { bytes: saved?, receipt });
            }
            say(&format!(
                "the claim on {} was lost: its file was removed or replaced while it was made",
                place.location
            ));
            losses += 1;
            claim = match Box::pin(self.claim(place, record)).await? {
                Claimed::There(stamp) => return Ok(Saved::There(stamp)),
                // What a function wrote itself went with the claim.
                Claimed::Ours(_) if self.task.wants_target || losses == LOSSES => {
                    return Err(saved.err().unwrap_or(RunError::Interrupted).into());
                }
                Claimed::Ours(claim) => claim,
            };
        }
    }

    /// A panic as its error. In mode `do_nothing`, where the function is simply called, it is the caller's.
    fn caught(&self, panic: Panic) -> RunError {
        if self.mode == Mode::DoNothing {
            panic.resume();
        }
        panic.error(self.phase)
    }

    /// The journal that it is told to; in mode `do_nothing` none is, whoever else has one here.
    fn journal(&self) -> Option<&Journal> {
        let journal = match self.flow() {
            Some(flow) => flow.shared.journal.as_ref(),
            None => self.outside.as_deref(),
        };
        journal.filter(|_| self.mode != Mode::DoNothing)
    }

    fn dry_run(&self) -> Option<DryRun> {
        self.context.as_ref()?.settings.dry_run
    }

    fn flow(&self) -> Option<&FlowRun> {
        self.context.as_ref()?.flow.as_deref()
    }

    fn is_tried_again(&self, raised: &Raised) -> bool {
        self.mode.executes()
            && raised.retry
            && self.attempt <= self.task.retries
            && self.flow().is_none_or(|flow| flow.cancelled().is_none())
    }
}

impl<R> Discard for Plan<'_, R> {}

impl<R: Send + Sync + 'static> LazyRun<R> for Plan<'static, R> {
    fn inputs(&self) -> Vec<Arc<dyn Node>> {
        self.unsettled()
    }

    fn is_there(&mut self, place: Option<&Place<R>>) -> Result<bool, Arc<Failure>> {
        Plan::is_there(self, place)
    }

    fn produce<'p>(&'p mut self, place: Option<&'p Place<R>>) -> Pin<Box<dyn Future<Output = Attempt<R>> + Send + 'p>> {
        Box::pin(Plan::produce(self, place))
    }
}
