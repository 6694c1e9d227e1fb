//! What ran, what did not, and who is told.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::error::Error;
use crate::target::Location;
use crate::task::Task;

/// How a task run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum State {
    /// It ran, and its output is there.
    Completed,
    /// Its target was there, so it did not run.
    Cached,
    /// It ran or tried to, and has no output.
    Failed,
}

/// A task run that has ended.
#[derive(Debug)]
#[non_exhaustive]
pub struct TaskRun<'r> {
    /// The task function.
    pub task: &'static Task,
    /// How it ended.
    pub state: State,
    /// Its target, if it has one.
    pub target: Option<&'r Location>,
    /// How long the function ran, arguments loaded and output saved included; zero if it did not.
    pub elapsed: Duration,
    /// The bytes that its output takes where it is saved.
    pub bytes: u64,
    /// Why it failed.
    pub error: Option<&'r Error>,
}

/// Somebody who is told of every task run that ends, on the thread where it ends: be quick.
///
/// Given to [`Config::reporter`](crate::Config::reporter). In mode `do_nothing` nothing is reported.
///
/// ```
/// use pipex::{Reporter, State, TaskRun};
///
/// struct Failures;
///
/// impl Reporter for Failures {
///     fn task_run(&self, run: &TaskRun<'_>) {
///         if run.state == State::Failed {
///             eprintln!("{} failed: {:?}", run.task.funcname, run.error);
///         }
///     }
/// }
/// ```
pub trait Reporter: Send + Sync {
    /// A task run has ended.
    fn task_run(&self, run: &TaskRun<'_>);
}

/// Counts task runs by task function. Displayed, it is a table; clones count together.
///
/// ```
/// use pipex::{Config, Mode, Summary, task};
///
/// #[task]
/// fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// let out = tempfile::tempdir()?;
/// let summary = Summary::new();
/// Config::new().mode(Mode::Cache).path(out.path()).reporter(summary.clone()).scope(|| {
///     double(1).base("one").run()?;
///     double(1).base("one").run()
/// })?;
/// assert_eq!((summary.completed(), summary.cached()), (1, 1));
/// println!("{summary}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Summary(Arc<Mutex<Counts>>);

/// By the task functions' addresses.
#[derive(Debug, Default)]
struct Counts(HashMap<usize, Count>);

#[derive(Debug)]
struct Count {
    task: &'static Task,
    /// Where it stands in the table: task functions in the order of their first runs.
    place: usize,
    completed: usize,
    cached: usize,
    failed: usize,
    total: Duration,
    longest: Duration,
    bytes: u64,
}

impl Summary {
    /// One that has counted nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The task runs that ran and have an output.
    #[must_use]
    pub fn completed(&self) -> usize {
        self.counts().0.values().map(|count| count.completed).sum()
    }

    /// The task runs that did not run, since their targets were there.
    #[must_use]
    pub fn cached(&self) -> usize {
        self.counts().0.values().map(|count| count.cached).sum()
    }

    /// The task runs that failed.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.counts().0.values().map(|count| count.failed).sum()
    }
}

impl Reporter for Summary {
    fn task_run(&self, run: &TaskRun<'_>) {
        let mut counts = self.counts();
        let place = counts.0.len();
        let count = counts.0.entry(std::ptr::from_ref(run.task).addr()).or_insert(Count {
            task: run.task,
            place,
            completed: 0,
            cached: 0,
            failed: 0,
            total: Duration::ZERO,
            longest: Duration::ZERO,
            bytes: 0,
        });
        match run.state {
            State::Completed => count.completed += 1,
            State::Cached => count.cached += 1,
            State::Failed => count.failed += 1,
        }
        count.total += run.elapsed;
        count.longest = count.longest.max(run.elapsed);
        count.bytes += run.bytes;
    }
}

/// A line a task function: how many ran, were cached, failed; the time they took together and the longest took, in seconds;
/// the bytes written.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let counts = self.counts();
        let mut rows: Vec<_> = counts.0.values().collect();
        rows.sort_by_key(|count| count.place);
        let width = rows.iter().map(|count| count.task.funcname.len()).max().unwrap_or(0).max(4);
        write!(
            f,
            "{:width$} {:>7} {:>7} {:>7} {:>9} {:>9} {:>12}",
            "task", "ran", "cached", "failed", "total s", "longest s", "bytes"
        )?;
        for count in rows {
            write!(
                f,
                "\n{:width$} {:>7} {:>7} {:>7} {:>9.3} {:>9.3} {:>12}",
                count.task.funcname,
                count.completed,
                count.cached,
                count.failed,
                count.total.as_secs_f64(),
                count.longest.as_secs_f64(),
                count.bytes
            )?;
        }
        Ok(())
    }
}
