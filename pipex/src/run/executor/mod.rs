//! Who runs task runs, and when. The graph is pipex's: an executor is handed what can run.

mod local;

use std::fmt;
use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use crate::run::context::Context;
use crate::run::job::Carrier;
use crate::run::pending::Node;
use pipex_format::model::task::Task;

pub use local::Local;
#[cfg(feature = "nats")]
pub(crate) use local::workers;

/// Decides where and when task runs happen, in the modes `prefect` and `prefect.cache`.
///
/// pipex keeps the graph, the retries and the states; what an executor is handed has all that it needs. The default is
/// [`Local`]; [`Config::executor`](crate::Config::executor) sets another.
///
/// ```
/// use pipex::{Config, Executor, Mode, Ready, task};
///
/// /// A thread for each run.
/// struct Threads;
///
/// impl Executor for Threads {
///     fn submit(&self, ready: Ready) {
///         std::thread::spawn(move || ready.run_here());
///     }
/// }
///
/// #[task]
/// fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// let four = Config::new().mode(Mode::Prefect).executor(Threads).scope(|| double(double(1).submit()).submit().load())?;
/// assert_eq!(four, 4);
/// # Ok::<(), pipex::Error>(())
/// ```
pub trait Executor: Send + Sync {
    /// Takes a run that can run, and returns at once. Each that is taken is [run](Ready::run) once, where blocking is
    /// allowed; one that is dropped instead ends as crashed.
    fn submit(&self, ready: Ready);

    /// Waits for room for a call of `task` that runs where it is made. One that is `nested` runs within another run.
    fn admit(&self, task: &'static Task, nested: bool) -> Pin<Box<dyn Future<Output = Permit> + Send>> {
        let _ = (task, nested);
        Box::pin(ready(Permit::default()))
    }

    /// Who brings runs of `#[task(remote)]` functions to other processes; without one they run where all others do.
    fn carrier(&self) -> Option<Arc<dyn Carrier>> {
        None
    }
}

/// A run that can run.
pub struct Ready {
    node: Option<Arc<dyn Node>>,
    pub(crate) first: bool,
}

impl Ready {
    /// A run of which nothing is known yet: whether its target is there, what it waits for.
    pub(crate) fn first(node: Arc<dyn Node>) -> Self {
        Ready { node: Some(node), first: true }
    }

    /// A run whose inputs have ended, or that is tried again.
    pub(crate) fn again(node: Arc<dyn Node>) -> Self {
        Ready { node: Some(node), first: false }
    }

    fn node(&self) -> &Arc<dyn Node> {
        self.node.as_ref().expect("only `run` takes it, and takes all")
    }

    /// The task function.
    #[must_use]
    pub fn task(&self) -> &'static Task {
        self.node().task()
    }

    /// Runs it, as far as it goes: a run that turns out to wait for others, or for its next attempt, is handed to its
    /// executor again when that has come. Polling may block.
    pub fn run(mut self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let node = self.node.take().expect("only `run` takes it, and takes all");
        node.execute()
    }

    /// Runs it on this thread.
    pub fn run_here(self) {
        crate::run::runtime::block_on(self.run());
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            node.abandon();
        }
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("task", &self.task().funcname).finish()
    }
}

/// Room for a run, given back when it is dropped.
#[derive(Default)]
#[must_use = "the room is given back when this is dropped"]
pub struct Permit(Option<Box<dyn FnOnce() + Send>>);

impl Permit {
    /// One that calls `give_back` when it is dropped.
    pub fn new(give_back: impl FnOnce() + Send + 'static) -> Self {
        Permit(Some(Box::new(give_back)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(give_back) = self.0.take() {
            give_back();
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}

/// Room for a run that happens where it was asked for.
pub(crate) async fn room(context: Option<&Context>, task: &'static Task) -> Permit {
    let Some(context) = context else { return Permit::default() };
    match context.executor() {
        // What holds a limited tag waits for no other, else two could wait for each other.
        Some(_) if context.inside.is_some_and(|inside| inside.tagged || task.tags.is_empty()) => Permit::default(),
        Some(executor) => executor.admit(task, context.inside.is_some()).await,
        None => Permit::default(),
    }
}
