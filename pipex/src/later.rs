//! Runs that have yet to happen, and the graph that they make.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::{Error, Result, RunError};
use crate::run::{Failure, Label, Made, Name, Place};
use crate::task::Task;

/// A run that has yet to happen, and what came of it once it has.
pub(crate) struct Later<T> {
    pub(crate) label: Label,
    pub(crate) place: Option<Place<T>>,
    pub(crate) data: OnceLock<T>,
    ended: OnceLock<Result<(), Arc<Failure>>>,
    pending: Mutex<Pending<T>>,
}

/// A run that has not ended: what is to run, until somebody runs it, and who waits for it.
struct Pending<T> {
    run: Option<Box<dyn LazyRun<T>>>,
    waiting: Vec<Waker>,
}

/// What is to run: a [`Plan`](crate::plan::Plan).
pub(crate) trait LazyRun<T>: Discard {
    fn task(&self) -> &'static Task;
    /// The runs it needs that have not ended.
    fn inputs(&self) -> Vec<Arc<dyn Node>>;
    /// Whether it need not run, since its target is there.
    fn is_there(&self, place: Option<&Place<T>>) -> Result<bool>;
    /// Runs it; its inputs have ended.
    fn produce<'p>(
        self: Box<Self>,
        place: Option<&'p Place<T>>,
    ) -> Pin<Box<dyn Future<Output = Result<Made<T>>> + Send + 'p>>;
}

/// Anything that can be dropped later.
pub(crate) trait Discard: Send {}

impl<T> Drop for Pending<T> {
    /// A run holds its inputs, which hold theirs: a chain of 100,000 is taken apart one by one, not in a recursion that
    /// deep.
    fn drop(&mut self) {
        thread_local! {
            static DISCARDED: RefCell<Option<Vec<Box<dyn Discard>>>> = const { RefCell::new(None) };
        }
        let Some(run) = self.run.take() else { return };
        let outermost = DISCARDED.with_borrow_mut(|queue| match queue {
            Some(queue) => {
                queue.push(run);
                false
            }
            None => {
                *queue = Some(vec![run]);
                true
            }
        });
        if outermost {
            while let Some(next) = DISCARDED.with_borrow_mut(|queue| queue.as_mut().and_then(Vec::pop)) {
                drop(next);
            }
            DISCARDED.set(None);
        }
    }
}

/// A run that may not have ended, its type forgotten.
pub(crate) trait Node: Send + Sync {
    fn has_ended(&self) -> bool;
    /// Whether it need not run, since its target is there; then it has ended.
    fn is_there(&self) -> bool;
    /// The runs it needs that have not ended.
    fn inputs(&self) -> Vec<Arc<dyn Node>>;
    /// Runs it, or waits for whoever does; its inputs have ended.
    fn run(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
}

/// Sees to it that the runs end, and before each those that it needs: without recursion, so that a chain can be of any
/// length, and without a look at what is upstream of a target that is there.
pub(crate) async fn settle(nodes: Vec<Arc<dyn Node>>) {
    let mut stack: Vec<_> = nodes.into_iter().map(|node| (node, false)).collect();
    while let Some((node, inputs_ended)) = stack.pop() {
        if node.has_ended() {
            continue;
        }
        if inputs_ended {
            node.run().await;
        } else if !node.is_there() {
            let inputs = node.inputs();
            stack.push((node, true));
            stack.extend(inputs.into_iter().map(|input| (input, false)));
        }
    }
}

impl<T> Later<T> {
    pub(crate) fn new(label: Label, place: Option<Place<T>>, run: Box<dyn LazyRun<T>>) -> Self {
        let pending = Mutex::new(Pending { run: Some(run), waiting: Vec::new() });
        Later { label, place, ended: OnceLock::new(), data: OnceLock::new(), pending }
    }

    /// How the run ended, if it has.
    pub(crate) fn ended(&self) -> Option<Result<(), &Arc<Failure>>> {
        self.ended.get().map(|ended| ended.as_ref().copied())
    }

    fn pending(&self) -> MutexGuard<'_, Pending<T>> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self, made: Result<Made<T>>) {
        let ended = made.map_err(Failure::new).map(|made| {
            if let Made::Value(value) = made {
                let _ = self.data.set(value);
            }
        });
        let _ = self.ended.set(ended);
        let waiting = std::mem::take(&mut self.pending().waiting);
        waiting.into_iter().for_each(Waker::wake);
    }

    fn poll_ended(&self, context: &mut Context<'_>) -> Poll<()> {
        let mut pending = self.pending();
        if self.ended.get().is_some() {
            return Poll::Ready(());
        }
        pending.waiting.push(context.waker().clone());
        Poll::Pending
    }
}

impl<T: Send + Sync + 'static> Node for Later<T> {
    fn has_ended(&self) -> bool {
        self.ended.get().is_some()
    }

    fn is_there(&self) -> bool {
        let mut pending = self.pending();
        let Some(run) = &pending.run else { return false };
        let ended = match run.is_there(self.place.as_ref()) {
            Ok(false) => return false,
            Ok(true) => Ok(Made::Saved),
            Err(error) => Err(error),
        };
        let run = pending.run.take();
        drop(pending);
        self.end(ended);
        drop(run);
        true
    }

    fn inputs(&self) -> Vec<Arc<dyn Node>> {
        self.pending().run.as_ref().map(|run| run.inputs()).unwrap_or_default()
    }

    fn run(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        /// Ends the run also when it panics or is dropped: nobody waits for ever.
        struct Ends<'l, T>(&'l Later<T>, &'static Task);

        impl<T> Drop for Ends<'_, T> {
            fn drop(&mut self) {
                let Ends(later, task) = self;
                if later.ended.get().is_none() {
                    later.end(Err(Error::Task {
                        name: Name { given: None, base: later.label.base.clone() }.of(task),
                        target: later.place.as_ref().map(|place| place.location.clone()),
                        source: RunError::Interrupted.into(),
                    }));
                }
            }
        }

        Box::pin(async move {
            let run = self.pending().run.take();
            match run {
                Some(run) => {
                    let _ends = Ends(&self, run.task());
                    self.end(run.produce(self.place.as_ref()).await);
                }
                None => poll_fn(|context| self.poll_ended(context)).await,
            }
        })
    }
}
