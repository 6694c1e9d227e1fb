//! Who is told at the end of a flow run, as it is set.

use std::fmt;
use std::sync::Arc;

use pipex_format::wire::Notice;

/// Somebody who is told.
#[derive(Clone)]
pub(crate) enum Hook {
    /// Of runs that did not end well.
    Function(Arc<dyn Fn(&Notice) + Send + Sync>),
    /// A line for the shell, told of those or of all.
    Command { line: String, always: bool },
}

impl Hook {
    /// What `PIPEX_NOTIFY` may be.
    pub(crate) const EXPECTED: &'static str = "a command, or always: and a command";

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let always = text.strip_prefix("always:");
        let line = always.unwrap_or(text).trim();
        (!line.is_empty()).then(|| Hook::Command { line: line.to_owned(), always: always.is_some() })
    }

    pub(crate) fn wants_all(&self) -> bool {
        matches!(self, Hook::Command { always: true, .. })
    }
}

impl fmt::Display for Hook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Hook::Function(_) => f.write_str("the function of Config::on_failure"),
            Hook::Command { line, .. } => write!(f, "the command of PIPEX_NOTIFY ({line})"),
        }
    }
}
