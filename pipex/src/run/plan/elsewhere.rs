//! A call whose function runs in another process: what is sent there, what is done there, what comes back.

use std::iter;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tracing::Instrument as _;

use super::attempt::{Done, Found, NotMade};
use super::{Asked, Attempted, LOOK, Plan, Run};
use crate::graph::outcome::Produced;
use crate::graph::packing::Packing;
use crate::graph::place::Place;
use crate::graph::visitor::{Visitor, checksum};
use crate::run::away::away;
use crate::run::body::Raised;
use crate::run::carrier::{Carrier, Job};
use crate::run::context::Context;
use crate::run::dry_run;
use crate::run::flow_run::ActiveFlow;
use crate::run::function::{AnyCall, DynCall};
use crate::run::heartbeat;
use pipex_format::journal::{There, Why, name_worker};
use pipex_format::model::error::{JobError, RunError};
use pipex_format::model::provenance::Reasons;
use pipex_format::store::{Record, Stamp};
use pipex_format::wire::{self, FlowRequest, JobEnd, JobOutcome, Order, Value, WireFormat};

impl Run {
    /// Who brings the run to another process, if it is to run there.
    fn carrier(&self) -> Option<Arc<dyn Carrier>> {
        if !self.task.remote || !self.mode.executes() {
            return None;
        }
        self.context.as_ref()?.executor()?.carrier()
    }

    /// Whether it is to run in another process.
    pub(super) fn is_elsewhere(&self) -> bool {
        self.carrier().is_some()
    }
}

impl Plan<'_> {
    /// In a dry run: lists it as a job, if another process can do it.
    pub(super) fn list_job(&self, job: &dyn AnyCall<'_>) {
        let job = self.run.task.remote.then(|| self.order(job, None));
        dry_run::list(job, self.run.flow().map(|flow| &flow.shared.would_run));
    }

    /// What another process is to do.
    fn order(&self, job: &dyn AnyCall<'_>, record: Option<Record>) -> Result<Order, JobError> {
        let Run { task, ref label, mode, outdated, .. } = self.run;
        let mut packing = Packing::new(task.parameters);
        job.accept(&mut Visitor::packing(&mut packing));
        let packing = packing.finish()?;
        let flow = FlowRequest {
            code: task.code,
            check: packing.can_be_checked.then(|| checksum(|visitor| job.accept(visitor))),
            record: record.map(|record| (record.arguments(), record.inputs())),
            outdated: outdated.map(|(stamp, _)| stamp.get()),
            caches: mode.caches(),
        };
        let place = job.place();
        let more = place.into_iter().flat_map(|place| place.parts().iter().skip(1));
        let more_targets = more.map(|part| part.spot().name().into_owned()).collect();
        Ok(Order {
            format: WireFormat::THIS,
            task: task.full_name(),
            args: packing.arguments,
            path: label.path.as_deref().map(str::to_owned),
            base: label.base.as_deref().map(str::to_owned),
            name: Some(self.run.name().for_task(task)),
            target: place.map(|place| place.spot().name().into_owned()),
            more_targets,
            flow: Some(flow),
        })
    }

    /// Asks another process for it.
    async fn ask(
        &mut self,
        order: Result<Order, JobError>,
        carrier: Arc<dyn Carrier>,
        place: Option<&Place>,
        started: Instant,
    ) -> Result<Reply, Raised> {
        let order = order.map_err(stays)?;
        let needs = self.run.beside.as_ref().and_then(|beside| beside.needs).unwrap_or_default();
        let job = Job::new(self.run.task, self.run.attempt, needs, &order).map_err(stays)?;
        let target = place.map(Place::location);
        if let Some(target) = target {
            self.run.begin_making(target, started);
        }
        let Run { task, attempt, ref context, .. } = self.run;
        let inside = Context::within(context.as_ref(), task, None, None);
        let heartbeat = heartbeat::watch(&inside, self.run.number(), task, self.run.name(), target, attempt, started);
        let flow = context.as_ref().and_then(|context| context.flow.as_deref());
        let reply = match flow {
            Some(flow) => flow.cancellation.run_until_cancelled(carrier.carry(job)).await,
            None => Some(carrier.carry(job).await),
        };
        let Some(reply) = reply else {
            let why = flow.and_then(ActiveFlow::cancelled).map(|why| why.to_string()).unwrap_or_default();
            return Err(RunError::Cancelled { why }.into());
        };
        drop(heartbeat);
        let outcome = JobOutcome::from_bytes(&reply?).map_err(stays)?;
        let JobOutcome { ended, elapsed, loading, saving, worker, recorded, .. } = outcome;
        self.run.beside.get_or_insert_default().elsewhere = worker.into();
        let last = self.run.last.get_or_insert_default();
        (last.loading, last.saving, last.records) = (loading, saving, recorded);
        let elapsed = Duration::try_from_secs_f64(elapsed).unwrap_or_default();
        if !matches!(ended, JobEnd::Failed(_)) {
            // Until then it waited to be taken there.
            last.started = Instant::now().checked_sub(elapsed).map(|began| began.max(started));
        }
        match (ended, place) {
            (JobEnd::Failed(raised), _) => {
                let retry = raised.retry;
                Err(Raised::new(raised.cause(), retry))
            }
            (JobEnd::Value(sent), _) => {
                Ok(Reply::Made { sent: Some(sent), is_all: true, found: Found::default(), elapsed })
            }
            (JobEnd::Saved { there, more, value: sent }, Some(_)) => {
                let bytes = iter::once(&there).chain(&more).flatten().map(|there| there.bytes).sum();
                let compares = self.run.compares().is_some();
                let more = if compares { more } else { Vec::new() };
                let found = Found { there: there.filter(|_| compares), more, bytes, urgent: false };
                Ok(Reply::Made { sent, is_all: false, found, elapsed })
            }
            (JobEnd::Found, Some(place)) => {
                let stamp = place.stamp_all();
                let stamp = stamp.map_err(|source| RunError::Store { action: LOOK, source: source.into() })?;
                stamp.map(Reply::There).ok_or_else(|| RunError::Interrupted.into())
            }
            (JobEnd::Saved { .. } | JobEnd::Found, None) => {
                Err(stays(JobError::Malformed { problem: "it says that it was saved, and has no target".to_owned() }))
            }
        }
    }
}

impl Plan<'_> {
    /// Has the function run in another process, which claims the target, saves, and says what came of it; `None` if it is to
    /// run here.
    pub(super) async fn make_elsewhere(
        &mut self,
        job: &mut dyn AnyCall<'_>,
        record: Option<Record>,
        started: Instant,
    ) -> Result<Option<Done>, Raised> {
        let Some(carrier) = self.run.carrier() else { return Ok(None) };
        let order = self.order(job, record);
        let (sent, is_all, found, elapsed) = match Box::pin(self.ask(order, carrier, job.place(), started)).await? {
            Reply::Made { sent, is_all, found, elapsed } => (sent, is_all, found, elapsed),
            Reply::There(stamp) => return Ok(Some(Done::Not(NotMade::There(stamp)))),
        };
        let has_value = sent.is_some_and(|sent| job.product_mut().receive(sent));
        if is_all && !has_value {
            return Err(stays(JobError::Output { problem: "what came back is not of its type".to_owned() }));
        }
        let produced = if has_value { Produced::Value } else { Produced::Saved };
        Ok(Some(Done::Made { produced, found, elapsed }))
    }
}

/// An error that is the same when it is tried again.
fn stays(error: JobError) -> Raised {
    Raised::new(error, false)
}

/// What came back from another process.
#[expect(clippy::large_enum_variant, reason = "it is taken apart where it comes back")]
enum Reply {
    /// It was made, and this was sent of it; or this is all that there is of it.
    Made { sent: Option<Value>, is_all: bool, found: Found, elapsed: Duration },
    /// Another has made it meanwhile.
    There(Stamp),
}

/// Does what a flow in another process has ordered.
pub(crate) async fn serve(mut job: Box<DynCall<'static>>, asked: Asked<'static>, order: Order) -> JobOutcome {
    let job = &mut *job;
    let started = Instant::now();
    let flow = order.flow.as_ref();
    let check = flow.and_then(|flow| flow.check);
    if check.is_some_and(|check| check != checksum(|visitor| job.accept(visitor))) {
        let problem =
            "they did not arrive as they were given (a NaN, an infinity, or a value whose JSON is not all of it)";
        let error = JobError::Malformed { problem: format!("the arguments of {}: {problem}", order.task) };
        return JobOutcome::refused(error);
    }
    let mut plan = match Plan::new(job, asked) {
        Ok(plan) => plan,
        Err((failure, _)) => return JobOutcome::failed(&failure.ask().into(), false),
    };
    plan.away = Some(away);
    // Whoever ordered it says whether it is tried again, and then orders it once more.
    plan.run.attempt = plan.run.task.retries + 1;
    let record = flow.and_then(|flow| flow.record);
    plan.run.beside.get_or_insert_default().record =
        record.map(|(arguments, inputs)| Record::new(plan.run.task, arguments, inputs));
    let outdated = flow.and_then(|flow| flow.outdated).map(Stamp::new);
    plan.run.outdated = outdated.map(|stamp| (stamp, Reasons::default()));
    let span = plan.run.span(job.target());
    let made = plan.make(job, started).instrument(span).await;
    let ended = ended(made, job, &plan);
    let Attempted { loading, saving, records: recorded, .. } = plan.run.last.map(|last| *last).unwrap_or_default();
    let worker = name_worker();
    JobOutcome { loading, saving, worker, recorded, ..JobOutcome::new(ended, started.elapsed().as_secs_f64()) }
}

/// What there is to say of it.
fn ended(made: Result<Produced, Raised>, job: &mut dyn AnyCall<'_>, plan: &Plan<'_>) -> JobEnd {
    let made = match made {
        Err(Raised { cause, retry, .. }) => return JobEnd::Failed(wire::JobFailure::new(&cause, retry)),
        Ok(made) => made,
    };
    let Some(place) = job.place() else {
        let refused = |problem| JobEnd::Failed(wire::JobFailure::new(&JobError::Output { problem }.into(), false));
        return job.product_mut().send().map_or_else(refused, JobEnd::Value);
    };
    if plan.run.why == Why::MadeMeanwhile {
        return JobEnd::Found;
    }
    let look = |place: &Place| {
        let entry = place.listing().entry(&place.spot().location).ok().flatten()?;
        let there = There::from_entry(&entry);
        Some(there.made_by(plan.record().provenance().with_format(place.format())))
    };
    let (there, more) = match place.parts() {
        [] => (look(place), Vec::new()),
        [first, more @ ..] => (look(&**first), more.iter().map(|part| look(&**part)).collect()),
    };
    // A function that saves its own output may give something small besides.
    let value = match made {
        Produced::Value => job.product_mut().send().ok(),
        Produced::Saved | Produced::Nothing => None,
    };
    JobEnd::Saved { there, more, value }
}
