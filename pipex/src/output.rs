//! What a task gives: data in memory, a location, or a run still to come.

use std::cell::RefCell;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::task::{Context, Poll, Waker};

use crate::call::Made;
use crate::error::{Error, Result, RunError};
use crate::runtime::block_on;
use crate::store::Store;
use crate::target::Location;
use crate::task::Task;

/// What a task gives: data in memory (`do_nothing`, `prefect`, `save = false`), a location (`cache`, `prefect.cache`), or a
/// run that has yet to happen. Cheap to clone; the data are loaded only where a function needs them.
///
/// ```
/// use pipex::{Output, task};
///
/// #[task]
/// fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// #[task]
/// fn sum(xs: Vec<u32>) -> u32 {
///     xs.iter().sum()
/// }
///
/// let doubled: Vec<Output<u32>> = (1..=3).map(|x| double(x).submit()).collect();
/// assert_eq!(sum(doubled).run()?.load()?, 12);
/// # Ok::<(), pipex::Error>(())
/// ```
pub struct Output<T>(Arc<Inner<T>>);

struct Inner<T> {
    label: Label,
    place: Option<Place<T>>,
    state: State<T>,
}

/// What is known when the output is made. Nearly all runs have ended by then, and pay for nothing else.
enum State<T> {
    InMemory(T),
    Saved { kept: OnceLock<T> },
    Failed(Arc<Failure>),
    Later(Box<Later<T>>),
}

/// A run that has yet to happen.
struct Later<T> {
    ended: OnceLock<Result<(), Arc<Failure>>>,
    data: OnceLock<T>,
    pending: Mutex<Pending<T>>,
    /// The output itself, as a node of the graph.
    node: Weak<dyn Node>,
}

/// The `path` and `base` that a call had, for the calls that take its output.
#[derive(Clone, Default)]
pub(crate) struct Label {
    pub(crate) path: Option<Arc<str>>,
    pub(crate) base: Option<Arc<str>>,
}

impl Label {
    /// The name of a task run that was given none.
    pub(crate) fn name(&self, task: &Task) -> String {
        match &self.base {
            Some(base) => format!("{} {base}", task.funcname),
            None => task.funcname.to_owned(),
        }
    }

    pub(crate) fn inherit(&mut self, other: &Label, base: bool) {
        if self.path.is_none() {
            self.path.clone_from(&other.path);
        }
        if base && self.base.is_none() {
            self.base.clone_from(&other.base);
        }
    }
}

/// A location, and the store that has it.
pub(crate) struct Place<T> {
    pub(crate) location: Location,
    pub(crate) store: Box<dyn Store<T>>,
}

/// An error that an output keeps until it is asked for.
pub(crate) struct Failure {
    error: Error,
    asked: AtomicBool,
}

impl Failure {
    pub(crate) fn new(error: Error) -> Arc<Self> {
        Arc::new(Failure { error, asked: AtomicBool::new(false) })
    }

    pub(crate) fn unasked(&self) -> Option<&Error> {
        (!self.asked.load(Ordering::Relaxed)).then_some(&self.error)
    }

    pub(crate) fn ask(&self) -> Error {
        self.asked.store(true, Ordering::Relaxed);
        self.error.clone()
    }
}

/// A run that has not ended: what is to run, until somebody runs it, and who waits for it.
struct Pending<T> {
    run: Option<Box<dyn LazyRun<T>>>,
    waiting: Vec<Waker>,
}

/// What is to run: a [`Plan`](crate::call::Plan).
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

impl<T> Output<T> {
    /// The output of a run that has ended.
    pub(crate) fn ended(label: Label, place: Option<Place<T>>, ended: Result<Made<T>, Arc<Failure>>) -> Self {
        let state = match ended {
            Ok(Made::Value(value)) => State::InMemory(value),
            Ok(Made::Saved) => State::Saved { kept: OnceLock::new() },
            Err(failure) => State::Failed(failure),
        };
        Output(Arc::new(Inner { label, place, state }))
    }

    /// The output of a run that happens when it is needed.
    pub(crate) fn lazy(label: Label, place: Option<Place<T>>, run: Box<dyn LazyRun<T>>) -> Self
    where
        T: Send + Sync + 'static,
    {
        let pending = Mutex::new(Pending { run: Some(run), waiting: Vec::new() });
        Output(Arc::new_cyclic(|node: &Weak<Inner<T>>| {
            let later = Later { ended: OnceLock::new(), data: OnceLock::new(), pending, node: node.clone() };
            Inner { label, place, state: State::Later(Box::new(later)) }
        }))
    }

    /// Itself, unless its run failed.
    pub(crate) fn into_result(self) -> Result<Self> {
        match self.failure() {
            Some(failure) => Err(failure.ask()),
            None => Ok(self),
        }
    }

    /// How the run ended, if it has.
    fn end(&self) -> Option<Result<(), &Arc<Failure>>> {
        match &self.0.state {
            State::InMemory(_) | State::Saved { .. } => Some(Ok(())),
            State::Failed(failure) => Some(Err(failure)),
            State::Later(later) => later.ended.get().map(|ended| ended.as_ref().copied()),
        }
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.end().is_some()
    }

    pub(crate) fn failure(&self) -> Option<&Arc<Failure>> {
        self.end()?.err()
    }

    pub(crate) fn label(&self) -> &Label {
        &self.0.label
    }

    /// The data, if they are in memory.
    pub(crate) fn peek(&self) -> Option<&T> {
        match &self.0.state {
            State::InMemory(value) => Some(value),
            State::Saved { kept } => kept.get(),
            State::Failed(_) => None,
            State::Later(later) => later.data.get(),
        }
    }

    /// Where the output is, or will be when it has run; `None` where nothing is saved.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.0.place.as_ref().map(|place| &place.location)
    }

    /// The data from where they are, or `None` if they are in memory. The run has ended.
    pub(crate) fn data(&self) -> Result<Option<T>> {
        if let Some(failure) = self.failure() {
            return Err(failure.ask());
        }
        if self.peek().is_some() {
            return Ok(None);
        }
        let place = self.0.place.as_ref().expect("a run that ended well left data or a place");
        place
            .store
            .load(&place.location)
            .map(Some)
            .map_err(|source| Error::Load { target: place.location.clone(), source: source.into() })
    }

    /// The value; `clone` is called only if somebody else holds the data, too. The run has ended.
    pub(crate) fn take_with(self, clone: fn(&T) -> T) -> Result<T> {
        if let Some(value) = self.data()? {
            return Ok(value);
        }
        let in_memory = "data that are in memory stay there";
        Ok(match Arc::try_unwrap(self.0) {
            Ok(Inner { state: State::InMemory(value), .. }) => value,
            Ok(Inner { state: State::Saved { kept }, .. }) => kept.into_inner().expect(in_memory),
            Ok(Inner { state: State::Later(later), .. }) => later.data.into_inner().expect(in_memory),
            Ok(Inner { state: State::Failed(failure), .. }) => return Err(failure.ask()),
            Err(shared) => clone(Output(shared).peek().expect(in_memory)),
        })
    }
}

impl<T> Output<T> {
    /// Waits until the run has ended; one that is lazy runs now, unless its target is there.
    ///
    /// # Errors
    /// The run's, if it failed.
    pub fn wait(&self) -> Result<()> {
        if let Some(node) = self.unsettled() {
            block_on(settle(vec![node]));
        }
        self.failure().map_or(Ok(()), |failure| Err(failure.ask()))
    }

    /// The data: loaded from the location, or cloned where they are in memory.
    ///
    /// # Errors
    /// The run's, if it failed; the store's, if what is there cannot be loaded.
    pub fn load(&self) -> Result<T>
    where
        T: Clone,
    {
        self.wait()?;
        self.clone().take_with(T::clone)
    }

    /// The data, moved out where they are in memory and nobody else holds them; else as [`load`](Output::load).
    ///
    /// # Errors
    /// As `load`.
    pub fn take(self) -> Result<T>
    where
        T: Clone,
    {
        self.wait()?;
        self.take_with(T::clone)
    }

    /// Loads the data now and shares them with every `&T` consumer, as long as this output or a clone of it lives.
    ///
    /// For one large output that a thousand tasks read: without it, each of them loads its own.
    ///
    /// # Errors
    /// As [`load`](Output::load).
    pub fn keep(&self) -> Result<Self> {
        self.wait()?;
        if let Some(value) = self.data()? {
            // If another thread was faster, its value is as good.
            match &self.0.state {
                State::Saved { kept } => _ = kept.set(value),
                State::Later(later) => _ = later.data.set(value),
                State::InMemory(_) | State::Failed(_) => {}
            }
        }
        Ok(self.clone())
    }

    /// Removes the target, so that it is made again when a call next asks for it; whether there was one.
    ///
    /// # Errors
    /// The store's, if it could not.
    pub fn remove(&self) -> Result<bool> {
        let Some(place) = &self.0.place else { return Ok(false) };
        let removed = place.store.exists(&place.location).and_then(|there| {
            if there {
                place.store.remove(&place.location)?;
            }
            Ok(there)
        });
        removed.map_err(|source| Error::Remove { target: place.location.clone(), source: source.into() })
    }

    /// This run as a node of the graph, unless it has ended.
    pub(crate) fn unsettled(&self) -> Option<Arc<dyn Node>> {
        match &self.0.state {
            State::Later(later) if later.ended.get().is_none() => later.node.upgrade(),
            _ => None,
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

impl<T> Inner<T> {
    fn later(&self) -> Option<&Later<T>> {
        match &self.state {
            State::Later(later) => Some(later),
            _ => None,
        }
    }
}

impl<T: Send + Sync + 'static> Node for Inner<T> {
    fn has_ended(&self) -> bool {
        self.later().is_none_or(|later| later.ended.get().is_some())
    }

    fn is_there(&self) -> bool {
        let Some(later) = self.later() else { return true };
        let mut pending = later.pending();
        let Some(run) = &pending.run else { return false };
        let ended = match run.is_there(self.place.as_ref()) {
            Ok(false) => return false,
            Ok(true) => Ok(Made::Saved),
            Err(error) => Err(error),
        };
        let run = pending.run.take();
        drop(pending);
        later.end(ended);
        drop(run);
        true
    }

    fn inputs(&self) -> Vec<Arc<dyn Node>> {
        self.later().and_then(|later| Some(later.pending().run.as_ref()?.inputs())).unwrap_or_default()
    }

    fn run(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        /// Ends the run also when it panics or is dropped: nobody waits for ever.
        struct Ends<'i, T>(&'i Inner<T>, &'i Later<T>, &'static Task);

        impl<T> Drop for Ends<'_, T> {
            fn drop(&mut self) {
                let Ends(inner, later, task) = self;
                if later.ended.get().is_none() {
                    later.end(Err(Error::Task {
                        name: inner.label.name(task),
                        target: inner.place.as_ref().map(|place| place.location.clone()),
                        source: RunError::Interrupted.into(),
                    }));
                }
            }
        }

        Box::pin(async move {
            let Some(later) = self.later() else { return };
            let run = later.pending().run.take();
            match run {
                Some(run) => {
                    let _ends = Ends(&self, later, run.task());
                    later.end(run.produce(self.place.as_ref()).await);
                }
                None => poll_fn(|context| later.poll_ended(context)).await,
            }
        })
    }
}

impl<T> Clone for Output<T> {
    fn clone(&self) -> Self {
        Output(Arc::clone(&self.0))
    }
}

/// A value that no task made, where an [`Output`] is asked for.
impl<T> From<T> for Output<T> {
    fn from(value: T) -> Self {
        Output::ended(Label::default(), None, Ok(Made::Value(value)))
    }
}

impl<T> fmt::Debug for Output<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.end() {
            None => "not run yet",
            Some(Err(_)) => "failed",
            Some(Ok(())) if self.peek().is_some() => "in memory",
            Some(Ok(())) => "saved",
        };
        f.debug_struct("Output").field("location", &self.location()).field("state", &state).finish()
    }
}
