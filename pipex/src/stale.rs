//! Whether an output that is there is still what its call would give, and what is done if not.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::environment::env_text;
use crate::error::Error;
use crate::fingerprint::Fingerprint;

/// What is done with an output that is there, but was made by other code, from other arguments or from other inputs.
///
/// Decided by content, never by time: a file that is touched, or copied with its journal, stays what it is. A task says it
/// (`#[task(stale = "rerun")]`), else its flow does, else [`Config::stale`](crate::Config::stale), else `PIPEX_STALE`.
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

impl Stale {
    /// What the environment says now.
    pub(crate) fn from_env() -> Result<Option<Self>, Error> {
        env_text("PIPEX_STALE").map(|policy| policy.parse()).transpose()
    }
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

/// Why an output is stale: what has changed since it was made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(into = "Vec<&'static str>", from = "Vec<String>")]
#[non_exhaustive]
pub struct Reasons {
    /// The function, its `version`, or a helper that it names.
    pub code: bool,
    /// A value, or which outputs are taken.
    pub arguments: bool,
    /// The content of an output that is taken, or of a file whose path is an argument.
    pub inputs: bool,
}

impl Reasons {
    /// Whether there is none: the output is not stale.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self == Reasons::default()
    }

    /// Those of both.
    pub(crate) fn and(self, other: Reasons) -> Self {
        Reasons {
            code: self.code || other.code,
            arguments: self.arguments || other.arguments,
            inputs: self.inputs || other.inputs,
        }
    }

    fn names(self) -> impl Iterator<Item = &'static str> {
        let all = [(self.code, "code"), (self.arguments, "arguments"), (self.inputs, "inputs")];
        all.into_iter().filter_map(|(changed, name)| changed.then_some(name))
    }
}

/// `code`, or `code and inputs`.
impl fmt::Display for Reasons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.names().enumerate() {
            write!(f, "{}{name}", if place > 0 { " and " } else { "" })?;
        }
        Ok(())
    }
}

impl From<Reasons> for Vec<&'static str> {
    fn from(reasons: Reasons) -> Self {
        reasons.names().collect()
    }
}

impl From<Vec<String>> for Reasons {
    fn from(names: Vec<String>) -> Self {
        let has = |name: &str| names.iter().any(|other| other == name);
        Reasons { code: has("code"), arguments: has("arguments"), inputs: has("inputs") }
    }
}

/// What lies where a call's input is to come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// This: half of its fingerprint.
    Is(u64),
    /// Something else than when it was last made: it has yet to be made again.
    Changes,
    /// Nobody knows.
    Unknown,
}

impl Content {
    /// Of this fingerprint; zero is not known.
    pub(crate) fn of(fingerprint: Fingerprint) -> Self {
        // Those few that are not told apart from the other two are taken for what nobody knows.
        Self::from_number(if fingerprint.half() == CHANGES { 0 } else { fingerprint.half() })
    }

    /// As a number, for a place that threads share.
    pub(crate) fn to_number(self) -> u64 {
        match self {
            Content::Is(content) => content,
            Content::Changes => CHANGES,
            Content::Unknown => 0,
        }
    }

    pub(crate) fn from_number(number: u64) -> Self {
        match number {
            0 => Content::Unknown,
            CHANGES => Content::Changes,
            content => Content::Is(content),
        }
    }
}

const CHANGES: u64 = 1;

/// The contents of all inputs of a call, in their order.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Contents {
    sum: Fingerprint,
    changes: bool,
    unknown: bool,
    /// Whether a run that one of them comes from has yet to end.
    pending: bool,
}

impl Default for Contents {
    /// Of a call without inputs.
    fn default() -> Self {
        Contents { sum: Fingerprint::new(1), changes: false, unknown: false, pending: false }
    }
}

impl Contents {
    pub(crate) fn add(&mut self, content: Content) {
        match content {
            Content::Is(content) => self.sum = self.sum.then(Fingerprint::new(content.into())),
            Content::Changes => self.changes = true,
            Content::Unknown => self.unknown = true,
        }
    }

    /// One of them is not what it will be.
    pub(crate) fn pend(&mut self) {
        self.pending = true;
    }

    /// Whether all runs that they come from have ended.
    pub(crate) fn are_settled(self) -> bool {
        !self.pending
    }

    /// Their fingerprint; zero where it is not known.
    pub(crate) fn fingerprint(self) -> Fingerprint {
        if self.changes || self.unknown { Fingerprint::NONE } else { self.sum }
    }
}

/// Halves of the fingerprints of what makes an output: its code, its arguments, its inputs. Zero is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Maker {
    pub(crate) code: u64,
    pub(crate) arguments: u64,
    pub(crate) inputs: u64,
}

impl Maker {
    pub(crate) fn new(code: Fingerprint, arguments: Fingerprint, inputs: Fingerprint) -> Self {
        Maker { code: code.half(), arguments: arguments.half(), inputs: inputs.half() }
    }

    /// What has changed since this made an output, if this code were to make it now from these.
    pub(crate) fn outdated_by(self, code: Fingerprint, arguments: Fingerprint, inputs: Contents) -> Reasons {
        let differs = |then: u64, now: u64| then != 0 && now != 0 && then != now;
        Reasons {
            code: differs(self.code, code.half()),
            arguments: differs(self.arguments, arguments.half()),
            inputs: inputs.changes || differs(self.inputs, inputs.fingerprint().half()),
        }
    }
}
