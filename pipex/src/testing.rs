//! For tests of pipelines: a scope of their own, whatever the environment of the shell says.
//!
//! Within it the mode is fixed, there is no journal, nothing is shown, signals do what they do elsewhere, and no variable `PIPEX*`
//! holds. Outputs go to a temporary directory: it takes the place of a flow's `path`, unless that lies within it. Afterwards it is
//! removed; if the test panics it stays, and its path is told.
//!
//! ```
//! use pipex::{flow, task, testing};
//!
//! #[task(target = "{path}/{funcname}-{year}.json")]
//! fn load(year: u32) -> Vec<u32> {
//!     vec![year; 3]
//! }
//!
//! #[task]
//! fn total(numbers: &[u32]) -> u32 {
//!     numbers.iter().sum()
//! }
//!
//! #[flow]
//! fn year(year: u32) -> pipex::Result<u32> {
//!     total(load(year).run()?).base("total").run()?.load()
//! }
//!
//! // A function alone, as a function.
//! assert_eq!(total(&[1, 2, 3]).call()?, 6);
//!
//! // A flow, and the files that it leaves.
//! testing::scope(|out| {
//!     assert_eq!(year(2013)?, 3 * 2013);
//!     assert!(out.join("load-2013.json").exists() && out.join("total/total").exists());
//!     Ok::<(), pipex::Error>(())
//! })
//! # ?; Ok::<(), pipex::Error>(())
//! ```

use std::path::Path;

use tempfile::TempDir;

use crate::flow::config::Config;
use crate::run::local::Local;
use pipex_format::model::mode::Mode;
use pipex_format::model::stale::Stale;

/// Runs `body` in mode `cache`, in a scope for tests. It is given the directory that outputs go to.
///
/// # Panics
/// When there can be no temporary directory.
pub fn scope<T>(body: impl FnOnce(&Path) -> T) -> T {
    scope_in(Mode::Cache, body)
}

/// As [`scope`], in any mode.
///
/// ```
/// use pipex::{Mode, task, testing};
///
/// #[task]
/// fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// for mode in [Mode::DoNothing, Mode::Cache, Mode::Prefect, Mode::PrefectCache] {
///     let doubled = testing::scope_in(mode, |_| double(21).base("answer").submit().load())?;
///     assert_eq!(doubled, 42);
/// }
/// # Ok::<(), pipex::Error>(())
/// ```
///
/// # Panics
/// When there can be no temporary directory.
pub fn scope_in<T>(mode: Mode, body: impl FnOnce(&Path) -> T) -> T {
    let out = TestDirectory::new();
    config(mode, out.path()).scope(|| body(out.path()))
}

/// As [`scope_in`], for an async test.
///
/// ```
/// use pipex::{Mode, task, testing};
///
/// #[task]
/// async fn fetch(name: &str) -> usize {
///     name.len()
/// }
///
/// # #[tokio::main]
/// # async fn main() -> pipex::Result<()> {
/// let fetched = testing::scope_async(Mode::Cache, async |out| {
///     let fetched = fetch("EWR").base("EWR").await?;
///     assert!(out.join("fetch/EWR").exists());
///     fetched.load()
/// });
/// assert_eq!(fetched.await?, 3);
/// # Ok(())
/// # }
/// ```
///
/// # Panics
/// When there can be no temporary directory.
pub async fn scope_async<T>(mode: Mode, body: impl AsyncFnOnce(&Path) -> T) -> T {
    let out = TestDirectory::new();
    config(mode, out.path()).scope_async(body(out.path())).await
}

fn config(mode: Mode, out: &Path) -> Config {
    Config::isolated(out)
        .mode(mode)
        .executor(Local::new())
        .stale(Stale::default())
        .without_journal()
        .quiet(true)
        .signals(false)
}

/// The directory of a scope.
struct TestDirectory(Option<TempDir>);

impl TestDirectory {
    fn new() -> Self {
        let directory = tempfile::Builder::new().prefix("pipex-test-").tempdir();
        TestDirectory(Some(directory.expect("a test needs a temporary directory")))
    }

    fn path(&self) -> &Path {
        self.0.as_ref().expect("it goes with this").path()
    }
}

impl Drop for TestDirectory {
    fn drop(&mut self) {
        if let Some(directory) = self.0.take().filter(|_| std::thread::panicking()) {
            // To where the test harness takes down what a test says.
            eprintln!("pipex: the outputs of the test that panicked are in {}", directory.keep().display());
        }
    }
}
