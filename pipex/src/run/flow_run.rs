//! A flow run: what the calls within one flow share.

use std::collections::HashSet;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock, PoisonError, Weak};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::Span;
use tracing::field::Empty;

use crate::graph::node::Node;
use crate::graph::outcome::{Failure, number};
use crate::graph::settle::is_in_run;
use crate::run::context::{Context, Settings};
use crate::run::dry_run::Tally;
use crate::run::report::{self, Cancel, Event};
use crate::run::targets::Targets;
use crate::runtime::block_on;
use crate::runtime::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use pipex_format::journal::Journal;
use pipex_format::model::error::Error;
use pipex_format::model::flow::Flow;
use pipex_format::model::moment::Moment;
use pipex_format::model::state::State;

/// What the calls within one flow share. A flow within a flow shares its targets and its moment with the outer one: the
/// files are the same, and all that one run writes should agree.
pub(crate) struct ActiveFlow {
    pub(crate) flow: &'static Flow,
    pub(crate) shared: Arc<SharedByFlows>,
    pub(crate) span: Span,
    outer: Option<Arc<ActiveFlow>>,
    pub(crate) number: u64,
    depth: usize,
    fail_fast: bool,
    max_pending: usize,
    failures: Mutex<Failures>,
    /// How many were submitted and have not ended.
    pending: AtomicUsize,
    /// Told whenever there is one less.
    one_less: Notify,
    cancelled: OnceLock<Cancelled>,
    /// Told when it, or one around it, is cancelled.
    pub(crate) cancellation: CancellationToken,
    /// What was submitted, if the flow was called within a task run: that one's worker helps, and does not wait.
    pub(crate) within: Option<Mutex<Vec<Weak<dyn Node>>>>,
}

impl fmt::Debug for ActiveFlow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActiveFlow").field("flow", &self.flow.name).field("number", &self.number).finish()
    }
}

/// What a flow run shares with the flow runs within it.
pub(crate) struct SharedByFlows {
    pub(crate) targets: Targets,
    pub(crate) now: Moment,
    pub(crate) journal: Option<Journal>,
    /// In a dry run.
    pub(crate) would_run: Tally,
    pub(crate) looks: Looks,
}

/// Whether looks at what is there take so little that who submits a call takes them, and its executor is left what is to run. Where
/// they take their time (another machine has the files, say), workers take them side by side.
#[derive(Default)]
pub(crate) struct Looks {
    /// So many are left to workers.
    left: AtomicUsize,
    /// The last one took its time.
    was_slow: AtomicBool,
}

impl Looks {
    const QUICK: Duration = Duration::from_micros(100);
    const LEFT: usize = 256;

    pub(crate) fn are_quick(&self) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_err()
    }

    /// One has taken so long. A single one may have waited for something else, such as the journal's file.
    pub(crate) fn took(&self, time: Duration) {
        let is_slow = time > Self::QUICK;
        if self.was_slow.swap(is_slow, Ordering::Relaxed) && is_slow {
            self.left.store(Self::LEFT, Ordering::Relaxed);
        }
    }
}

/// What went wrong with what was submitted.
#[derive(Default)]
struct Failures {
    /// The runs that failed, each once: submitted ones, and those for which a submitted one did not run.
    failed: Vec<Arc<Failure>>,
    /// Their addresses.
    known: HashSet<usize>,
    /// How many were submitted and did not run, since another failed or the flow run was cancelled.
    skipped: usize,
    /// The first of those that did not run since the flow run was cancelled.
    cancelled: Option<Arc<Failure>>,
}

/// Why no more runs of a flow run start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Cancelled {
    /// A run failed, and the flow is to fail fast.
    Failure,
    /// This signal came.
    Signal(i32),
    /// Somebody asked for it, here.
    Asked(&'static str),
    /// What ran the flow's body is gone: it panicked, or its future was dropped.
    Gone,
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cancelled::Failure => f.write_str("another run failed, and the flow is to fail fast"),
            Cancelled::Signal(signal) => write!(f, "signal {signal} came"),
            Cancelled::Asked(why) => f.write_str(why),
            Cancelled::Gone => f.write_str("the flow's body ended before its time"),
        }
    }
}

impl SharedByFlows {
    pub(crate) fn new(journal: Option<Journal>) -> Self {
        let (targets, now, would_run) = (Targets::default(), Moment::default(), Tally::default());
        SharedByFlows { targets, now, journal, would_run, looks: Looks::default() }
    }
}

impl ActiveFlow {
    /// A flow run that starts now, `inside` a task run or not.
    pub(crate) fn new(
        flow: &'static Flow,
        shared: Arc<SharedByFlows>,
        outer: Option<Arc<ActiveFlow>>,
        settings: Settings,
        inside: bool,
    ) -> Arc<Self> {
        let number = number().get();
        Arc::new(ActiveFlow {
            flow,
            shared,
            span: tracing::info_span!(
                target: "pipex",
                "flow",
                name = flow.name,
                number,
                elapsed = Empty,
                file = flow.file,
                line = flow.line
            ),
            depth: outer.as_ref().map_or(0, |outer| outer.depth + 1),
            cancellation: outer.as_ref().map(|outer| outer.cancellation.child_token()).unwrap_or_default(),
            outer,
            number,
            fail_fast: settings.fail_fast || flow.fail_fast,
            max_pending: settings.max_pending,
            failures: Mutex::default(),
            pending: AtomicUsize::new(0),
            one_less: Notify::new(),
            cancelled: OnceLock::new(),
            within: inside.then(Mutex::default),
        })
    }

    /// Counts a run as submitted; where so many wait that it is to be slowed down, it waits for one of them to end.
    pub(crate) fn count_submitted(&self, node: &dyn Fn() -> Weak<dyn Node>) {
        if self.pending.load(Ordering::Relaxed) >= self.max_pending && !is_in_run() {
            block_on(self.until(|pending| pending < self.max_pending));
        }
        self.pending.fetch_add(1, Ordering::Relaxed);
        if let Some(within) = &self.within {
            within.lock().unwrap_or_else(PoisonError::into_inner).push(node());
        }
    }

    /// Counts a submitted run as ended.
    pub(crate) fn count_ended(&self) {
        if self.pending.fetch_sub(1, Ordering::AcqRel) == 1 || self.max_pending < usize::MAX {
            self.one_less.notify_waiters();
        }
    }

    pub(crate) async fn until(&self, enough: impl Fn(usize) -> bool) {
        loop {
            let one_less = self.one_less.notified();
            if enough(self.pending.load(Ordering::Acquire)) {
                return;
            }
            one_less.await;
        }
    }

    /// A submitted run failed.
    pub(crate) fn count_failed(&self, failure: Arc<Failure>) {
        let root = Arc::clone(failure.root());
        if self.fail_fast && root.ran() {
            self.cancel(Cancelled::Failure);
        }
        let mut failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        if !failure.ran() {
            failures.skipped += 1;
        }
        if !root.ran() {
            failures.cancelled.get_or_insert(root);
        } else if failures.known.insert(Arc::as_ptr(&root).addr()) {
            failures.failed.push(root);
        }
    }

    /// No more runs start.
    pub(crate) fn cancel(&self, why: Cancelled) {
        if self.cancelled.set(why).is_ok() {
            self.cancellation.cancel();
        }
    }

    /// Why no more runs start, if so.
    pub(crate) fn cancelled(&self) -> Option<Cancelled> {
        let mut run = Some(self);
        while let Some(this) = run {
            if let Some(why) = this.cancelled.get() {
                return Some(*why);
            }
            run = this.outer.as_deref();
        }
        None
    }

    /// The failures that nobody asked for, as one error.
    pub(crate) fn unasked(&self) -> Option<Error> {
        let failures = self.failures.lock().unwrap_or_else(PoisonError::into_inner);
        let Failures { failed, skipped, cancelled, .. } = &*failures;
        let mut unasked: Vec<_> = failed.iter().filter_map(|failure| failure.unasked()).collect();
        let mut skipped = *skipped;
        // What failed was asked about, and yet others did not run for it.
        if let (true, Some(cancelled)) = (unasked.is_empty(), cancelled.as_ref().and_then(|failure| failure.unasked()))
        {
            unasked.push(cancelled);
            skipped -= 1;
        }
        let mut listed: Vec<_> = unasked.iter().take(20).map(|error| format!("{error:?}")).collect();
        if unasked.len() > listed.len() {
            listed.push(format!("and {} more", unasked.len() - listed.len()));
        }
        (!unasked.is_empty()).then(|| Error::Unasked {
            flow: self.flow.name.to_owned(),
            count: unasked.len(),
            skipped,
            listed: listed.join("; "),
        })
    }

    pub(crate) fn is_outermost(&self) -> bool {
        self.depth == 0
    }

    /// Tells all listeners.
    pub(crate) fn notify<'r>(
        self: &'r Arc<Self>,
        context: &Context,
        event: for<'e> fn(&'e report::FlowRun<'e>) -> Event<'e>,
        parameters: &'r [(&'static str, String)],
        state: Option<State>,
        error: Option<&'r str>,
    ) {
        let run = report::FlowRun {
            flow: self.flow,
            depth: self.depth,
            number: self.number,
            outer: self.outer.as_ref().map(|outer| outer.number),
            parameters,
            state,
            error,
            handle: Some(&(Arc::clone(self) as Arc<dyn Cancel>)),
        };
        context.emit(&event(&run), self.shared.journal.as_ref());
    }

    /// The flow run has ended, with this error.
    pub(crate) fn notify_end(self: &Arc<Self>, context: &Context, error: Option<&str>) {
        let state = match (self.cancelled(), error) {
            (Some(Cancelled::Gone), _) => State::Crashed,
            (Some(Cancelled::Signal(_) | Cancelled::Asked(_)), _) => State::Cancelled,
            (_, Some(_)) => State::Failed,
            (_, None) => State::Completed,
        };
        self.notify(context, |run| Event::FlowEnded(run), &[], Some(state), error);
    }
}

impl Cancel for ActiveFlow {
    fn cancel(&self, why: &'static str) {
        ActiveFlow::cancel(self, Cancelled::Asked(why));
    }
}
