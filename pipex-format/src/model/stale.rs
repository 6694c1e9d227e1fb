//! What is done with stale outputs.

use std::str::FromStr;

use super::error::Error;

/// What is done with an output that is there, but was made by other code, from other arguments or from other inputs.
///
/// Decided by content, never by time: a file that is touched, or copied with its journal, stays what it is. A task says it
/// (`#[task(stale = "rerun")]`), else its flow does, else `Config::stale`, else `PIPEX_STALE`.
///
/// ```
/// use pipex::Stale;
///
/// assert_eq!("rerun".parse::<Stale>()?, Stale::Rerun);
/// assert_eq!(Stale::default(), Stale::Warn);
/// # Ok::<(), pipex::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Stale {
    /// It is taken, and nothing is compared.
    Ignore,
    /// It is taken, and a line for each task function says so.
    #[default]
    Warn,
    /// It is made again, and so is what was made from it, unless it comes out as it was.
    Rerun,
}

impl FromStr for Stale {
    type Err = Error;

    fn from_str(policy: &str) -> Result<Self, Error> {
        Ok(match policy {
            "ignore" => Stale::Ignore,
            "warn" => Stale::Warn,
            "rerun" => Stale::Rerun,
            _ => {
                return Err(Error::Setting {
                    name: "PIPEX_STALE",
                    value: policy.to_owned(),
                    expected: "ignore, warn or rerun",
                });
            }
        })
    }
}
