//! Why a command gave nothing.

use std::fmt;
use std::io;
use std::os::unix::process::ExitStatusExt as _;
use std::process::ExitStatus;

/// Why a command of [`shell!`](crate::shell) gave nothing.
///
/// ```
/// use pipex::{ShellError, shell};
///
/// let error = shell!("echo 'no such sample' >&2; exit 3").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "`echo 'no such sample' >&2; exit 3` failed with exit code 3, and said on stderr: no such sample"
/// );
/// assert!(matches!(error, ShellError::Failed { status, .. } if status.code() == Some(3)));
/// ```
///
/// Of the command, and of what it said on stderr, messages have the most telling part, and the error itself has all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShellError {
    /// It ended with another exit code than 0, or by a signal.
    #[error("`{}` {}{}", Shortened(command), Status(*status), Said(stderr))]
    Failed {
        /// The command, with its values.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// The last 64 KB of what it said on stderr.
        stderr: String,
    },
    /// It was stopped, since the `timeout` of its task had passed.
    #[error("`{}` was stopped, since the timeout of its task had passed{}", Shortened(command), Said(stderr))]
    TimedOut {
        /// The command, with its values.
        command: String,
        /// The last 64 KB of what it said on stderr.
        stderr: String,
    },
    /// Neither `bash` nor `sh` could be started.
    #[error("cannot start `{}`{}", Shortened(command), advise_start(source))]
    Start {
        /// The command, with its values.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// What it wrote to stdout is to be a text, and is none.
    #[error("`{}` wrote to stdout what is not UTF-8: have it write a file", Shortened(command))]
    NotText {
        /// The command, with its values.
        command: String,
    },
    /// A value has a NUL in it, which no program can be given.
    #[error("`{}` was not started: a value in it has a NUL, which no program can be given", Shortened(command))]
    Nul {
        /// The command, with its values.
        command: String,
    },
}

/// The beginning of a command, on one line.
struct Shortened<'c>(&'c str);

/// The most characters of a command in a message.
const SHORT: usize = 200;

impl fmt::Display for Shortened<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.0.split_whitespace().collect::<Vec<_>>().join(" ");
        let mut shown = line.chars().filter(|c| !c.is_control());
        shown.by_ref().take(SHORT).try_for_each(|c| write!(f, "{c}"))?;
        if shown.next().is_some() { f.write_str(" ..") } else { Ok(()) }
    }
}

struct Status(ExitStatus);

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A shell says of what it started that it was killed by 128 and the signal.
        let signal =
            self.0.signal().or_else(|| self.0.code().filter(|code| (129..160).contains(code)).map(|it| it - 128));
        match (self.0.code(), signal) {
            (_, Some(9)) => f.write_str("was killed by signal 9, as the system does where memory runs out"),
            (_, Some(13)) => f.write_str(
                "was killed by signal 13: what it wrote to had stopped reading, such as `head`; where that is as it should be, \
                 write `(.. || true) | head`",
            ),
            (_, Some(signal)) => write!(f, "was killed by signal {signal}"),
            (Some(127), _) => f.write_str("failed with exit code 127: a program in it is not installed, or not on PATH"),
            (Some(code), _) => write!(f, "failed with exit code {code}"),
            (None, None) => write!(f, "failed: {}", self.0),
        }
    }
}

/// The last lines of stderr.
struct Said<'s>(&'s str);

/// The most lines, and characters of each, in a message.
const LINES: usize = 10;
const WIDTH: usize = 200;

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<_> = self.0.lines().filter(|line| !line.trim().is_empty()).collect();
        let shorten = |line: &str| line.chars().take(WIDTH).collect::<String>();
        match &lines[..] {
            [] => f.write_str(", and said nothing on stderr"),
            [line] => write!(f, ", and said on stderr: {}", shorten(line.trim())),
            lines => {
                let last = &lines[lines.len().saturating_sub(LINES)..];
                f.write_str(", and said on stderr, at last:")?;
                last.iter().try_for_each(|line| write!(f, "\n    {}", shorten(line.trim_end())))
            }
        }
    }
}

fn advise_start(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::NotFound => ": there is neither `bash` nor `sh` on PATH",
        io::ErrorKind::ArgumentListTooLong => {
            ": it is too long; write the values to a file, and have the command read that"
        }
        _ => "",
    }
}
