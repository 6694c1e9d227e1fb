//! A flow from its start to its end.

use std::borrow::Cow;
use std::future::Future;
use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, Weak};
use std::time::Instant;

use tracing::Instrument as _;

use crate::flow::carry::Failed;
use crate::flow::hooks::Notifier;
use crate::flow::signals;
use crate::flow::summary::Summary;
use crate::graph::make;
use crate::graph::settle::{Within, settle_here};
use crate::graph::visitor::{Visitor, describe};
use crate::run::context::Context;
use crate::run::engine;
use crate::run::flow_run::{ActiveFlow, Cancelled, SharedByFlows};
use crate::run::report::Event;
use crate::runtime::block_on;
use crate::runtime::panics::guard;
use pipex_format::environment;
use pipex_format::journal::{Given, Journal};
use pipex_format::model::error::Error;
use pipex_format::model::flow::Flow;
use pipex_format::model::mode::Mode;
use pipex_format::store::Lease;

/// A flow run that has started.
pub struct Started {
    context: Arc<Context>,
    run: Arc<ActiveFlow>,
    started: Instant,
    /// What the end table is made of.
    table: Option<Summary>,
    notifier: Option<Arc<Notifier>>,
    lease: Lease,
}

/// Starts a flow run in this context.
#[must_use]
pub(crate) fn start(
    mut context: Context,
    flow: &'static Flow,
    path: Option<PathBuf>,
    parameters: &[&'static str],
    accept: impl FnOnce(&mut Visitor<'_>),
) -> Started {
    #[cfg(feature = "logging")]
    crate::flow::logging::own(flow.module);
    let obeys_environment = context.obeys_environment();
    let outer = context.flow.take();
    let executes = context.prepare();
    let does_more = !matches!(context.mode(), Ok(Mode::DoNothing));
    match obeys_environment {
        true if does_more => environment::warn_of_unknown(),
        // What used to ask for something else than a run did so in every mode.
        true => environment::warn_of_removed(),
        false => {}
    }
    let runs = does_more && context.settings.dry_run.is_none();
    if executes && obeys_environment {
        match engine::reporters() {
            Ok(reporters) => reporters.into_iter().for_each(|reporter| context.add_reporter(reporter)),
            Err(error) => context.refuse(error),
        }
    }
    let keeps_journal = runs && outer.is_none() && context.journal().is_some();
    // An argument that cannot be shown is not the flow's end.
    let shown = || guard(|| describe(accept, parameters, None)).unwrap_or_default();
    let given = if context.wants_inputs || keeps_journal { shown() } else { Vec::new() };
    let shared = match &outer {
        Some(outer) => Arc::clone(&outer.shared),
        None => {
            let mode = context.mode().unwrap_or_default();
            let dry = context.settings.dry_run.is_some();
            let journal = context.journal().and_then(|at| Journal::new(at, Some(flow), mode, dry));
            let asked = make::requested().map(|make| make.names().cloned().collect()).unwrap_or_default();
            Arc::new(SharedByFlows::new(journal.map(|journal| journal.with_parameters(given.clone(), asked))))
        }
    };
    let settings = context.settings;
    let run = ActiveFlow::new(flow, shared, outer, settings, context.within != Within::Flow);
    let table = (runs && run.is_outermost() && !context.is_quiet()).then(Summary::new);
    if let Some(table) = &table {
        context.add_reporter(Arc::new(table.clone()));
        #[cfg(feature = "progress")]
        context.add_reporter(Arc::new(crate::flow::progress::Progress::new()));
    }
    let notifies = runs && run.is_outermost() && !context.hooks.is_empty();
    let notifier = notifies.then(|| Arc::new(Notifier::new(Arc::clone(&context.hooks), flow.name)));
    notifier.iter().for_each(|notifier| context.add_reporter(Arc::clone(notifier) as _));
    if runs && settings.signals {
        signals::watch(&run, settings.grace);
    }
    context.flow = Some(Arc::clone(&run));
    if let Some(stale) = flow.stale {
        context.settings.stale = Some(stale);
    }
    if let Some(path) = path {
        context.set_flow_path(&path);
    }
    let value = |given: Given<'static>| given.value.map(Cow::into_owned).unwrap_or_default();
    let parameters: Vec<_> = parameters.iter().copied().zip(given.into_iter().map(value)).collect();
    run.notify(&context, |run| Event::FlowStarted(run), &parameters, None, None);
    let (context, started) = (Arc::new(context), Instant::now());
    Started { context, run, started, table, notifier, lease: Lease::hold_for_many() }
}

impl Started {
    /// Runs the flow's body; what went wrong and nobody was told of becomes its result, if `carry` can.
    pub fn finish<R>(
        self,
        carry: impl FnOnce(Error, R) -> R,
        failure: impl FnOnce(&R) -> Option<Failed>,
        body: impl FnOnce() -> R,
    ) -> R {
        let underway = BodyGuard(&self);
        let value = self.run.span.in_scope(|| self.context.enter(body));
        underway.over();
        block_on(self.ended());
        self.end(carry, failure, value)
    }

    /// As [`finish`](Started::finish).
    pub async fn finish_async<R>(
        self,
        carry: impl FnOnce(Error, R) -> R,
        failure: impl FnOnce(&R) -> Option<Failed>,
        body: impl Future<Output = R>,
    ) -> R {
        let underway = BodyGuard(&self);
        let value = Arc::clone(&self.context).enter_async(body).instrument(self.run.span.clone()).await;
        self.ended().await;
        underway.over();
        self.end(carry, failure, value)
    }

    /// Waits until all that was submitted has ended.
    async fn ended(&self) {
        if let Some(within) = &self.run.within {
            loop {
                let submitted = std::mem::take(&mut *within.lock().unwrap_or_else(PoisonError::into_inner));
                if submitted.is_empty() {
                    break;
                }
                settle_here(submitted.iter().filter_map(Weak::upgrade).collect()).await;
            }
        }
        self.run.until(|pending| pending == 0).await;
    }

    fn end<R>(self, carry: impl FnOnce(Error, R) -> R, failure: impl FnOnce(&R) -> Option<Failed>, value: R) -> R {
        let Started { context, run, started, table, notifier, lease } = self;
        run.span.record("elapsed", started.elapsed().as_secs_f64());
        let error = context.mode().err().or_else(|| run.span.in_scope(|| run.unasked()));
        let failed = error.as_ref().map(|error| Failed::new(error)).or_else(|| failure(&value));
        // What it was asked for has been made.
        let is_over = make::requested().is_some() && failed.as_ref().is_some_and(Failed::ends_dry_run);
        let text = failed.as_ref().filter(|_| !is_over).map(|failed| failed.text.as_str());
        run.notify_end(&context, text);
        if let Some(table) = table.filter(|table| !table.is_empty()) {
            let _ = writeln!(io::stderr(), "{table}");
        }
        tell(notifier.as_deref(), &run);
        if let Some(dry) = context.settings.dry_run.filter(|_| run.is_outermost()) {
            run.shared.would_run.end(dry, failed.is_some_and(|failed| failed.ends_dry_run()));
        }
        lease.give_back();
        signals::ended(&run);
        match error {
            Some(error) => run.span.in_scope(|| carry(error, value)),
            None => value,
        }
    }
}

/// Tells the hooks, if there are some, that the flow run has ended.
fn tell(notifier: Option<&Notifier>, run: &ActiveFlow) {
    if let Some(notifier) = notifier {
        notifier.tell(run.shared.journal.as_ref().and_then(Journal::name));
    }
}

/// A flow's body that is under way: if it panics, or its future is dropped, what it has submitted and has not started does
/// not start.
struct BodyGuard<'r>(&'r Started);

impl BodyGuard<'_> {
    fn over(self) {
        std::mem::forget(self);
    }
}

impl Drop for BodyGuard<'_> {
    fn drop(&mut self) {
        let Started { run, context, notifier, .. } = self.0;
        run.cancel(Cancelled::Gone);
        run.notify_end(context, Some("its body panicked, or its future was dropped"));
        tell(notifier.as_deref(), run);
        signals::ended(run);
    }
}
