//! Settings made in code.

use std::future::Future;
use std::path::Path;
use std::sync::Arc;

use crate::context::Context;
use crate::mode::Mode;
use crate::report::Reporter;

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
    /// The settings that hold here: those of the scope around, or what the environment says now.
    pub fn new() -> Self {
        Config(Context::begin())
    }

    /// Sets the mode; flows that start within the scope, and calls outside flows, have it.
    pub fn mode(mut self, mode: Mode) -> Self {
        self.0.set_mode(mode);
        self
    }

    /// Sets the path of tasks that have no other: in place of `PIPEX_PATH`.
    pub fn path(mut self, path: impl AsRef<Path>) -> Self {
        self.0.set_path(path.as_ref());
        self
    }

    /// Adds somebody who is told of every task run that ends.
    pub fn reporter(mut self, reporter: impl Reporter + 'static) -> Self {
        let new: Arc<dyn Reporter> = Arc::new(reporter);
        self.0.reporters = self.0.reporters.iter().cloned().chain([new]).collect();
        self
    }

    /// Runs `body` with these settings.
    pub fn scope<T>(self, body: impl FnOnce() -> T) -> T {
        Arc::new(self.0).enter(body)
    }

    /// As [`scope`](Config::scope), for a future: the settings hold whenever it is polled.
    pub async fn scope_async<F: Future>(self, body: F) -> F::Output {
        Arc::new(self.0).enter_async(body).await
    }
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}
