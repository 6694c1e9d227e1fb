//! An attempt: claim the target, take the arguments, run the function, save what it gives. How the function runs, here or in
//! another process, is a value that the attempt is given.

use std::future::Future;
use std::iter;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use tracing::{Instrument as _, Span};

use super::shared::SharedOutputs;
use super::{Attempted, LOOK, Plan, Run, Submitted};
use crate::graph::host::{Host as _, Permit};
use crate::graph::node::Node;
use crate::graph::outcome::{Attempt, Failure, Outcome, Produced};
use crate::graph::pending::LazyRun;
use crate::graph::place::Place;
use crate::run::away::Work;
use crate::run::body::{Raised, Started};
use crate::run::context::Context;
use crate::run::dry_run::DryRun;
use crate::run::function::{AnyCall, DynCall};
use crate::run::heartbeat;
use crate::run::record::{Records, arrive, carry_async, collect_async};
use crate::run::report::{Details, NO_DETAILS};
use crate::run::time_limit::TimeLimit;
use crate::runtime::panics::{Phase, catch, guard};
use crate::runtime::{drive, pause, spawn_blocking, timeout};
use pipex_format::journal::{Given, There, Why};
use pipex_format::model::contents::Content;
use pipex_format::model::error::{Cause, Error, RunError};
use pipex_format::model::provenance::{Decision, Reasons};
use pipex_format::model::resources::Resources;
use pipex_format::model::state::State;
use pipex_format::model::target::Location;
use pipex_format::say::say;
use pipex_format::store::{Claim, Lease, Receipt, Record, Stamp, StoreError};

/// What came of running the function.
pub(super) enum Done {
    /// It gave a value, which is its call's, or wrote what is at its place now, or both.
    Made {
        produced: Produced,
        found: Found,
        elapsed: Duration,
    },
    Not(NotMade),
}

/// Why it was not to be made.
pub(super) enum NotMade {
    /// Another has made it meanwhile.
    There(Stamp),
    /// It was made of the same elsewhere, and taken.
    Shared(Found),
}

/// What lies at the place after it was made.
#[derive(Default)]
pub(super) struct Found {
    /// What is known of it, if somebody compares.
    pub(super) there: Option<There>,
    /// The same at the places of its other outputs.
    pub(super) more: Vec<Option<There>>,
    /// The bytes that it takes.
    pub(super) bytes: u64,
    /// Nothing but the journal would know what made it.
    pub(super) urgent: bool,
}

impl<'a> Plan<'a> {
    /// Runs it here, attempt after attempt: each has room of its own, and gives it back before the next.
    pub(crate) async fn run_here(&mut self, job: &mut DynCall<'a>) -> Outcome {
        let context = self.run.context.clone();
        let needs = self.measure(job)?;
        loop {
            let room = match &context {
                Some(context) => context.admit(self.run.task, needs, context.within).await,
                None => Permit::default(),
            };
            match self.produce(job).await {
                Attempt::Ended(outcome) => return outcome,
                Attempt::Again(delay) => {
                    drop(room);
                    pause(delay, context.as_ref().and_then(|context| context.cancellation())).await;
                }
            }
        }
    }

    /// Claims the target, takes the arguments, runs the function, saves what it gives. What it needs has ended.
    pub(crate) async fn produce(&mut self, job: &mut DynCall<'a>) -> Attempt {
        let (started, span) = match self.begin(job) {
            Ok(begun) => begun,
            Err(Early::Saved) => return Attempt::Ended(Ok(Produced::Saved)),
            Err(Early::Nothing) => return Attempt::Ended(Ok(Produced::Nothing)),
            Err(Early::Failed(failure)) => return Attempt::Ended(Err(failure)),
        };
        // What goes with a span is moved there, so it is in a box.
        let made = match span.is_disabled() {
            true => self.make(job, started).await,
            false => Box::pin(self.make(job, started)).instrument(span.clone()).await,
        };
        let outcome = match made {
            Ok(made) => Ok(made),
            Err(raised) => match self.run.end_badly(job.target(), raised, started, &span) {
                Ok(delay) => return Attempt::Again(delay),
                Err(failure) => Err(failure),
            },
        };
        if !span.is_disabled() {
            span.record("elapsed", started.elapsed().as_secs_f64());
        }
        Attempt::Ended(outcome)
    }

    /// Sees to it that the output is there. What panics fails the run.
    pub(super) async fn make(&mut self, job: &mut DynCall<'a>, started: Instant) -> Result<Produced, Raised> {
        let made = catch(pin!(self.make_output(job, started))).await;
        let made = made.unwrap_or_else(|panic| Err(self.run.caught(panic).into()));
        if let Ok(Produced::Value) = made {
            return made;
        }
        // What it gave is of no use: it failed to be saved, or another has made it meanwhile.
        match guard(|| job.product_mut().clear()) {
            Err(panic) if made.is_ok() => {
                self.run.phase = Phase::Dropping;
                Err(self.run.caught(panic).into())
            }
            _ => made,
        }
    }

    async fn make_output(&mut self, job: &mut DynCall<'a>, started: Instant) -> Result<Produced, Raised> {
        if job.place().is_some() {
            return Box::pin(self.make_at_place(job, started)).await;
        }
        if let Some(done) = self.make_elsewhere(job, None, started).await? {
            return self.has_done(job, done, Vec::new());
        }
        self.call(job, Vec::new(), None, started).await?;
        self.run.has_made(None, Found::default(), Vec::new(), started.elapsed());
        Ok(Produced::Value)
    }

    /// Takes what is shared, or has it made here or elsewhere, and knows what it was given.
    async fn make_at_place(&mut self, job: &mut DynCall<'a>, started: Instant) -> Result<Produced, Raised> {
        // One opening and closing for all that is asked of the store.
        let _lease = Lease::hold();
        let (place, record) = (job.place().ok_or(RunError::Interrupted)?, self.record());
        let mut shared = self.run.find_shared(place, record);
        if let Some(found) = shared.as_mut().and_then(|shared| self.run.take_unclaimed(place, record, shared)) {
            return self.has_done(job, Done::Not(NotMade::Shared(found)), Vec::new());
        }
        // The arguments are used up by the function.
        let given = self.describe_arguments(job);
        let was_given = |raised| Raised { given: given.clone(), ..raised };
        if let Some(done) = self.make_elsewhere(job, Some(record), started).await.map_err(was_given)? {
            return self.has_done(job, done, given);
        }
        let done = self.make_here(job, record, shared, started).await.map_err(was_given)?;
        self.has_done(job, done, given)
    }

    /// Says what came of it.
    fn has_done(&mut self, job: &mut DynCall<'a>, done: Done, given: Vec<Given<'static>>) -> Result<Produced, Raised> {
        match done {
            Done::Made { produced, found, elapsed } => {
                self.run.has_made(job.place(), found, given, elapsed);
                Ok(produced)
            }
            Done::Not(why) => self.has_taken(job, why).map(|()| Produced::Saved),
        }
    }

    /// Claims the target, calls the function, and saves what it gives.
    async fn make_here(
        &mut self,
        job: &mut DynCall<'a>,
        record: Record,
        mut shared: Option<SharedOutputs>,
        started: Instant,
    ) -> Result<Done, Raised> {
        let place = job.place().ok_or(RunError::Interrupted)?;
        let claim = match Box::pin(self.run.claim_unless_shared(place, record, shared.as_mut())).await? {
            Ok(claim) => claim,
            Err(why) => return Ok(Done::Not(why)),
        };
        self.run.begin_making(place.location(), started);
        let drafts = if self.run.task.wants_target { claim.fresh_drafts()? } else { Vec::new() };
        self.call(job, drafts, Some(&claim), started).await?;
        self.run.phase = Phase::Saving;
        let place = job.place().ok_or(RunError::Interrupted)?;
        if !self.run.has_written(place)? {
            let found = self.run.keep_in_memory(job, record)?;
            return Ok(Done::Made { produced: Produced::Value, found, elapsed: started.elapsed() });
        }
        let saving = Instant::now();
        let saved = self.run.save(job, claim).await;
        self.run.last.get_or_insert_default().saving = saving.elapsed().as_secs_f32();
        let (bytes, receipts) = match saved? {
            Saved::Ours { bytes, receipts } => (bytes, receipts),
            Saved::There(stamp) => return Ok(Done::Not(NotMade::There(stamp))),
        };
        let place = job.place().ok_or(RunError::Interrupted)?;
        let (there, more) = self.run.look_at_saved(place, &receipts, record);
        shared.iter().for_each(|shared| shared.put(place, &receipts));
        self.run.phase = Phase::Dropping;
        // A function that saves its own output may give something else besides.
        let produced = if self.run.task.saves {
            job.product_mut().clear();
            Produced::Saved
        } else {
            Produced::Value
        };
        // What is lost of it in a kill, the output says itself.
        let urgent = there.is_some() && !receipts.iter().all(|receipt| receipt.is_recorded.load(Ordering::Relaxed));
        Ok(Done::Made { produced, found: Found { there, more, bytes, urgent }, elapsed: started.elapsed() })
    }

    /// Takes the arguments and calls the function, whose value is the call's then. An executor's run that panics has failed, and
    /// nothing else has; where no executor runs it, a panic of the function is its caller's.
    async fn call(
        &mut self,
        job: &mut DynCall<'a>,
        drafts: Vec<PathBuf>,
        claim: Option<&Claim>,
        started: Instant,
    ) -> Result<(), Raised> {
        // What few runs wait for is boxed: a future has room for all that it may wait for, and what is larger than a kilobyte
        // takes the allocator longer.
        let Plan { run, away, .. } = self;
        let Run { task, mode, ref context, attempt, .. } = *run;
        let away = *away;
        let target = claim.map(Claim::target);
        let (called_at, mut taken) = (if claim.is_some() { Instant::now() } else { started }, None);
        let there = Some(&mut taken);
        let mut records = Records::new();
        let call = &mut *job;
        let called = if mode.executes() {
            // What is called here has until then as well; what is only submitted here has its own time.
            let outer = context.as_ref().filter(|_| away.is_none()).and_then(|context| context.limit.as_ref());
            let within = TimeLimit::within(outer, task.timeout.map(|limit| started + limit));
            let context = Context::within(context.as_ref(), task, target, within.clone());
            let _heartbeat = heartbeat::watch(&context, run.number(), task, run.name(), target, attempt, started);
            let last = attempt > task.retries;
            let attempt = pin!(async move {
                match (away, task.timeout) {
                    (Some(away), Some(limit)) => {
                        let abandoned = claim.filter(|_| task.wants_target).map(Claim::abandoned_drafts).transpose()?;
                        let abandoned = abandoned.unwrap_or_default();
                        let body = context.enter(|| call.defer(drafts, last, there)).map_err(not_to_be_had)?;
                        match Box::pin(timeout(Some(limit), away(Work::Body(body, abandoned), context))).await {
                            Ok(ended) => ended,
                            Err(error) => {
                                // What it has started may not outlive it.
                                TimeLimit::commands_ended(within.as_ref()).await;
                                Err(error.into())
                            }
                        }
                    }
                    (Some(away), None) => match start(call, Some(&context), drafts, last, there)? {
                        Started::Done(called) => called,
                        Started::Future(future) => away(Work::Future(future), context).await,
                    },
                    (None, limit) => match (start(call, Some(&context), drafts, last, there)?, limit) {
                        (Started::Done(_), Some(limit)) if started.elapsed() > limit => {
                            Err(RunError::TimedOut { limit }.into())
                        }
                        (Started::Done(called), _) => called,
                        (Started::Future(future), limit) => {
                            Box::pin(timeout(limit, drive_in(Some(context), future))).await?
                        }
                    },
                }
            });
            collect_async(&mut records, catch(attempt)).await
        } else {
            let context = match target {
                Some(_) => {
                    let limit = context.as_ref().and_then(|context| context.limit.clone());
                    Some(Context::within(context.as_ref(), task, target, limit))
                }
                None => context.clone(),
            };
            let attempt = pin!(async move {
                match start(call, context.as_ref(), drafts, true, there)? {
                    Started::Done(called) => called,
                    Started::Future(future) => Box::pin(drive_in(context, future)).await,
                }
            });
            collect_async(&mut records, catch(attempt)).await
        };
        let last = run.last.get_or_insert_default();
        (last.loading, last.records) = ((taken.unwrap_or_else(Instant::now) - called_at).as_secs_f32(), records);
        if let (Ok(Err(_)), Some(limit), true) = (&called, task.timeout, taken.is_some() && mode.executes())
            && started.elapsed() > limit
        {
            return Err(RunError::TimedOut { limit }.into());
        }
        let called = called.unwrap_or_else(|panic| {
            if taken.is_none() {
                run.phase = Phase::Loading;
                return Err(run.caught(panic).into());
            }
            let raised = Raised::from(panic.error(Phase::Running));
            Err(Raised { thrown: (!mode.executes()).then_some(panic), ..raised })
        });
        job.product_mut().keep(called?);
        Ok(())
    }
}

fn start<'a>(
    job: &mut DynCall<'a>,
    context: Option<&Arc<Context>>,
    drafts: Vec<PathBuf>,
    last: bool,
    taken: Option<&mut Option<Instant>>,
) -> Result<Started<'a>, Raised> {
    let start = || job.start(drafts, last, taken);
    let body = match context {
        Some(context) => context.enter(start),
        None => start(),
    };
    body.map_err(not_to_be_had)
}

fn not_to_be_had(source: Error) -> Raised {
    RunError::Upstream { source }.into()
}

/// Sees a body's future through, in this context.
pub(crate) async fn drive_in<F: Future<Output: Send> + Send>(context: Option<Arc<Context>>, future: F) -> F::Output {
    match context {
        // Also where the future has to be driven on another thread.
        Some(context) => arrive(drive(carry_async(context.enter_async(future))).await),
        None => drive(future).await,
    }
}

/// What an attempt came to before it began.
enum Early {
    /// The output is there.
    Saved,
    /// In a dry run: it would have been made.
    Nothing,
    Failed(Arc<Failure>),
}

impl Plan<'_> {
    /// Begins an attempt, unless there is none to be made.
    fn begin(&mut self, job: &dyn AnyCall<'_>) -> Result<(Instant, Span), Early> {
        let target = job.target();
        if let Some(why) = self.run.flow().and_then(|flow| flow.cancelled()) {
            let (why, given) = (RunError::Cancelled { why: why.to_string() }, self.describe_unstarted(job));
            return Err(Early::Failed(self.run.skipped(target, why, None, given)));
        }
        if let Some(root) = self.inputs.failure() {
            return Err(Early::Failed(self.run.not_ready(target, root, self.describe_unstarted(job))));
        }
        self.inputs.settle();
        match guard(|| self.ends_early(job)) {
            Ok(Some(early)) => return Err(early),
            Ok(None) => {}
            Err(panic) => {
                let error = self.run.caught(panic).into();
                return Err(Early::Failed(self.run.failed(target, error, Duration::ZERO, Vec::new())));
            }
        }
        self.run.attempt += 1;
        let started = Instant::now();
        self.run.last = Some(Box::new(Attempted { started: Some(started), ..Attempted::default() }));
        if self.run.mode.executes() {
            let state = if self.run.attempt == 1 { State::Running } else { State::Retrying };
            self.run.emit(state, target, Duration::ZERO, None, &NO_DETAILS);
        }
        Ok((started, self.run.span(target)))
    }

    /// The arguments of a run that does not begin, for the journal.
    pub(super) fn describe_unstarted(&self, job: &dyn AnyCall<'_>) -> Vec<Given<'static>> {
        let given = job.place().map(|_| guard(|| self.describe_arguments(job)).unwrap_or_default());
        given.unwrap_or_default()
    }

    /// What is known without a run, now that all that it takes is there.
    fn ends_early(&mut self, job: &dyn AnyCall<'_>) -> Option<Early> {
        if self.run.mode.caches() {
            self.fill_name(job);
        }
        if self.has_come_out_as_it_was(job) {
            return Some(Early::Saved);
        }
        match self.run.dry_run()? {
            DryRun::Jobs => self.list_job(job),
            dry => self.run.would_run(dry, job.target()),
        }
        Some(Early::Nothing)
    }

    /// Whether the output was stale for its inputs alone, and these have been made again and are what they were.
    fn has_come_out_as_it_was(&mut self, job: &dyn AnyCall<'_>) -> bool {
        let (Some(place), Some((stamp, Reasons::INPUTS))) = (job.place(), self.run.outdated) else { return false };
        let compared = self.compare(place, stamp);
        let is_fresh = compared.decision == Decision::Take;
        if is_fresh {
            self.take(job, place, Why::Unchanged, compared);
        }
        is_fresh
    }

    /// Says that it was taken from where it was made. What has no place is nowhere.
    fn has_taken(&mut self, job: &dyn AnyCall<'_>, why: NotMade) -> Result<(), Raised> {
        let place = job.place().ok_or(RunError::Interrupted)?;
        match why {
            NotMade::There(stamp) => {
                let compared = self.compare(place, stamp);
                self.take(job, place, Why::MadeMeanwhile, compared);
            }
            NotMade::Shared(Found { there, more, .. }) => {
                self.run.note_found(place, &there, &more);
                (self.run.why, self.run.outdated) = (Why::Shared, None);
                let details = Details { there, more, ..Details::default() };
                self.run.cached(place.location(), Reasons::default(), &details);
            }
        }
        Ok(())
    }
}

/// What came of reaching for a target.
pub(super) enum Claimed {
    Ours(Claim),
    /// Another has made it meanwhile.
    There(Stamp),
}

/// What came of saving a value.
enum Saved {
    Ours {
        bytes: u64,
        receipts: Vec<Arc<Receipt>>,
    },
    /// The claim was lost, and another has made it meanwhile.
    There(Stamp),
}

/// How often a claim may be lost before that is an error: somebody removes them all.
const LOSSES: u32 = 10;

impl Run {
    /// An attempt has failed: how long to wait before the next, or that there is none.
    fn end_badly(
        &mut self,
        target: Option<&Location>,
        raised: Raised,
        started: Instant,
        span: &Span,
    ) -> Result<Duration, Arc<Failure>> {
        if self.is_tried_again(&raised) {
            let delay = self.task.retry_delay.before(self.attempt);
            span.in_scope(|| self.awaits_retry(target, raised.cause, started.elapsed(), delay));
            return Ok(delay);
        }
        let Raised { cause, thrown, given, .. } = raised;
        let failure = span.in_scope(|| self.failed(target, cause, started.elapsed(), given));
        if let Some(panic) = thrown {
            panic.resume();
        }
        Err(failure)
    }

    /// Says that it was made.
    fn has_made(&mut self, place: Option<&Place>, found: Found, given: Vec<Given<'static>>, elapsed: Duration) {
        let Found { there, more, bytes, urgent } = found;
        if let Some(place) = place {
            self.note_found(place, &there, &more);
        }
        let recorded = self.last.as_ref().map(|last| last.records.clone()).unwrap_or_default();
        let details = Details { there, more, given: given.into(), recorded, urgent, ..Details::default() };
        self.completed(place.map(Place::location), elapsed, bytes, &details);
    }

    /// The right to make the output, unless it is there by now.
    pub(super) async fn claim(&self, place: &Place, record: Record) -> Result<Claimed, Cause> {
        let mut claim = self.claim_one(place.claim_path(), place.location(), record).await?;
        if place.is_several() {
            let mut others = Vec::new();
            for part in &place.parts()[1..] {
                others.push(self.claim_one(part.claim_path(), &part.spot().location, record).await?);
            }
            claim = claim.together(others);
        }
        if !self.mode.caches() {
            return Ok(Claimed::Ours(claim));
        }
        let there = place.stamp_all();
        let there = there.map_err(|source| RunError::Store { action: LOOK, source: source.into() })?;
        // What was there and stale is as good as not there, unless another has replaced it.
        let there = there.filter(|there| self.outdated.is_none_or(|(stamp, _)| stamp != *there));
        Ok(there.map_or(Claimed::Ours(claim), Claimed::There))
    }

    async fn claim_one(&self, path: PathBuf, location: &Location, record: Record) -> Result<Claim, Cause> {
        let failed = |error: StoreError| RunError::Store { action: "claim the target", source: error.into() };
        match Claim::try_now(&path, location, record).map_err(failed)? {
            Some(claim) => Ok(claim),
            None if self.context.as_ref().is_some_and(|context| context.makes(location)) => {
                Err(RunError::Recursion.into())
            }
            None => {
                let location = location.clone();
                let waited = Box::pin(spawn_blocking(move || Claim::wait(&path, location, record))).await;
                Ok(waited?.map_err(failed)?)
            }
        }
    }

    /// Whether the function wrote a file, if that is its own choice: one without a `#[target]` parameter may give data instead.
    fn has_written(&self, place: &Place) -> Result<bool, Cause> {
        if self.task.saves || self.task.wants_target {
            return Ok(true);
        }
        let stamp = place.stamp();
        let stamp = stamp.map_err(|source| RunError::Store { action: LOOK, source: source.into() })?;
        // What was there and stale before is not what it wrote.
        Ok(stamp.is_some_and(|stamp| self.outdated.is_none_or(|(outdated, _)| outdated != stamp)))
    }

    /// Keeps in memory what the function gave instead of a file. What takes it goes stale by what it was made from.
    fn keep_in_memory(&mut self, job: &dyn AnyCall<'_>, record: Record) -> Result<Found, Raised> {
        let place = job.place().ok_or(RunError::Interrupted)?;
        if job.product().is_unit() {
            return Err(StoreError::NothingWritten { path: place.location().path().to_owned() }.into());
        }
        let provenance = record.provenance();
        self.why = Why::InMemory;
        let there = There::new(provenance.fingerprint(), Stamp::new(0), 0).made_by(provenance);
        place.spot().keep_in_memory(Content::from_fingerprint(there.content));
        Ok(Found { there: Some(there), ..Found::default() })
    }

    /// Saves the value, under another claim if this one is lost.
    async fn save(&self, job: &mut dyn AnyCall<'_>, mut claim: Claim) -> Result<Saved, Cause> {
        let mut losses = 0;
        loop {
            let (receipts, record) = (claim.receipts(), claim.record());
            let saved = job.product_mut().save(claim);
            let saved = saved.map_err(|source| RunError::Store { action: "save the output", source: source.into() });
            if !receipts.iter().any(|receipt| receipt.is_lost.load(Ordering::Relaxed)) {
                return Ok(Saved::Ours { bytes: saved?, receipts });
            }
            let place = job.place().ok_or(RunError::Interrupted)?;
            say(&format!(
                "the claim on {} was lost: it was removed or taken over while its value was made",
                place.location()
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

    /// What lies at the place now that it was saved, and at those of the other outputs, if somebody compares.
    pub(super) fn look_at_saved(
        &self,
        place: &Place,
        receipts: &[Arc<Receipt>],
        record: Record,
    ) -> (Option<There>, Vec<Option<There>>) {
        let look = |place: &Place, receipt: &Receipt| {
            self.compares()?;
            let there = match (receipt.content.get(), receipt.stamp.get(), receipt.bytes.get()) {
                (Some(content), Some(stamp), Some(bytes)) => There::new(*content, *stamp, *bytes),
                _ => There::from_entry(&place.listing().entry(&place.spot().location).ok().flatten()?),
            };
            Some(there.made_by(record.provenance().with_format(place.format())))
        };
        if !place.is_several() {
            return (look(place, &receipts[0]), Vec::new());
        }
        let mut all = place.parts().iter().zip(receipts).map(|(part, receipt)| look(&**part, receipt));
        (all.next().flatten(), all.collect())
    }

    /// Has the journal, and whatever takes the outputs, know what lies there now.
    fn note_found(&self, place: &Place, there: &Option<There>, more: &[Option<There>]) {
        let Some(journal) = self.compares() else { return };
        for (spot, there) in place.spots().zip(iter::once(there).chain(more)) {
            if let Some(there) = there {
                spot.has(Content::from_fingerprint(there.content));
                journal.found(spot.key, *there);
            }
        }
    }

    /// Has the journal know that the target is being made.
    pub(super) fn begin_making(&mut self, target: &Location, started: Instant) {
        if let Some(journal) = self.journal() {
            let began = journal.began(self.task, target, self.beside().1, started);
            self.last.get_or_insert_default().began = began;
        }
    }

    fn dry_run(&self) -> Option<DryRun> {
        self.context.as_ref()?.settings.dry_run
    }

    fn is_tried_again(&self, raised: &Raised) -> bool {
        self.mode.executes()
            && raised.retry
            && self.attempt <= self.task.retries
            && self.flow().is_none_or(|flow| flow.cancelled().is_none())
    }
}

impl Submitted {
    pub(crate) fn new(job: Box<DynCall<'static>>, plan: Plan<'static>) -> Self {
        Submitted { job, plan }
    }
}

impl LazyRun for Submitted {
    type Host = Context;

    fn inputs(&self) -> Vec<Arc<dyn Node>> {
        self.plan.inputs()
    }

    fn is_there(&mut self) -> Result<bool, Arc<Failure>> {
        self.plan.is_there(&*self.job)
    }

    fn measure(&mut self) -> Result<Resources, Arc<Failure>> {
        self.plan.measure(&*self.job)
    }

    async fn produce(&mut self) -> Attempt {
        self.plan.produce(&mut *self.job).await
    }

    fn deliver(&mut self) {
        self.job.product_mut().deliver();
    }
}
