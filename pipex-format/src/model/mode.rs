//! What `PIPEX` says.

use std::fmt;
use std::str::FromStr;

use super::error::Error;

/// How much of pipex happens: two independent switches, whether targets are checked and saved, and whether an executor runs
/// the tasks.
///
/// ```
/// use pipex::Mode;
///
/// let mode: Mode = "prefect.cache".parse()?;
/// assert!(mode.caches() && mode.executes());
/// assert!("cahce".parse::<Mode>().unwrap_err().to_string().contains("do_nothing, cache, prefect or prefect.cache"));
/// # Ok::<(), pipex::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mode {
    /// `do_nothing`, also when `PIPEX` is not set: functions are simply called.
    #[default]
    DoNothing,
    /// `cache`: targets are checked and saved; tasks run in the caller.
    Cache,
    /// `prefect`: an executor runs the tasks; no targets.
    Prefect,
    /// `prefect.cache`: both.
    PrefectCache,
}

impl Mode {
    /// Whether targets are checked and saved.
    #[must_use]
    pub fn caches(self) -> bool {
        matches!(self, Mode::Cache | Mode::PrefectCache)
    }

    /// Whether an executor runs the tasks.
    #[must_use]
    pub fn executes(self) -> bool {
        matches!(self, Mode::Prefect | Mode::PrefectCache)
    }

    /// The same without an executor.
    #[doc(hidden)]
    pub fn without_executor(self) -> Self {
        if self.caches() { Mode::Cache } else { Mode::DoNothing }
    }

    /// The mode as `PIPEX` spells it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::DoNothing => "do_nothing",
            Mode::Cache => "cache",
            Mode::Prefect => "prefect",
            Mode::PrefectCache => "prefect.cache",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = Error;

    fn from_str(value: &str) -> Result<Self, Error> {
        [Mode::DoNothing, Mode::Cache, Mode::Prefect, Mode::PrefectCache]
            .into_iter()
            .find(|mode| mode.as_str() == value)
            .ok_or_else(|| Error::Mode { value: value.to_owned() })
    }
}
