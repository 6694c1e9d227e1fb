//! The embedded executor: threads of this process.

#[cfg(all(test, shuttle))]
mod interleaving_tests;
mod pool;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, LazyLock, OnceLock};

use self::pool::Pool;
use crate::graph::host::{Permit, Ready};
use crate::run::carrier::Carrier;
use crate::run::engine;
use crate::run::executor::Executor;
use crate::run::room::Room;
use crate::runtime::machine;
use pipex_format::environment::setting;
use pipex_format::model::error::Result;
use pipex_format::model::resources::{ResourceLimits, Resources};
use pipex_format::model::task::Task;

/// Runs task runs in this process: the bodies of synchronous functions, loading and saving on at most `workers` threads, the
/// bodies of async functions on a tokio runtime; and never more than `workers` runs at a time.
///
/// What can go on goes before what has only been submitted, so that data in memory are soon used and freed.
///
/// ```
/// use pipex::{Config, Local, Mode};
///
/// let config = Config::new().mode(Mode::PrefectCache).executor(Local::new().workers(8).limit("database", 2));
/// ```
///
/// A run starts only if what its task needs is free beside what runs: `#[task(memory = "4GB", threads = 4, gpu = 1)]`. Without
/// further words there are the machine's memory, but for a tenth of it, or that of the cgroup around the process, and the GPUs
/// that NVIDIA's driver shows. Who waits is served in the order of arrival, and what needs nothing of that passes.
///
/// A clone shares the workers and the limits. What a builder method gives has workers of its own, and leaves the clones of
/// what it was called on as they are.
#[derive(Clone)]
pub struct Local(Arc<LocalState>);

/// What clones share: how they run, and the pool that does so from the first run on.
struct LocalState {
    settings: LocalSettings,
    pool: OnceLock<Arc<Pool>>,
}

#[derive(Clone)]
struct LocalSettings {
    workers: usize,
    /// Memory and GPUs, where it is said how much there is.
    memory: Option<u64>,
    gpus: Option<u64>,
    /// How many runs that have a tag may run at a time.
    limits: HashMap<String, usize>,
    carrier: Option<Arc<dyn Carrier>>,
}

impl Local {
    /// As many workers as there are cores.
    #[must_use]
    pub fn new() -> Self {
        Self::with(LocalSettings { workers: cores(), memory: None, gpus: None, limits: HashMap::new(), carrier: None })
    }

    fn with(settings: LocalSettings) -> Self {
        Local(Arc::new(LocalState { settings, pool: OnceLock::new() }))
    }

    fn settings(&self) -> LocalSettings {
        self.0.settings.clone()
    }

    /// The pool, which has no threads before it has something to run.
    fn pool(&self) -> &Arc<Pool> {
        self.0.pool.get_or_init(|| {
            let capacity = self.resources();
            Arc::new(Pool::new(
                capacity,
                Room::new(capacity, &self.0.settings.limits),
                self.0.settings.carrier.is_some(),
            ))
        })
    }

    /// What there is for all that runs at a time.
    pub(crate) fn resources(&self) -> Resources {
        let LocalSettings { workers, memory, gpus, .. } = self.0.settings;
        let here = machine::resources().threads(workers as u64);
        here.memory(memory.unwrap_or(here.memory)).gpus(gpus.unwrap_or(here.gpus))
    }

    /// With `PIPEX_WORKERS` workers, and the resources in `PIPEX_RESOURCES`.
    pub(crate) fn from_env() -> Result<Self> {
        let ResourceLimits { memory, gpus, .. } = limits()?;
        let local = Local::new().workers(workers()?);
        Ok(Local::with(LocalSettings { memory, gpus, ..local.settings() }))
    }

    /// The executor of this process: `PIPEX_WORKERS` workers, the resources in `PIPEX_RESOURCES` (`memory=16GB,gpu=2`), and the
    /// limits in `PIPEX_LIMITS` (`database=2,web=5`).
    pub(crate) fn for_process() -> Result<Self> {
        static PROCESS: LazyLock<Result<Local>> = LazyLock::new(|| {
            let mut local = Local::from_env()?;
            let limit = |text: &str| {
                let (tag, limit) = text.split_once('=')?;
                Some((tag.trim().to_owned(), at_least_one(limit)?))
            };
            let limits = setting("PIPEX_LIMITS", "tags with limits, such as database=2,web=5", |text| {
                text.split(',').map(limit).collect::<Option<Vec<_>>>()
            })?;
            local = limits.unwrap_or_default().into_iter().fold(local, |local, (tag, limit)| local.limit(tag, limit));
            Ok(local.with_carrier(engine::carrier()?))
        });
        PROCESS.clone()
    }

    /// Sets how many runs there may be at a time; 0 counts as 1.
    #[must_use]
    pub fn workers(self, workers: usize) -> Self {
        Self::with(LocalSettings { workers: workers.max(1), ..self.settings() })
    }

    /// Sets how many bytes of memory all runs may need together that say what they need. One that needs more fails.
    ///
    /// ```
    /// use pipex::{Config, Local, Mode, task};
    ///
    /// #[task(memory = "6GB")]
    /// fn fit(rows: u64) -> u64 {
    ///     rows
    /// }
    ///
    /// let local = Local::new().workers(8).memory(16_000_000_000); // two of them at a time
    /// Config::new().mode(Mode::Prefect).executor(local).scope(|| {
    ///     let fits: Vec<_> = (0..8).map(|rows| fit(rows).submit()).collect();
    ///     fits.iter().map(|fit| fit.load()).sum::<pipex::Result<u64>>()
    /// })?;
    /// # Ok::<(), pipex::Error>(())
    /// ```
    #[must_use]
    pub fn memory(self, bytes: u64) -> Self {
        Self::with(LocalSettings { memory: Some(bytes), ..self.settings() })
    }

    /// Sets how many GPUs all runs may need together that say what they need. One that needs more fails.
    #[must_use]
    pub fn gpus(self, gpus: u64) -> Self {
        Self::with(LocalSettings { gpus: Some(gpus), ..self.settings() })
    }

    /// Has `carrier` bring the runs of `#[task(remote)]` functions to other processes. There, they take no worker here;
    /// limits by tag hold for them, too.
    #[must_use]
    pub fn carrier(self, carrier: impl Carrier + 'static) -> Self {
        self.with_carrier(Some(Arc::new(carrier)))
    }

    fn with_carrier(self, carrier: Option<Arc<dyn Carrier>>) -> Self {
        Self::with(LocalSettings { carrier, ..self.settings() })
    }

    /// Sets how many runs of tasks with this tag there may be at a time; 0 counts as 1.
    #[must_use]
    pub fn limit(self, tag: impl Into<String>, runs: usize) -> Self {
        let mut settings = self.settings();
        settings.limits.insert(tag.into(), runs.max(1));
        Self::with(settings)
    }
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

fn at_least_one(text: &str) -> Option<usize> {
    text.trim().parse().ok().filter(|number| *number > 0)
}

/// How many workers this process has: as `PIPEX_WORKERS` says, or `PIPEX_RESOURCES`, else as many as there are cores.
fn workers() -> Result<usize> {
    let set = setting("PIPEX_WORKERS", "a number of workers, 1 or more", at_least_one)?;
    let threads = limits()?.threads.and_then(|threads| threads.try_into().ok());
    Ok(set.or(threads).unwrap_or_else(cores))
}

/// What `PIPEX_RESOURCES` says that there is.
fn limits() -> Result<ResourceLimits> {
    const EXPECTED: &str = "what there is for tasks, such as memory=16GB,gpu=2,threads=8, or some of these";
    Ok(setting("PIPEX_RESOURCES", EXPECTED, ResourceLimits::parse)?.unwrap_or_default())
}

impl Default for Local {
    fn default() -> Self {
        Self::new()
    }
}

impl Executor for Local {
    fn carrier(&self) -> Option<Arc<dyn Carrier>> {
        self.0.settings.carrier.clone()
    }

    fn submit(&self, ready: Ready) {
        self.pool().submit(ready);
    }

    fn admit(&self, task: &'static Task, nested: bool) -> Pin<Box<dyn Future<Output = Permit> + Send>> {
        self.admit_with(task, Resources::new(), nested)
    }

    fn admit_with(
        &self,
        task: &'static Task,
        needs: Resources,
        nested: bool,
    ) -> Pin<Box<dyn Future<Output = Permit> + Send>> {
        Box::pin(Arc::clone(self.pool()).admit(needs, task, nested))
    }

    fn capacity(&self) -> Option<Resources> {
        Some(self.resources())
    }
}
