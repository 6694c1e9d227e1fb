//! Who holds a lease, as its object says.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use crate::environment::setting;
use crate::store::error::StoreError;

/// After how many seconds of silence a holder counts as dead.
const SECONDS: u64 = 30;

/// A number that nobody else has.
pub(super) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// The lock that the processes of a machine have on a target besides its lease.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Lock {
    /// Those who share the locks.
    pub(super) domain: String,
    /// The name of the file that is locked.
    pub(super) file: String,
}

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    pub(super) lock: Lock,
    /// The name of the target, in the lease's directory.
    pub(super) target: String,
    pub(super) number: u64,
    seconds: u64,
}

impl Holder {
    pub(super) fn new(lock: Lock, target: &str) -> Result<Self, StoreError> {
        Ok(Holder { lock, target: target.to_owned(), number: random(), seconds: seconds()? })
    }

    pub(super) fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// What its object has, with the uploads that it has under way: never the same twice, since there are servers to which the same content
    /// is the same version.
    pub(super) fn text(&self, beat: u64, uploads: &[String]) -> String {
        let Holder { lock: Lock { domain, file }, target, number, seconds } = self;
        let mut text = format!(
            "pipex lease\ndomain {domain}\nlock {file}\ntarget {target}\nholder {number:016x}\nseconds {seconds}\nbeat {beat}\n"
        );
        uploads.iter().for_each(|upload| text.extend(["upload ", upload, "\n"]));
        text
    }

    pub(super) fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| fields(text, name).next();
        Some(Holder {
            // The first leases did not say where the lock is, nor of what they are.
            lock: Lock { domain: field("domain")?.to_owned(), file: field("lock").unwrap_or_default().to_owned() },
            target: field("target").unwrap_or_default().to_owned(),
            number: u64::from_str_radix(field("holder")?, 16).ok()?,
            seconds: field("seconds")?.parse().ok()?,
        })
    }
}

/// The uploads that stand in a lease.
pub(super) fn parse_uploads(text: &str) -> Vec<String> {
    fields(text, "upload").map(str::to_owned).collect()
}

fn fields<'t>(text: &'t str, name: &str) -> impl Iterator<Item = &'t str> {
    text.lines().filter_map(move |line| line.strip_prefix(name)?.strip_prefix(' '))
}

/// The time of a lease: what `PIPEX_LEASE` says.
pub(super) fn seconds() -> Result<u64, StoreError> {
    let seconds = setting("PIPEX_LEASE", "a number of seconds, at least 1", |text| {
        text.parse().ok().filter(|seconds| *seconds > 0)
    });
    Ok(seconds.map_err(|error| StoreError::Setting { source: error.into() })?.unwrap_or(SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_lease_says_is_read_again() {
        let lock = Lock { domain: "ab12".to_owned(), file: "cd34.json".to_owned() };
        let holder = Holder { lock, target: "x y.json".to_owned(), number: 7, seconds: 30 };
        let text = holder.text(3, &["one".to_owned(), "two".to_owned()]);
        assert_eq!(Holder::parse(&text), Some(holder));
        assert_eq!(parse_uploads(&text), ["one", "two"]);
        let first = "pipex lease\ndomain ab12\nholder 07\nseconds 30\nbeat 3\n";
        assert_eq!(Holder::parse(first).unwrap().lock.file, "");
        assert_eq!(Holder::parse("something else"), None);
    }
}
