//! Flows whose runs are closures, in many interleavings.

use std::env;
use std::future::{poll_fn, ready};
use std::task::Poll;
use std::time::Duration;

use shuttle::scheduler::{PctScheduler, RandomScheduler, ReplayScheduler};
use shuttle::{Config, MaxSteps, Runner};

use super::super::*;
use crate::graph::held::Held;
use crate::graph::kept::Data;
use crate::graph::node::Node;
use crate::graph::outcome::{Attempt, Failure, Label, Produced};
use crate::graph::output::Output;
use crate::graph::pending::{LazyRun, PendingRun, Receiver};
use crate::graph::settle::settle_here;
use crate::run::context::Context as CallContext;
use crate::run::flow_run::{ActiveFlow, SharedByFlows};
use crate::runtime::block_on;
use crate::runtime::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use crate::runtime::sync::{pass_time, thread};
use pipex_format::model::error::{Error, RunError};
use pipex_format::model::flow::Flow;
use pipex_format::model::target::Template;

pub(super) static PLAIN: Task = Task::new("plain", "tests", file!(), line!(), Template::Plain(&[]));
pub(super) static TAGGED: Task = Task::new("tagged", "tests", file!(), line!(), Template::Plain(&[])).tags(&["tag"]);
pub(super) static BOTH: Task =
    Task::new("both", "tests", file!(), line!(), Template::Plain(&[])).tags(&["tag", "other"]);
pub(super) static SMALL: Task = needs("small", Resources::new().memory(1));
pub(super) static HALF: Task = needs("half", Resources::new().memory(2));
pub(super) static LARGE: Task = needs("large", Resources::new().memory(4));
pub(super) static WIDE: Task = needs("wide", Resources::new().threads(2));
static FLOW: Flow = Flow::new("explored", "tests", file!(), line!());

const fn needs(name: &'static str, resources: Resources) -> Task {
    Task::new(name, "tests", file!(), line!(), Template::Plain(&[])).resources(resources)
}

pub(super) type Value = Pin<Box<dyn Future<Output = Option<u32>> + Send>>;

/// A run that calls a closure, and counts. `None` of the closure is to be tried again.
struct Fake {
    context: Arc<CallContext>,
    task: &'static Task,
    inputs: Vec<Output<u32>>,
    body: Box<dyn FnMut(&[u32]) -> Value + Send>,
    counts: Arc<Counts>,
    value: Option<u32>,
    receiver: Receiver,
}

#[derive(Default)]
pub(super) struct Counts {
    /// How often the body was called.
    runs: AtomicUsize,
    underway: AtomicUsize,
    /// It was called while it ran, or before what it takes was there. A panic in it would only fail its run.
    wrong: AtomicBool,
}

impl Counts {
    pub(super) fn runs(&self) -> usize {
        assert!(!self.wrong.load(Ordering::SeqCst), "a body ran twice at a time, or before what it takes was there");
        self.runs.load(Ordering::SeqCst)
    }
}

impl LazyRun for Fake {
    type Host = CallContext;

    fn inputs(&self) -> Vec<Arc<dyn Node>> {
        self.inputs.iter().filter_map(unsettled).collect()
    }

    fn is_there(&mut self) -> Result<bool, Arc<Failure>> {
        Ok(false)
    }

    fn measure(&mut self) -> Result<Resources, Arc<Failure>> {
        Ok(self.task.resources)
    }

    async fn produce(&mut self) -> Attempt {
        let failed = self.inputs.iter().find_map(Output::failure).map(|failure| Arc::clone(failure.root()));
        if failed.is_some() || self.context.flow.as_ref().is_some_and(|flow| flow.cancelled().is_some()) {
            let name = self.task.funcname.to_owned();
            let error = Error::Task { name, target: None, source: RunError::Interrupted.into() };
            return Attempt::Ended(Err(Failure::skipped(error, failed)));
        }
        let values: Vec<_> = self.inputs.iter().filter_map(|input| input.peek().copied()).collect();
        let is_wrong = values.len() < self.inputs.len() || self.counts.underway.fetch_add(1, Ordering::SeqCst) > 0;
        self.counts.wrong.fetch_or(is_wrong, Ordering::SeqCst);
        self.counts.runs.fetch_add(1, Ordering::SeqCst);
        let inner = CallContext::within(Some(&self.context), self.task, None, None);
        let body = inner.enter(|| (self.body)(&values));
        self.value = inner.enter_async(body).await;
        self.counts.underway.fetch_sub(1, Ordering::SeqCst);
        self.value.map_or(Attempt::Again(Duration::ZERO), |_| Attempt::Ended(Ok(Produced::Value)))
    }

    fn deliver(&mut self) {
        if let Some(value) = self.value {
            self.receiver.receive(Data::new(value));
        }
    }
}

/// A run of the flow, or of the body, around here.
fn call(
    task: &'static Task,
    inputs: &[&Output<u32>],
    body: impl FnMut(&[u32]) -> Value + Send + 'static,
) -> (Output<u32>, Arc<PendingRun<Fake>>, Arc<Counts>) {
    let context = CallContext::current().expect("a flow is around here");
    let counts = Arc::<Counts>::default();
    let inputs = inputs.iter().copied().cloned().collect();
    let run = PendingRun::new(task, Label::default(), None, Some(Arc::clone(&context)));
    let held = Held::pending(&(Arc::clone(&run) as _), 0, None);
    let (body, receiver) = (Box::new(body), Receiver::One(Arc::downgrade(&held)));
    run.set_run(Fake { context, task, inputs, body, counts: Arc::clone(&counts), value: None, receiver });
    (Output::of(held), run, counts)
}

pub(super) fn lazy(
    task: &'static Task,
    inputs: &[&Output<u32>],
    body: impl FnMut(&[u32]) -> Value + Send + 'static,
) -> (Output<u32>, Arc<Counts>) {
    let (output, _, counts) = call(task, inputs, body);
    (output, counts)
}

pub(super) fn submit(
    task: &'static Task,
    inputs: &[&Output<u32>],
    body: impl FnMut(&[u32]) -> Value + Send + 'static,
) -> (Output<u32>, Arc<Counts>) {
    let (output, run, counts) = call(task, inputs, body);
    run.submit(false);
    (output, counts)
}

/// One more than the sum of what it takes.
pub(super) fn add(values: &[u32]) -> Value {
    Box::pin(ready(Some(values.iter().sum::<u32>() + 1)))
}

pub(super) fn value(output: &Output<u32>) -> u32 {
    output.wait().expect("it does not fail");
    *output.peek().expect("it is in memory")
}

fn unsettled(output: &Output<u32>) -> Option<Arc<dyn Node>> {
    output.held().pending_part().map(|(node, _)| Arc::clone(node))
}

/// Runs it on this thread, as a call that is made here does.
pub(super) fn run_here(output: &Output<u32>) {
    block_on(settle_here(unsettled(output).into_iter().collect()));
}

/// A thread in the flow that is around here.
pub(super) fn spawn(work: impl FnOnce() + Send + 'static) -> thread::JoinHandle<()> {
    let context = CallContext::current().expect("a flow is around here");
    thread::spawn(move || context.enter(work))
}

/// Waits for all of them at once.
pub(super) async fn join(futures: impl IntoIterator<Item = Output<u32>>) {
    let mut futures: Vec<_> = futures.into_iter().map(IntoFuture::into_future).collect();
    poll_fn(|context| {
        futures.retain_mut(|future| future.as_mut().poll(context).is_pending());
        if futures.is_empty() { Poll::Ready(()) } else { Poll::Pending }
    })
    .await;
}

/// Runs a flow in many interleavings, half of them chosen at random and half with few changes of threads; or in the one that
/// `SHUTTLE_SCHEDULE` says, as a failure prints it. Where it ends, all that was submitted has, and the pool is as it was.
pub(super) fn explore(
    local: impl Fn() -> Local + Send + Sync + 'static,
    body: impl Fn(&Local, &Arc<ActiveFlow>) + Send + Sync + 'static,
) {
    explore_with(local, |local| Arc::new(local.clone()), body);
}

/// As [`explore`], with an executor around the pool.
pub(super) fn explore_with(
    local: impl Fn() -> Local + Send + Sync + 'static,
    executor: impl Fn(&Local) -> Arc<dyn Executor> + Send + Sync + 'static,
    body: impl Fn(&Local, &Arc<ActiveFlow>) + Send + Sync + 'static,
) {
    let test = Arc::new(move || {
        let local = local();
        let mut context = CallContext::outermost();
        context.set_executor(executor(&local));
        let flow = ActiveFlow::new(&FLOW, Arc::new(SharedByFlows::new(None)), None, context.settings, false);
        context.flow = Some(Arc::clone(&flow));
        Arc::new(context).enter(|| body(&local, &flow));
        block_on(flow.until(|pending| pending == 0));
        assert_at_rest(&local);
    });
    let mut config = Config::new();
    config.stack_size = 1 << 17;
    config.silence_warnings = true;
    config.max_steps = MaxSteps::FailAfter(50_000);
    let again = Arc::clone(&test);
    if let Ok(schedule) = env::var("SHUTTLE_SCHEDULE") {
        Runner::new(ReplayScheduler::new_from_encoded(&schedule), config).run(move || test());
        return;
    }
    let iterations = env::var("SHUTTLE_ITERATIONS").map_or(1000, |text| text.parse().expect("a number"));
    Runner::new(RandomScheduler::new(iterations), config.clone()).run(move || test());
    Runner::new(PctScheduler::new(3, iterations), config).run(move || again());
}

/// Has all idle threads leave, and looks at what the pool counts.
fn assert_at_rest(local: &Local) {
    let pool = local.pool();
    loop {
        let state = pool.lock();
        pass_time(&pool.work, &state);
        if state.threads == 0 {
            break;
        }
        drop(state);
        thread::yield_now();
    }
    let state = pool.lock();
    assert_eq!((state.idle, state.woken), (0, 0), "idle and woken threads");
    let queued = state.resumed.len() + state.started.len() + state.ready.len() + state.fresh.len();
    assert_eq!(queued, 0, "nothing is left in the queues");
    assert!(state.room.is_at_rest(), "all room has been given back, and nobody waits for some");
}

/// How many run at a time.
#[derive(Clone, Default)]
pub(super) struct Gauge(Arc<(AtomicUsize, AtomicUsize)>);

impl Gauge {
    pub(super) fn body(&self) -> impl FnMut(&[u32]) -> Value + Send + 'static {
        self.body_of(1)
    }

    /// One that counts as so many.
    pub(super) fn body_of(&self, amount: usize) -> impl FnMut(&[u32]) -> Value + Send + 'static {
        let Gauge(gauge) = self.clone();
        move |values| {
            gauge.1.fetch_max(gauge.0.fetch_add(amount, Ordering::SeqCst) + amount, Ordering::SeqCst);
            thread::yield_now();
            gauge.0.fetch_sub(amount, Ordering::SeqCst);
            add(values)
        }
    }

    pub(super) fn most(&self) -> usize {
        self.0.1.load(Ordering::SeqCst)
    }
}
