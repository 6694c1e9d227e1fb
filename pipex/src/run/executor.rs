//! Who runs task runs, and when. The graph is pipex's: an executor is handed what can run.

use std::future::{Future, ready};
use std::pin::Pin;
use std::sync::Arc;

use crate::graph::host::{Permit, Ready};
use crate::run::carrier::Carrier;
use pipex_format::model::resources::Resources;
use pipex_format::model::task::Task;

/// Decides where and when task runs happen, in the modes `prefect` and `prefect.cache`.
///
/// pipex keeps the graph, the retries and the states; what an executor is handed has all that it needs. The default is
/// [`Local`](crate::Local); [`Config::executor`](crate::Config::executor) sets another.
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

    /// The same of one that [needs](Ready::needs) more than a thread.
    fn admit_with(
        &self,
        task: &'static Task,
        needs: Resources,
        nested: bool,
    ) -> Pin<Box<dyn Future<Output = Permit> + Send>> {
        let _ = needs;
        self.admit(task, nested)
    }

    /// How much there is for all that runs at a time, if that is known: a run that needs more never gets here, and fails.
    fn capacity(&self) -> Option<Resources> {
        None
    }

    /// Who brings runs of `#[task(remote)]` functions to other processes; without one they run where all others do.
    fn carrier(&self) -> Option<Arc<dyn Carrier>> {
        None
    }
}
