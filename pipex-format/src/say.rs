//! Lines for people, on stderr, where no subscriber takes them down.

use std::io::{self, Write as _};
use std::sync::OnceLock;

/// Has what is shown there stand aside while something is written.
type Suspend = fn(&mut dyn FnMut());

static SUSPEND: OnceLock<Suspend> = OnceLock::new();

/// From now on, what is written to stderr is written within `suspend`.
pub fn write_within(suspend: Suspend) {
    let _ = SUSPEND.set(suspend);
}

/// Says something to people.
pub fn say(line: &str) {
    write_aside(|| _ = writeln!(io::stderr(), "pipex: {line}"));
}

/// Writes to stderr, beside the progress that may be there.
pub fn write_aside(mut write: impl FnMut()) {
    match SUSPEND.get() {
        Some(suspend) => suspend(&mut write),
        None => write(),
    }
}
