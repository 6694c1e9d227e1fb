//! The root of a project: the directory that its journal is in, and that relative places are named from, whichever of its
//! directories a program is started in.

use std::borrow::Cow;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, LazyLock};

use crate::environment::{self, JOURNAL};
use crate::model::error::{Error, Result};
use crate::model::target::url_scheme;

/// The root of this program's project, as seen from where the program was started.
#[derive(Debug)]
pub struct Root {
    /// Where the program was started.
    here: PathBuf,
    root: PathBuf,
}

impl Root {
    /// That of this program: where `PIPEX_ROOT` says, else as [`find_root`] finds it. It is looked for once, when it is first asked for.
    pub fn of_program() -> &'static Self {
        static ROOT: LazyLock<Root> = LazyLock::new(|| {
            let here = std::env::current_dir().unwrap_or_default();
            let root = find_root(&here);
            Root { here, root }
        });
        &ROOT
    }

    /// Its directory.
    #[must_use]
    pub fn directory(&self) -> &Path {
        &self.root
    }

    /// Whether places are called here what they are called from the root: nearly always.
    fn is_here(&self) -> bool {
        self.here == self.root
    }

    /// What a place that is named from the root is called here.
    pub fn to_here<'p>(&self, place: &'p str) -> Cow<'p, str> {
        if self.is_here() || place.starts_with('/') || url_scheme(place).is_some() {
            return Cow::Borrowed(place);
        }
        let there = normalize(&self.root.join(place));
        let within = match (there.strip_prefix(&self.here), self.here.strip_prefix(&self.root)) {
            (Ok(within), _) => within.to_owned(),
            (_, Ok(_)) => {
                let common =
                    there.components().zip(self.here.components()).take_while(|(one, other)| one == other).count();
                let up = self.here.components().skip(common).map(|_| Component::ParentDir);
                up.chain(there.components().skip(common)).collect()
            }
            _ => there,
        };
        within.into_os_string().into_string().map_or(Cow::Borrowed(place), Cow::Owned)
    }

    /// What a place that is named from here is called from the root.
    pub fn from_here<'p>(&self, place: &'p str) -> Cow<'p, str> {
        let is_the_same = || place.starts_with('/') && self.here.starts_with(&self.root) || url_scheme(place).is_some();
        if self.is_here() || is_the_same() {
            return Cow::Borrowed(place);
        }
        let there = normalize(&self.here.join(place));
        let name = there.strip_prefix(&self.root).unwrap_or(&there);
        name.to_str().map_or(Cow::Borrowed(place), |name| Cow::Owned(name.to_owned()))
    }
}

/// The path of tasks that have no other, if the environment says one now: relative to where the program was started, and so
/// named from the root.
#[must_use]
pub fn env_path() -> Option<Arc<str>> {
    environment::path().map(|path| Root::of_program().from_here(&path).into())
}

/// Where the environment says now that the journal is: in the root, unless it says something else.
#[must_use]
pub fn env_journal() -> Option<PathBuf> {
    let root = || PathBuf::from(&*Root::of_program().to_here(JOURNAL));
    environment::journal_directory().map(|said| said.unwrap_or_else(root))
}

/// Whether there is what `PIPEX_ROOT` says.
///
/// # Errors
/// When it is no directory.
pub fn check_env_root() -> Result<()> {
    match environment::root() {
        Some(root) if !root.is_dir() => {
            let value = root.to_string_lossy().into_owned();
            Err(Error::Setting { name: "PIPEX_ROOT", value, expected: "a directory, the root of the project" })
        }
        _ => Ok(()),
    }
}

/// The root of the project that `here` is in: where `PIPEX_ROOT` says, seen from here, else the nearest directory from here
/// upwards that has a journal (`.pipex`), else `here`.
///
/// Upwards it stops in front of what is not the project's: the home directory, `/`, a directory that everybody may write to, and one
/// that cannot be read. In each of these it is found only from there.
#[must_use]
pub fn find_root(here: &Path) -> PathBuf {
    if let Some(root) = environment::root() {
        return normalize(&here.join(root));
    }
    let home = std::env::home_dir();
    let is_shared = |directory: &Path| {
        directory.parent().is_none()
            || home.as_deref() == Some(directory)
            || fs::metadata(directory).map_or(true, |metadata| metadata.mode() & 0o002 != 0)
    };
    for directory in here.ancestors() {
        if directory != here && is_shared(directory) {
            break;
        }
        match fs::metadata(directory.join(JOURNAL)) {
            Ok(metadata) if metadata.is_dir() => return directory.to_owned(),
            Err(error) if error.kind() != io::ErrorKind::NotFound => break,
            _ => {}
        }
    }
    here.to_owned()
}

/// The path without `.` and `..`, as a shell would take it.
#[must_use]
pub fn normalize(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => match normalized.components().next_back() {
                Some(Component::Normal(_)) => _ = normalized.pop(),
                Some(Component::RootDir) => {}
                // Above the beginning of a relative path there is something, too.
                _ => normalized.push(".."),
            },
            component => normalized.push(component),
        }
    }
    normalized
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(here: &str, root: &str) -> Root {
        Root { here: here.into(), root: root.into() }
    }

    #[test]
    fn places_have_a_name_here_and_one_from_the_root() {
        for (here, root, from_root, from_here) in [
            ("/p", "/p", "out/x", "out/x"),
            ("/p", "/p", "./out/../x", "./out/../x"),
            ("/p/sub", "/p", "out/x", "../out/x"),
            ("/p/sub/deep", "/p", "out/x", "../../out/x"),
            ("/p/sub", "/p", "sub/x", "x"),
            ("/p/sub", "/p", "/elsewhere/x", "/elsewhere/x"),
            ("/p", "/p/sub", "out/x", "sub/out/x"),
            ("/q", "/p", "out/x", "/p/out/x"),
            ("/p/sub", "/p", "s3://bucket/x", "s3://bucket/x"),
        ] {
            let root = seen(here, root);
            assert_eq!(root.to_here(from_root), from_here, "{root:?}");
            assert_eq!(root.from_here(from_here), from_root, "{root:?}");
        }
        assert_eq!(seen("/p/sub", "/p").to_here("../out/./x"), "../../out/x");
        assert_eq!(seen("/p/sub", "/p").from_here("../../out"), "/out");
        assert_eq!(seen("/p/sub", "/p").to_here("sub"), "");
    }

    #[test]
    fn paths_are_made_simple() {
        for (path, simple) in [("/a/./b/../c", "/a/c"), ("../../a", "../../a"), ("a/../../b", "../b"), ("/../a", "/a")]
        {
            assert_eq!(normalize(Path::new(path)), Path::new(simple));
        }
    }
}
