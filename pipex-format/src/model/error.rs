//! What can go wrong, as a user is told of it.

use std::error::Error as StdError;
use std::fmt;
use std::iter::successors;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use super::target::{Location, TargetError};

/// A result whose error is pipex's.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong with a task run or a flow run.
///
/// Each error names the thing and says why, in one line, down to the function's own error or the system's:
/// `task run "clean EWR-7" (target out/clean/EWR-7.json): cannot save the output: ...: permission denied`. The causes are also its
/// [`source`](std::error::Error::source)s, one behind the other.
///
/// ```
/// use pipex::task;
///
/// #[task]
/// fn read(station: &str) -> Result<f64, String> {
///     Err(format!("station {station} is closed"))
/// }
///
/// let error = read("LGA").run().unwrap_err();
/// assert_eq!(error.to_string(), "task run \"read\": station LGA is closed");
/// ```
///
/// Cloning is cheap: an `Output` gives its error to everyone who asks.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// `PIPEX` has a value that is no mode.
    #[error("PIPEX={value} is not a mode: set it to do_nothing, cache, prefect or prefect.cache, or unset it")]
    Mode {
        /// The value.
        value: String,
    },
    /// An environment variable has a value that means nothing.
    #[error("{name}={value} is not {expected}: set it to that, or unset it")]
    Setting {
        /// The variable.
        name: &'static str,
        /// Its value.
        value: String,
        /// What it may be.
        expected: &'static str,
    },
    /// A task run ended without an output. The source says why: the function's own error, or a [`RunError`].
    #[error(
        "task run {name:?}{}: {}",
        target.as_ref().map(|target| format!(" (target {target})")).unwrap_or_default(),
        Chain(&**source)
    )]
    Task {
        /// The task run's name.
        name: String,
        /// Its target, if it has one.
        target: Option<Location>,
        /// Why.
        source: Cause,
    },
    /// An output could not be loaded from its location.
    #[error("cannot load the output {target}: {}", Chain(&**source))]
    Load {
        /// The location.
        target: Location,
        /// What its store said.
        source: Cause,
    },
    /// An output could not be removed.
    #[error("cannot remove the output {target}: {}", Chain(&**source))]
    Remove {
        /// The location.
        target: Location,
        /// What its store said.
        source: Cause,
    },
    /// An output whose place is asked for has none.
    #[error(
        "the output of {maker} is at no path: in this mode it is saved nowhere, or its function wrote nothing; give the function \
         a `#[target]` parameter, and it has a place in every mode"
    )]
    NoLocation {
        /// What made it.
        maker: &'static str,
    },
    /// A dry run has come to where data are needed that only a run would give.
    #[error(
        "the dry run ends here: the program needs the data{}, and what makes them would have to run",
        target.as_ref().map(|target| format!(" of {target}")).unwrap_or_default()
    )]
    Dry {
        /// Where they would be.
        target: Option<Location>,
    },
    /// `PROGRAM pipex make` has what it was asked for, and the program has come to where it needs more.
    #[error(
        "`pipex make` ends here: the program goes on with the data{}, which are not asked for",
        target.as_ref().map(|target| format!(" of {target}")).unwrap_or_default()
    )]
    NotAsked {
        /// Where they would be.
        target: Option<Location>,
    },
    /// A task cannot be run by its name.
    #[error(transparent)]
    Job(Arc<JobError>),
    /// The program was built without a cargo feature that it is asked to use.
    #[error("{what}, and this program was built without it: build it with pipex's cargo feature `{feature}`")]
    Feature {
        /// The feature.
        feature: &'static str,
        /// What asked for it.
        what: &'static str,
    },
    /// An engine that the environment names could not be used.
    #[error("cannot use {engine}: {advice}: {}", Chain(&**source))]
    Engine {
        /// Which, and where.
        engine: String,
        /// What to do.
        advice: String,
        /// What it said.
        source: Cause,
    },
    /// Task runs that were submitted failed, and nobody asked for their outputs.
    #[error(
        "flow run {flow:?}: {count} submitted task run{} failed, unasked: {listed}{}",
        if *count == 1 { "" } else { "s" },
        if *skipped == 0 { String::new() } else { format!("; {skipped} did not run for it") }
    )]
    Unasked {
        /// The flow.
        flow: String,
        /// How many.
        count: usize,
        /// How many more did not run, since these failed or the flow run was cancelled.
        skipped: usize,
        /// The first twenty, each with its causes.
        listed: String,
    },
}

impl From<JobError> for Error {
    fn from(error: JobError) -> Self {
        Error::Job(Arc::new(error))
    }
}

/// The same as `Display`: what `main` and `unwrap` print is for people.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// An error and its sources, one behind the other. What an error says of its sources itself is said once.
struct Chain<'e>(&'e (dyn StdError + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sources = || successors(Some(self.0), |error: &&(dyn StdError + 'static)| (*error).source());
        let last = sources().last().map(ToString::to_string).unwrap_or_default();
        let mut told = String::new();
        for error in sources() {
            let message = error.to_string();
            if !told.ends_with(&message) {
                told.push_str(if told.is_empty() { "" } else { ": " });
                told.push_str(&message);
            }
            // One of pipex's has told all, and so has what passes on what another says, such as an enum of a user's.
            let is_told = !last.is_empty() && told.ends_with(&last);
            if error.is::<Error>() || is_told {
                break;
            }
        }
        f.write_str(&told)
    }
}

/// Why a task run ended without an output, where it was not the function's own error.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// Its target could not be filled.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Its target is another's.
    #[error(
        "{first} and {second} fill to the same target{}: put what tells them apart into base or into the target's template{}",
        if *same_task { " with different arguments" } else { "" },
        if *same_task { ", as `{args}` does" } else { "" }
    )]
    Clash {
        /// The call that was there first.
        first: String,
        /// This call.
        second: String,
        /// Whether both are calls of one task.
        same_task: bool,
    },
    /// The store did not do what it was asked.
    #[error("cannot {action}")]
    Store {
        /// What it was asked.
        action: &'static str,
        /// What it said.
        source: Cause,
    },
    /// An output that it takes is not to be had.
    #[error("an argument is not to be had, so it did not run")]
    Upstream {
        /// The error of the run that should have made it, or of loading it.
        source: Error,
    },
    /// It writes to its `#[target]`, and was called as a function, without one.
    #[error(
        "it writes to its `#[target]`, and `.call()` has none: use `.run()`, in a test within `pipex::testing::scope`"
    )]
    NoTarget,
    /// It asked, from inside itself, for its own target.
    #[error("it asks for its own target while it makes it: no one can ever have it")]
    Recursion,
    /// What ran it panicked or was dropped before it ended.
    #[error("it ended before it had an output: what ran it panicked, or was dropped")]
    Interrupted,
    /// The function panicked, where an executor runs it; or, in every mode but `do_nothing`, what shows, hashes, saves, loads or
    /// drops its arguments or its output.
    #[error(
        "{}{message}",
        if message.starts_with("while ") { "it panicked " } else { "the function panicked: " }
    )]
    Panicked {
        /// What it panicked with. Where that was not the function, it begins with `while`, and says when it was.
        message: String,
    },
    /// The runtime for async functions and timers, or a thread for a function with a timeout, could not be started.
    #[error("cannot start what would run it")]
    Runtime {
        /// What the system said.
        source: std::io::Error,
    },
    /// Workers that ran it died, one after the other.
    #[error("the workers that started it died, {times} of them; it is not given to another")]
    Lost {
        /// How many.
        times: u64,
    },
    /// What it needs could not be computed: its `memory`, `threads` or `gpu`.
    #[error("cannot tell what it needs")]
    Measure {
        /// Why.
        source: Cause,
    },
    /// It needs more than there is, however long it waits.
    #[error("{problem}")]
    NeverFits {
        /// What it needs, what there is, and what to do.
        problem: String,
    },
    /// It took longer than its `timeout`.
    #[error("it exceeded its timeout of {limit:?}")]
    TimedOut {
        /// The timeout.
        limit: Duration,
    },
    /// Its flow run was cancelled before it ran.
    #[error("it did not run, since the flow run was cancelled: {why}")]
    Cancelled {
        /// Why.
        why: String,
    },
}

/// Why a task run cannot be done by another process.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JobError {
    /// An argument cannot travel.
    #[error("the argument `{parameter}` {problem}")]
    Argument {
        /// The parameter.
        parameter: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The output is not saved, and cannot travel as a value.
    #[error("its output cannot be sent as a value: {problem}; PIPEX=prefect.cache saves it, and sends its location")]
    Output {
        /// What is wrong with it.
        problem: String,
    },
    /// This program has no such task.
    #[error("there is no task {task:?} marked `#[task(remote)]` in this program; there are: {known}")]
    Unknown {
        /// The name that was given.
        task: String,
        /// Those there are.
        known: String,
    },
    /// This program has other code of the task.
    #[error("this process has other code of {task}: start it from the executable that runs the flow")]
    Code {
        /// The task.
        task: String,
    },
    /// A newer pipex has sent it.
    #[error(
        "{what} is in format {format}, which a newer pipex writes, and this process (pipex {version}) reads format {known}: \
         start all processes from the same executable",
        version = env!("CARGO_PKG_VERSION")
    )]
    Newer {
        /// What was sent.
        what: &'static str,
        /// The version of its format.
        format: u64,
        /// The newest version that this process knows.
        known: u32,
    },
    /// What came cannot be read.
    #[error("what was sent cannot be read: {problem}")]
    Malformed {
        /// What is wrong with it.
        problem: String,
    },
}

/// An error of any type, shared.
#[derive(Clone)]
pub struct Cause(Arc<dyn StdError + Send + Sync>);

impl<E: Into<Box<dyn StdError + Send + Sync>>> From<E> for Cause {
    fn from(error: E) -> Self {
        Cause(error.into().into())
    }
}

impl Deref for Cause {
    type Target = dyn StdError + Send + Sync;

    fn deref(&self) -> &Self::Target {
        &*self.0
    }
}

impl fmt::Debug for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&*self.0, f)
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&*self.0, f)
    }
}
