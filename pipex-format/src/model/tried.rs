//! The outputs of runs that may have failed, as values.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::error::Error;

/// What a task takes of an output whose run may have failed: its data, or why there are none.
///
/// A parameter that is declared so takes an output whether its run failed or not, and its function goes on with what worked. What
/// failed is told in the table and the journal as ever, and no longer fails the flow run. When the failure is over, what was made
/// from it is made again, unless its task or flow says `stale = "ignore"`.
///
/// ```
/// use pipex::{Output, Tried, task};
///
/// #[task]
/// fn fit(rate: f64) -> Result<f64, String> {
///     if rate < 1.0 { Ok(rate * 2.0) } else { Err("it does not converge".to_owned()) }
/// }
///
/// #[task]
/// fn report(fits: Vec<(String, Tried<f64>)>) -> String {
///     let line = |(name, fit)| match fit {
///         Ok(error) => format!("{name}: {error}\n"),
///         Err(failed) => format!("{name}: {failed}\n"),
///     };
///     fits.into_iter().map(line).collect()
/// }
///
/// let fits: Vec<(String, Output<f64>)> = [0.5, 2.0].map(|rate| (format!("rate {rate}"), fit(rate).submit())).into();
/// assert_eq!(
///     report(fits).run()?.load()?,
///     "rate 0.5: 1\nrate 2: task run \"fit\": it does not converge\n",
/// );
/// # Ok::<(), pipex::Error>(())
/// ```
pub type Tried<T> = std::result::Result<T, TaskError>;

/// Why a task run has no output, as a plain value: it can be compared, saved, and sent.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct TaskError {
    name: Option<String>,
    target: Option<String>,
    message: String,
}

impl TaskError {
    /// The name of the task run, if it was one that failed.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Where its output would have been.
    #[must_use]
    pub fn target(&self) -> Option<&str> {
        self.target.as_deref()
    }
}

impl From<&Error> for TaskError {
    fn from(error: &Error) -> Self {
        let (name, target) = match error {
            Error::Task { name, target, .. } => (Some(name.clone()), target.as_ref().map(ToString::to_string)),
            _ => (None, None),
        };
        TaskError { name, target, message: error.to_string() }
    }
}

/// In one line: which task run, and why.
impl fmt::Display for TaskError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for TaskError {}
