//! A call on its way to an executor, or to whoever asks for what it gives.

use std::sync::Arc;

use crate::graph::handles::{Handed, Several};
use crate::graph::make::Make;
use crate::graph::node::Node;
use crate::graph::outcome::{Ended, Failure, Label, Outcome, Produced};
use crate::graph::pending::PendingRun;
use crate::graph::place::Place;
use crate::graph::settle::settle;
use crate::run::away::away;
use crate::run::call::{do_now, give_outputs};
use crate::run::context::Context;
use crate::run::function::DynCall;
use crate::run::plan::{Asked, Plan, Submitted};
use crate::runtime::block_on;
use pipex_format::model::error::Error;

/// Hands a call to the executor, if there is one.
pub(super) fn submit(mut job: Box<DynCall<'static>>, asked: Asked<'static>, several: Option<Several>) -> Handed {
    if let Some(make) = Context::requested() {
        return make_it(job, asked, several, make);
    }
    if Context::executes() {
        return into_pending(job, asked, several, true).0;
    }
    let ended = do_now(&mut *job, asked);
    count_failed(&ended.outcome);
    give_outputs(&mut *job, ended, several)
}

/// Has a call be done only if it is needed.
pub(super) fn be_lazy(job: Box<DynCall<'static>>, asked: Asked<'static>, several: Option<Several>) -> Handed {
    match Context::requested() {
        Some(make) => make_it(job, asked, several, make),
        None => into_pending(job, asked, several, false).0,
    }
}

/// The outputs of a call that has failed, which nobody may ask for.
#[cold]
pub(super) fn give_failed((label, error): (Label, Error), several: Option<Several>) -> Handed {
    let outcome = Err(Failure::new(error));
    count_failed(&outcome);
    Handed::ended(Ended { label, outcome }, None, None, several)
}

/// Where only what was asked for is made: does it if it is that, else only if that needs it.
fn make_it(job: Box<DynCall<'static>>, asked: Asked<'static>, several: Option<Several>, make: &Make) -> Handed {
    let (outputs, run) = into_pending(job, asked, several, false);
    if let Some(run) = run {
        make_run(make, &run);
    }
    outputs
}

/// Its outputs, and the run, with its executor if it was submitted; none if it has ended at once.
fn into_pending(
    mut job: Box<DynCall<'static>>,
    asked: Asked<'static>,
    several: Option<Several>,
    submitted: bool,
) -> (Handed, Option<Arc<PendingRun<Submitted>>>) {
    let (plan, is_to_run) = match plan_later(&mut *job, asked, submitted) {
        Ok(planned) => planned,
        Err(ended) => {
            if submitted {
                count_failed(&ended.outcome);
            }
            return (give_outputs(&mut *job, ended, several), None);
        }
    };
    let product = job.product_mut();
    let run = PendingRun::new(plan.task(), plan.label().clone(), product.place().cloned(), plan.context().cloned());
    let (outputs, receiver) = Handed::pending(&(Arc::clone(&run) as _), product.place(), several);
    product.set_receiver(receiver);
    run.set_run(Submitted::new(job, plan));
    if submitted {
        run.submit(is_to_run);
    }
    (outputs, Some(run))
}

/// Plans a call that is to run later; or how it has ended at once. And whether it is known that it is to run.
fn plan_later(job: &mut DynCall<'static>, asked: Asked<'_>, submitted: bool) -> Result<(Plan<'static>, bool), Ended> {
    let mut plan = Plan::new(job, asked).map_err(|(failure, label)| Ended { label, outcome: Err(failure) })?;
    plan.away = Some(away);
    let mut is_to_run = false;
    if submitted {
        plan.submitted(job.target());
        match plan.look_at_once(job) {
            None => {}
            Some(Ok(false)) => is_to_run = true,
            Some(there) => {
                let outcome = there.map(|_| Produced::Saved);
                return Err(Ended { label: plan.into_label(), outcome });
            }
        }
    } else if Context::requested().is_none() {
        plan.be_lazy();
    }
    if let Some(place) = job.place() {
        plan.expect(place);
    }
    Ok((plan, is_to_run))
}

/// Has a run be done if it is one that was asked for.
fn make_run(make: &Make, run: &Arc<PendingRun<Submitted>>) {
    let is_asked = |place: &Place| make.meet(run.task(), place.spots().map(|spot| &spot.location));
    if !run.place().is_some_and(is_asked) {
        return;
    }
    if Context::executes() {
        run.submit(false);
        return;
    }
    block_on(settle(vec![Arc::clone(run) as Arc<dyn Node>]));
    if let Some(Err(failure)) = run.ended() {
        count_failure(failure);
    }
}

/// Has the flow run know of a failure that nobody may ask for.
fn count_failed(outcome: &Outcome) {
    if let Err(failure) = outcome {
        count_failure(failure);
    }
}

fn count_failure(failure: &Arc<Failure>) {
    if let Some(run) = Context::current().and_then(|context| context.flow.clone()) {
        run.count_failed(Arc::clone(failure));
    }
}
