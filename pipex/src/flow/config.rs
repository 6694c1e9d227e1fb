//! Settings made in code.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use crate::run::context::Context;
use crate::run::dry_run::DryRun;
use crate::run::executor::Executor;
use crate::run::hook::Hook;
use crate::run::local::Local;
use crate::run::report::Reporter;
use pipex_format::model::mode::Mode;
use pipex_format::model::stale::Stale;
use pipex_format::store::Shared;
use pipex_format::wire::Notice;

/// Settings for a scope, made in code: for tests, and for programs that embed pipelines. They win over the environment.
///
/// ```
/// use pipex::{Config, Mode, task};
///
/// #[task]
/// fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// let out = tempfile::tempdir()?;
/// Config::new().mode(Mode::Cache).path(out.path()).scope(|| double(21).base("answer").run())?;
/// assert!(out.path().join("double/answer").exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// A thread that a flow's body starts is outside the flow run, unless it takes along what holds there:
///
/// ```
/// use pipex::{Config, flow, task};
///
/// #[task]
/// fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// #[flow(path = "out")]
/// fn doubles() -> pipex::Result<Vec<u32>> {
///     let here = Config::new();
///     std::thread::scope(|scope| {
///         let start = |x: u32| {
///             let here = here.clone();
///             scope.spawn(move || here.scope(|| double(x).base(x.to_string()).run()?.load()))
///         };
///         let threads: Vec<_> = (1..=3).map(start).collect();
///         threads.into_iter().map(|thread| thread.join().expect("no task panics")).collect()
///     })
/// }
///
/// assert_eq!(doubles()?, [2, 4, 6]);
/// # Ok::<(), pipex::Error>(())
/// ```
#[derive(Clone)]
#[must_use = "settings hold within `.scope(..)`"]
pub struct Config(Context);

impl Config {
    /// The settings that hold here. Within a flow run or another scope these are all of its own: mode, path, executor, reporters,
    /// journal, what is done with stale outputs, dry run, grace period, quietness. Elsewhere they are what the environment says
    /// now: `PIPEX`, `PIPEX_PATH`, `PIPEX_ROOT`, `PIPEX_SHARED`, `PIPEX_STALE`, `PIPEX_JOURNAL`, `PIPEX_NOTIFY`, `PIPEX_DRY_RUN`, `PIPEX_QUIET`, and for the executor
    /// `PIPEX_WORKERS`, `PIPEX_RESOURCES`, `PIPEX_LIMITS` and `PIPEX_NATS_URL`.
    pub fn new() -> Self {
        Config(Context::begin())
    }

    /// Settings that take nothing from around.
    pub(crate) fn outermost() -> Self {
        Config(Context::outermost())
    }

    /// The same, which the environment does not change, for outputs in this directory.
    pub(crate) fn isolated(directory: &Path) -> Self {
        let mut config = Self::outermost();
        config.0.isolate(directory);
        config
    }

    /// Sets the mode; flows that start within the scope, and calls outside flows, have it.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.0.set_mode(mode);
        self
    }

    /// Sets the path of tasks that have no other: in place of `PIPEX_PATH`, and of what flows say. Relative, it is one from the root of
    /// the project.
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        self.0.set_path(path.as_ref());
        self
    }

    /// Adds somebody who is told of every task run that ends.
    pub fn reporter(mut self, reporter: impl Reporter + 'static) -> Self {
        self.0.add_reporter(Arc::new(reporter));
        self
    }

    /// Sets who runs the tasks, in the modes `prefect` and `prefect.cache`. Without it, it is the [`Local`] of the process,
    /// with `PIPEX_WORKERS` workers (as many as there are cores, if it is not set).
    pub fn executor(mut self, executor: impl Executor + 'static) -> Self {
        self.0.set_executor(Arc::new(executor));
        self
    }

    /// Has [`Local`] run the tasks, with so many workers.
    pub fn workers(self, workers: usize) -> Self {
        self.executor(Local::new().workers(workers))
    }

    /// Whether the first failure cancels what a flow run has submitted and not started. Without it, all is run that does
    /// not depend on a failure. `#[flow(fail_fast = true)]` sets it for one flow.
    pub fn fail_fast(mut self, fail_fast: bool) -> Self {
        self.0.settings.fail_fast = fail_fast;
        self
    }

    /// Has `.submit()` wait while a flow run has so many task runs that have not ended: for flows that submit millions.
    pub fn max_pending(mut self, runs: usize) -> Self {
        self.0.settings.max_pending = runs.max(1);
        self
    }

    /// How long running tasks may go on after Ctrl-C or SIGTERM: 10 s if it is not set.
    pub fn grace(mut self, grace: Duration) -> Self {
        self.0.settings.grace = grace;
        self
    }

    /// How often it is said of a task that it is still running: every 60 s if it is not set.
    pub fn keepalive(mut self, interval: Duration) -> Self {
        self.0.settings.keepalive = interval.max(Duration::from_millis(1));
        self
    }

    /// Whether Ctrl-C and SIGTERM stop flow runs in order, and then the program (exit codes 130 and 143). If it is not set, they
    /// do so in programs whose `main` is marked [`#[pipex::main]`](crate::main); in others, signals are left alone.
    pub fn signals(mut self, signals: bool) -> Self {
        self.0.settings.signals = signals;
        self
    }

    /// What is done with outputs that are there and stale, where neither the task nor its flow says it: in place of
    /// `PIPEX_STALE`.
    pub fn stale(mut self, stale: Stale) -> Self {
        self.0.settings.stale = Some(stale);
        self
    }

    /// Takes outputs that are missing here from a folder that a team [shares](Shared), and puts there what is made: in place of
    /// `PIPEX_SHARED`.
    pub fn shared(mut self, shared: Shared) -> Self {
        self.0.shared = Some(Arc::new(shared));
        self
    }

    /// Keeps the [journal](crate::journal) in this directory: in place of `PIPEX_JOURNAL`, or `.pipex` in the root
    /// of the project if that is not set.
    pub fn journal(mut self, directory: impl AsRef<Path>) -> Self {
        self.0.set_journal(Some(directory.as_ref()));
        self
    }

    /// Keeps no journal, as `PIPEX_JOURNAL=off` does. Outputs whose files do not say what made them are never stale then.
    pub fn without_journal(mut self) -> Self {
        self.0.set_journal(None);
        self
    }

    /// Has nothing run, and says on stdout what would and why, as `PIPEX_DRY_RUN=1` does: at the end of a flow run how many runs
    /// of each task function; with `PIPEX_DRY_RUN=list`, and outside flows, each run. Where the program needs the data of a
    /// run that would have to run, it gets [`Error::Dry`](crate::Error::Dry). If the environment asked for the dry run, a
    /// program whose `main` is marked [`#[pipex::main]`](crate::main) and returns that error ends with exit code 0.
    pub fn dry_run(mut self, dry: bool) -> Self {
        self.0.settings.dry_run = dry.then(|| DryRun::from_env().unwrap_or(DryRun::Counts));
        self
    }

    /// Calls `hook` at the end of each outermost flow run that did not complete: what failed, and how many task runs of each task
    /// function ended how. It is called on a thread of its own. What it does cannot fail the run: one that panics, or has not
    /// returned after 5 s, is told in a line. `PIPEX_NOTIFY` does the same by a command. In mode `do_nothing` nobody is told.
    ///
    /// ```
    /// use pipex::{Config, flow, task};
    ///
    /// #[task]
    /// fn check(x: u32) -> Result<u32, String> {
    ///     if x < 3 { Ok(x) } else { Err(format!("{x} is too large")) }
    /// }
    ///
    /// #[flow(path = "out")]
    /// fn checks() -> pipex::Result<u32> {
    ///     check(7).run()?.load()
    /// }
    ///
    /// let told = Config::new().on_failure(|notice| println!("{}: {:?}", notice.flow, notice.failures));
    /// let _ = told.scope(checks);
    /// ```
    pub fn on_failure(mut self, hook: impl Fn(&Notice) + Send + Sync + 'static) -> Self {
        self.0.add_hook(Hook::Function(Arc::new(hook)));
        self
    }

    /// Whether flow runs show neither progress nor, at their end, a table. `PIPEX_QUIET=1` does the same.
    pub fn quiet(mut self, quiet: bool) -> Self {
        self.0.settings.quiet = Some(quiet);
        self
    }

    /// Runs `body` with these settings.
    pub fn scope<T>(mut self, body: impl FnOnce() -> T) -> T {
        self.0.prepare();
        Arc::new(self.0).enter(body)
    }

    /// As [`scope`](Config::scope), for a future: the settings hold whenever it is polled.
    pub async fn scope_async<F: Future>(mut self, body: F) -> F::Output {
        self.0.prepare();
        Arc::new(self.0).enter_async(body).await
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
