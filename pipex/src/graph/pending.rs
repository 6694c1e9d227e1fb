//! Runs that have yet to happen, and the graph that they make.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, Weak};
use std::task::Poll;

use tokio_util::sync::CancellationToken;

use crate::graph::held::Held;
use crate::graph::host::{Host, Permit, Ready};
use crate::graph::kept::Data;
use crate::graph::node::Node;
use crate::graph::outcome::{Attempt, Failure, Label, Outcome, Produced};
use crate::graph::place::Place;
use crate::graph::settle::{settle_here, within};
use crate::graph::waiters::Waiters;
use crate::runtime::panics::{Phase, discard, guard};
use crate::runtime::sync::atomic::{AtomicBool, Ordering};
use crate::runtime::sync::{Mutex, MutexGuard, OnceLock, thread_local};
use crate::runtime::{after, pause};
use pipex_format::model::contents::Content;
use pipex_format::model::error::{Error, RunError};
use pipex_format::model::resources::Resources;
use pipex_format::model::task::Task;

/// A run that has yet to happen, and what came of it once it has.
pub struct PendingRun<L: LazyRun> {
    task: &'static Task,
    label: Label,
    place: Option<Arc<Place>>,
    /// It ended in a dry run: it would have run.
    dry: AtomicBool,
    ended: OnceLock<Result<(), Arc<Failure>>>,
    host: Option<Arc<L::Host>>,
    state: Mutex<Unsettled<L>>,
}

/// Who is given what a run gives, if it is in memory.
pub enum Receiver {
    /// The one that has all of it.
    #[doc(hidden)]
    One(Weak<Held>),
    /// Those that have a part of it each. As small as can be: few are several.
    #[doc(hidden)]
    Several(Box<Parts>),
}

/// Outputs that have a part each of what a run gives, and what parts it.
pub struct Parts {
    pub(crate) held: Vec<Weak<Held>>,
    pub(crate) split: fn(Data) -> Vec<Data>,
}

impl Receiver {
    /// Gives it to them. It is dropped here if nobody can ask for it.
    pub(crate) fn receive(&self, data: Data) {
        match self {
            Receiver::One(one) => give(one, data),
            Receiver::Several(parts) => {
                parts.held.iter().zip((parts.split)(data)).for_each(|(part, data)| give(part, data));
            }
        }
    }
}

fn give(held: &Weak<Held>, data: Data) {
    if let Some(held) = held.upgrade() {
        held.receive(data);
    }
}

/// A run that has not ended: what is to run, until somebody runs it, and who waits for it.
struct Unsettled<L: LazyRun> {
    run: Option<L>,
    stage: Stage,
    /// The flow run waits for it.
    submitted: bool,
    waiters: Waiters,
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// Nobody has asked for it.
    Lazy,
    /// Its executor has it, and is to find out what it waits for.
    Handed,
    /// So many of the inputs that it waits for have not ended; then it is `then`.
    Waits { inputs: u32, then: Then },
    /// All that was submitted and that it takes has ended: whether it has to run can be told.
    Due,
    /// It can run.
    Ready,
    /// And its executor knows what it needs: it is handed over only when there is room.
    Measured,
}

#[derive(Clone, Copy, PartialEq)]
enum Then {
    Due,
    Ready,
}

/// What is to run.
pub(crate) trait LazyRun: Send + 'static {
    /// Where it was called.
    type Host: Host + 'static;

    /// The runs it needs that have not ended.
    fn inputs(&self) -> Vec<Arc<dyn Node>>;
    /// Whether it need not run, since its target is there.
    fn is_there(&mut self) -> Result<bool, Arc<Failure>>;
    /// What it needs while it runs. Its inputs have ended.
    fn measure(&mut self) -> Result<Resources, Arc<Failure>>;
    /// One attempt; its inputs have ended.
    fn produce(&mut self) -> impl Future<Output = Attempt> + Send;
    /// Gives its value to who is to have it.
    fn deliver(&mut self);
}

/// Anything that can be dropped later.
trait Discard: Send {}

impl<L: Send> Discard for L {}

impl<L: LazyRun> Drop for Unsettled<L> {
    /// A run holds its inputs, which hold theirs: a chain of 100,000 is taken apart one by one, not in a recursion that
    /// deep.
    fn drop(&mut self) {
        thread_local! {
            static DISCARDED: RefCell<Option<Vec<Box<dyn Discard>>>> = const { RefCell::new(None) };
        }
        let Some(run) = self.run.take() else { return };
        let run = DISCARDED.with_borrow_mut(|queue| match queue {
            Some(queue) => {
                queue.push(Box::new(run));
                None
            }
            None => {
                *queue = Some(Vec::new());
                Some(run)
            }
        });
        let Some(outermost) = run else { return };
        discard(outermost);
        while let Some(next) = DISCARDED.with_borrow_mut(|queue| queue.as_mut().and_then(Vec::pop)) {
            discard(next);
        }
        DISCARDED.set(None);
    }
}

impl<L: LazyRun> PendingRun<L> {
    /// A run of which nothing but this is known yet: what is to run is [put there](PendingRun::set_run) when its outputs are made.
    pub(crate) fn new(
        task: &'static Task,
        label: Label,
        place: Option<Arc<Place>>,
        host: Option<Arc<L::Host>>,
    ) -> Arc<Self> {
        let unsettled = Unsettled { run: None, stage: Stage::Lazy, submitted: false, waiters: Waiters::default() };
        let (dry, ended, state) = (AtomicBool::new(false), OnceLock::new(), Mutex::new(unsettled));
        Arc::new(PendingRun { task, label, place, dry, ended, host, state })
    }

    /// What is to run.
    pub(crate) fn set_run(&self, run: L) {
        self.lock().run = Some(run);
    }

    pub(crate) fn place(&self) -> Option<&Place> {
        self.place.as_deref()
    }

    fn build_failure(&self, error: RunError) -> Arc<Failure> {
        Failure::new(Error::Task {
            name: self.label.name(None).for_task(self.task),
            target: self.place().map(|place| place.location().clone()),
            source: error.into(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, Unsettled<L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where it was called, if there is an executor that runs it.
    fn executing_host(&self) -> Option<&Arc<L::Host>> {
        self.host.as_ref().filter(|host| host.has_executor())
    }

    fn cancellation(&self) -> Option<&CancellationToken> {
        self.host.as_ref()?.cancellation()
    }

    /// Hands it to its executor; the flow run counts it, and does not end before it. Whether it is known that it is to run: what it
    /// takes has ended, and its target is not there.
    pub(crate) fn submit(self: &Arc<Self>, is_to_run: bool) {
        let Some(host) = self.executing_host() else { return };
        host.count_submitted(&|| Arc::downgrade(self) as _);
        let stage = if is_to_run { Stage::Ready } else { Stage::Handed };
        let mut state = self.lock();
        (state.submitted, state.stage) = (true, stage);
        drop(state);
        // What an executor has of its inputs ends in any case: it is handed over when it has.
        let inputs = if is_to_run { Vec::new() } else { self.handed_inputs() };
        if inputs.is_empty() || self.wait_for(inputs) {
            host.submit(Ready::first(Arc::clone(self) as _));
        }
    }

    /// Waits for inputs that an executor has; whether they have ended.
    fn wait_for(self: &Arc<Self>, inputs: Vec<Arc<dyn Node>>) -> bool {
        self.count_inputs(&inputs, Then::Due);
        let this = Arc::clone(self) as Arc<dyn Node>;
        for input in inputs {
            if !input.subscribe(&this) {
                self.one_less();
            }
        }
        self.one_less()
    }

    /// It waits for so many, and one more, until all have been asked.
    fn count_inputs(&self, inputs: &[Arc<dyn Node>], then: Then) {
        let count = u32::try_from(inputs.len()).expect("there is no room in memory for as many") + 1;
        self.lock().stage = Stage::Waits { inputs: count, then };
    }

    /// Hands it to its executor again.
    fn hand_again(self: Arc<Self>) {
        if let Some(host) = self.executing_host().cloned() {
            host.submit(Ready::again(self as _));
        }
    }

    /// It has ended; what ran goes.
    fn end(&self, outcome: Outcome, run: Option<L>) {
        let mut run = run;
        let ended = outcome.and_then(|made| match (made, &mut run) {
            // Awaited no longer when anyone is told.
            (Produced::Value, Some(run)) => {
                guard(|| run.deliver()).map_err(|panic| self.build_failure(panic.error(Phase::Dropping)))
            }
            (Produced::Value, None) | (Produced::Saved, _) => Ok(()),
            (Produced::Nothing, _) => {
                self.dry.store(true, Ordering::Release);
                Ok(())
            }
        });
        discard(run);
        let failure = ended.as_ref().err().cloned();
        if self.ended.set(ended).is_err() {
            return;
        }
        let mut state = self.lock();
        let (waiters, submitted) = (std::mem::take(&mut state.waiters), state.submitted);
        drop(state);
        let host = self.host.as_ref().filter(|_| submitted);
        if let (Some(host), Some(failure)) = (host, failure) {
            host.count_failed(failure);
        }
        waiters.tell();
        if let Some(host) = host {
            host.count_ended();
        }
    }

    /// Its turn to run it here, and room for that; `None` when it has ended.
    async fn turn(self: &Arc<Self>) -> Option<(Turn<L>, Permit)> {
        loop {
            let run = poll_fn(|context| self.poll_turn(context)).await?;
            let mut turn = Turn::new(Arc::clone(self), run);
            let needs = match turn.run().measure() {
                Ok(needs) => needs,
                Err(failure) => {
                    turn.end(Err(failure));
                    return None;
                }
            };
            let Some(host) = &self.host else { return Some((turn, Permit::default())) };
            if !self.task.is_limited() {
                return Some((turn, host.admit(self.task, needs, within()).await));
            }
            // Somebody who has room may come to wait for this run, and is to run it then.
            turn.put_back();
            let room = host.admit(self.task, needs, within()).await;
            let run = self.lock().run.take();
            if let Some(run) = run {
                return Some((Turn::new(Arc::clone(self), run), room));
            }
        }
    }

    /// Whether these inputs have ended; if not, its executor gets it again when they have.
    async fn inputs_ended(self: &Arc<Self>, inputs: Vec<Arc<dyn Node>>, then: Then) -> bool {
        self.count_inputs(&inputs, then);
        let this = Arc::clone(self) as Arc<dyn Node>;
        for input in inputs {
            if !Arc::clone(&input).hand_over() {
                settle_here(vec![Arc::clone(&input)]).await;
            }
            if !input.subscribe(&this) {
                self.one_less();
            }
        }
        self.one_less()
    }

    /// Counts an input that has ended; whether it was the last.
    fn one_less(&self) -> bool {
        let mut state = self.lock();
        let Stage::Waits { inputs, then } = state.stage else { return false };
        state.stage = match (inputs, then) {
            (1, Then::Due) => Stage::Due,
            (1, Then::Ready) => Stage::Ready,
            _ => Stage::Waits { inputs: inputs - 1, then },
        };
        inputs == 1
    }

    fn put_back(&self, run: L) {
        let mut state = self.lock();
        state.run = Some(run);
        let wakers = state.waiters.take_wakers();
        drop(state);
        wakers.tell();
    }

    /// The run, when there is one to run; `None` when it has ended.
    fn poll_turn(&self, context: &mut std::task::Context<'_>) -> Poll<Option<L>> {
        let mut state = self.lock();
        if self.ended.get().is_some() {
            return Poll::Ready(None);
        }
        if let Some(run) = state.run.take() {
            return Poll::Ready(Some(run));
        }
        state.waiters.add_waker(context.waker());
        Poll::Pending
    }
}

/// A run that is being run: it ends also when that panics or is dropped, so that nobody waits for ever.
struct Turn<L: LazyRun> {
    pending: Arc<PendingRun<L>>,
    run: Option<L>,
}

impl<L: LazyRun> Turn<L> {
    fn new(pending: Arc<PendingRun<L>>, run: L) -> Self {
        Turn { pending, run: Some(run) }
    }

    fn run(&mut self) -> &mut L {
        self.run.as_mut().expect("only what ends the turn takes it")
    }

    /// What is to be attempted again, another time.
    fn pass_on(mut self) -> Option<L> {
        self.run.take()
    }

    /// Others may run it.
    fn put_back(mut self) {
        self.run.take().into_iter().for_each(|run| self.pending.put_back(run));
    }

    fn end(mut self, outcome: Outcome) {
        let run = self.run.take();
        self.pending.end(outcome, run);
    }
}

impl<L: LazyRun> Drop for Turn<L> {
    fn drop(&mut self) {
        if let Some(run) = self.run.take() {
            discard(run);
            Arc::clone(&self.pending).abandon();
        }
    }
}

impl<L: LazyRun> Node for PendingRun<L> {
    fn task(&self) -> &'static Task {
        self.task
    }

    fn label(&self) -> &Label {
        &self.label
    }

    fn needs(&self) -> Option<Resources> {
        let mut state = self.lock();
        // Where another has it by now, nothing is left to be done.
        let run = if state.stage == Stage::Measured { state.run.as_mut() } else { None };
        run?.measure().ok()
    }

    fn ended(&self) -> Option<Result<(), &Arc<Failure>>> {
        self.ended.get().map(|ended| ended.as_ref().copied())
    }

    fn is_dry(&self) -> bool {
        self.dry.load(Ordering::Acquire)
    }

    fn content(&self, part: usize) -> Content {
        let Some(place) = &self.place else { return Content::Unknown };
        match self.ended.get() {
            Some(Err(_)) => Content::Unknown,
            Some(Ok(())) if self.is_dry() => Content::Changes,
            _ => place.parts().get(part).map_or_else(|| place.spot().content(), |part| part.spot().content()),
        }
    }

    fn is_handed(&self) -> bool {
        self.lock().stage != Stage::Lazy
    }

    fn is_there(self: Arc<Self>) -> bool {
        let mut state = self.lock();
        let Some(run) = &mut state.run else { return false };
        let ended = match run.is_there() {
            Ok(false) => return false,
            Ok(true) => Ok(Produced::Saved),
            Err(failure) => Err(failure),
        };
        let run = state.run.take();
        drop(state);
        self.end(ended, run);
        true
    }

    fn inputs(&self) -> Vec<Arc<dyn Node>> {
        self.lock().run.as_ref().map(|run| run.inputs()).unwrap_or_default()
    }

    fn run(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            while let Some((mut turn, room)) = self.turn().await {
                match turn.run().produce().await {
                    Attempt::Ended(outcome) => return turn.end(outcome),
                    Attempt::Again(delay) => {
                        drop(room);
                        pause(delay, self.cancellation()).await;
                        turn.put_back();
                    }
                }
            }
        })
    }

    fn hand_over(self: Arc<Self>) -> bool {
        let Some(host) = self.executing_host() else { return false };
        let mut state = self.lock();
        if state.stage == Stage::Lazy {
            state.stage = Stage::Handed;
            drop(state);
            host.submit(Ready::first(Arc::clone(&self) as _));
        }
        true
    }

    fn execute(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(async move {
            let mut stage = self.lock().stage;
            if self.host.as_ref().is_some_and(|host| host.is_cancelled()) {
                stage = Stage::Measured;
            }
            if stage == Stage::Handed {
                let inputs = self.handed_inputs();
                if !inputs.is_empty() && !self.inputs_ended(inputs, Then::Due).await {
                    return;
                }
                stage = Stage::Due;
            }
            if stage == Stage::Due {
                if Arc::clone(&self).is_there() {
                    return;
                }
                let inputs = self.inputs();
                if !inputs.is_empty() && !self.inputs_ended(inputs, Then::Ready).await {
                    return;
                }
            }
            // Where there is none, somebody who waits for it runs it.
            let Some(run) = self.lock().run.take() else { return };
            let mut turn = Turn::new(Arc::clone(&self), run);
            if stage != Stage::Measured && !self.task.is_plain() {
                if let Err(failure) = turn.run().measure() {
                    return turn.end(Err(failure));
                }
                self.lock().stage = Stage::Measured;
                turn.put_back();
                return self.hand_again();
            }
            let delay = match turn.run().produce().await {
                Attempt::Ended(outcome) => return turn.end(outcome),
                Attempt::Again(delay) => delay,
            };
            // Its room is another's until then.
            let run = turn.pass_on();
            let cancellation = self.cancellation().cloned();
            let again = move || {
                run.into_iter().for_each(|run| self.put_back(run));
                self.hand_again();
            };
            after(delay, cancellation, Box::new(again));
        })
    }

    fn abandon(self: Arc<Self>) {
        let run = self.lock().run.take();
        self.end(Err(self.build_failure(RunError::Interrupted)), run);
    }

    fn subscribe(&self, dependent: &Arc<dyn Node>) -> bool {
        let mut state = self.lock();
        let waits = self.ended.get().is_none();
        if waits {
            state.waiters.add_node(Arc::clone(dependent));
        }
        waits
    }

    fn input_ended(self: Arc<Self>) {
        if self.one_less() {
            self.hand_again();
        }
    }

    fn poll_ended(&self, context: &mut std::task::Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if self.ended.get().is_some() {
            return Poll::Ready(());
        }
        state.waiters.add_waker(context.waker());
        Poll::Pending
    }
}
