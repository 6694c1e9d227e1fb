//! The environment: the variables that pipex reads, all in one table, and how they are read.

#![expect(clippy::disallowed_methods, reason = "here, and nowhere else")]

use std::env;
use std::path::PathBuf;
use std::sync::{Arc, Once};

use crate::model::error::{Error, Result};
use crate::model::mode::Mode;
use crate::model::stale::Stale;
use crate::say::say;

/// Every variable of pipex's own. What is not here, pipex does not read.
const KNOWN: [&str; 19] = [
    "PIPEX",
    "PIPEX_DECODE_LIMIT",
    "PIPEX_DOWNLOADS",
    "PIPEX_DRY_RUN",
    "PIPEX_JOURNAL",
    "PIPEX_LEASE",
    "PIPEX_LIMITS",
    "PIPEX_LOG",
    "PIPEX_MAKE",
    "PIPEX_NATS_URL",
    "PIPEX_NOTIFY",
    "PIPEX_PATH",
    "PIPEX_PREFECT",
    "PIPEX_QUIET",
    "PIPEX_RESOURCES",
    "PIPEX_ROOT",
    "PIPEX_SHARED",
    "PIPEX_STALE",
    "PIPEX_WORKERS",
];

/// Where a journal is, if nothing else is said.
pub const JOURNAL: &str = ".pipex";

/// Variables that pipex used to read, and what stands for them now.
const REMOVED: [(&str, &str); 12] = [
    ("PIPEX_LIST_MISSING", "run `PROGRAM pipex missing`, or set PIPEX_DRY_RUN=jobs"),
    ("PIPEX_NATS_ACK_WAIT", "set PIPEX_NATS_URL=nats://HOST?ack_wait=SECONDS"),
    ("PIPEX_NATS_CA", "set PIPEX_NATS_URL=nats://HOST?ca=FILE"),
    ("PIPEX_NATS_CREDENTIALS", "set PIPEX_NATS_URL=nats://HOST?credentials=FILE"),
    ("PIPEX_NATS_MAX_STARTS", "set PIPEX_NATS_URL=nats://HOST?max_starts=NUMBER"),
    ("PIPEX_NATS_PROJECT", "set PIPEX_NATS_URL=nats://HOST?project=NAME"),
    ("PIPEX_NATS_REPLICAS", "set PIPEX_NATS_URL=nats://HOST?replicas=NUMBER"),
    ("PIPEX_NATS_TOKEN", "set PIPEX_NATS_URL=nats://TOKEN@HOST"),
    ("PIPEX_PREFECT_MAX_RUNS", "set PIPEX_PREFECT=max_runs=NUMBER"),
    ("PIPEX_PREFECT_REQUIRED", "set PIPEX_PREFECT=required"),
    ("PIPEX_RUN", "run `PROGRAM pipex run LINE`"),
    ("PIPEX_WORKER", "run `PROGRAM pipex worker`"),
];

/// Names that begin so are left to tests, of pipex and of what is built on it.
const OF_TESTS: &str = "PIPEX_TESTS_";

/// Whether a variable says yes.
pub fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0")
}

/// A variable that is set, and not to nothing.
pub fn env_text(name: &str) -> Option<String> {
    let value = env::var_os(name).filter(|value| !value.is_empty())?;
    Some(value.to_string_lossy().into_owned())
}

/// What a variable sets, if it is set.
pub fn setting<T>(name: &'static str, expected: &'static str, parse: impl Fn(&str) -> Option<T>) -> Result<Option<T>> {
    let Some(value) = env_text(name) else { return Ok(None) };
    match parse(&value) {
        Some(parsed) => Ok(Some(parsed)),
        None => Err(Error::Setting { name, value, expected }),
    }
}

/// The mode that the environment says now.
pub fn mode() -> Result<Mode> {
    env_text("PIPEX").map_or(Ok(Mode::DoNothing), |value| value.parse())
}

/// The path of tasks that have no other, if the environment says one now.
#[must_use]
pub fn path() -> Option<Arc<str>> {
    env_text("PIPEX_PATH").map(Arc::from)
}

/// Where the environment says now that the journal is, if it says it; `None` if there is to be none.
#[must_use]
pub fn journal_directory() -> Option<Option<PathBuf>> {
    match env::var_os("PIPEX_JOURNAL").filter(|directory| !directory.is_empty()) {
        Some(directory) => (directory != "off").then(|| Some(directory.into())),
        None => Some(None),
    }
}

/// Where the environment says now that the root of the project is.
#[must_use]
pub fn root() -> Option<PathBuf> {
    env::var_os("PIPEX_ROOT").filter(|root| !root.is_empty()).map(PathBuf::from)
}

/// The directory of this user for what can be had again.
#[must_use]
pub fn cache_directory() -> Option<PathBuf> {
    let set = env::var_os("XDG_CACHE_HOME").map(PathBuf::from).filter(|directory| directory.is_absolute());
    Some(set.or_else(|| Some(env::home_dir()?.join(".cache")))?.join("pipex"))
}

/// A variable of a user's own, if it is UTF-8.
#[must_use]
pub fn env_utf8(name: &str) -> Option<String> {
    env::var(name).ok()
}

/// What is to be done with stale outputs, if the environment says it now.
pub fn stale() -> Result<Option<Stale>> {
    env_text("PIPEX_STALE").map(|policy| policy.parse()).transpose()
}

/// Says, once a process, which variables look like pipex's and are none: a setting with a typing error would silently not
/// hold.
pub fn warn_of_unknown() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        let names = env::vars_os().map(|(name, _)| name.to_string_lossy().into_owned());
        for name in names.filter(|name| name.starts_with("PIPEX_") && !name.starts_with(OF_TESTS)) {
            if let Some(nearest) = nearest(&name) {
                say(&format!(
                    "{name} is set, and pipex knows no such variable; the nearest that it knows is {nearest}"
                ));
            }
        }
    });
    warn_of_removed();
}

/// Says, once a process, which variables are set that pipex no longer reads, and what to do instead.
pub fn warn_of_removed() {
    static SAID: Once = Once::new();
    SAID.call_once(|| {
        for (name, instead) in REMOVED.into_iter().filter(|(name, _)| env_text(name).is_some()) {
            say(&format!("{name} is set, and pipex no longer reads it: {instead}"));
        }
    });
}

/// The variable that is called most like this, if it neither is one itself nor used to be.
fn nearest(name: &str) -> Option<&'static str> {
    if REMOVED.iter().any(|(removed, _)| *removed == name) {
        return None;
    }
    let nearest = KNOWN.into_iter().min_by_key(|known| strsim::osa_distance(known, name))?;
    (nearest != name).then_some(nearest)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_nearest_is_named() {
        assert_eq!(nearest("PIPEX_WORKES"), Some("PIPEX_WORKERS"));
        assert_eq!(nearest("PIPEX_WROKERS"), Some("PIPEX_WORKERS"));
        assert_eq!(nearest("PIPEX_DRYRUN"), Some("PIPEX_DRY_RUN"));
        assert_eq!(nearest("PIPEX_JOURNAL"), None);
        assert_eq!(nearest("PIPEX_WORKER"), None, "it has a line of its own");
    }

    /// The names in a text that begin as pipex's variables do.
    fn names(text: &str) -> impl Iterator<Item = &str> {
        text.match_indices("PIPEX_").map(|(at, _)| {
            let rest = &text[at..];
            &rest[..rest.find(|c: char| !c.is_ascii_uppercase() && c != '_').unwrap_or(rest.len())]
        })
    }

    fn check(path: &Path, checked: &mut usize) {
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| check(&entry.unwrap().path(), checked));
        } else if !path.ends_with("environment.rs") && path.extension().is_some_and(|it| it == "rs" || it == "md") {
            *checked += 1;
            let text = fs::read_to_string(path).unwrap();
            for name in names(&text).filter(|name| !name.starts_with(OF_TESTS) && *name != "PIPEX_") {
                assert!(KNOWN.contains(&name), "{name} in {} is not in the table", path.display());
            }
        }
    }

    #[test]
    fn the_table_has_every_variable_that_sources_and_documents_name() {
        let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let mut checked = 0;
        for place in ["pipex-format/src", "pipex/src", "pipex-cli/src", "docs", "README.md"] {
            check(&project.join(place), &mut checked);
        }
        assert!(checked > 50, "{checked}");
    }

    #[test]
    fn the_guide_has_every_variable_of_the_table() {
        let settings = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/settings.md");
        let settings = fs::read_to_string(settings).unwrap();
        for name in KNOWN {
            assert!(settings.contains(&format!("| `{name}` |")), "{name}");
        }
    }
}
