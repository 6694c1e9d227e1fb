//! From what is typed in a shell to names in the journal, and back.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use pipex_format::model::target::url_scheme;
pub use pipex_format::root::normalize;
use pipex_format::store::SqliteStore;

use crate::CommandError;
use crate::project::Project;
use crate::targets::Target;

impl Project {
    /// The name in the journal of a path that was given where the command was called.
    pub fn resolve_name(&self, path: &str) -> String {
        if url_scheme(path).is_some() {
            return path.to_owned();
        }
        let path = normalize(&self.here.join(path));
        if let Ok(within) = path.strip_prefix(&self.root) {
            return within.to_string_lossy().into_owned();
        }
        // The way there may go through links, as that to a home directory does.
        let real = resolve_links(&path);
        real.strip_prefix(&self.root).map_or(path.to_string_lossy(), Path::to_string_lossy).into_owned()
    }

    /// The target's name for people, so that it can be given to another command: relative to where the command was called.
    pub fn format_target<'t>(&self, target: Target<'t>) -> Cow<'t, str> {
        if !self.is_file(target) {
            return Cow::Borrowed(target.name());
        }
        self.format_path(target.name())
    }

    /// The same of a target that is known by its name alone.
    pub fn format_name<'t>(&self, name: &'t str) -> Cow<'t, str> {
        if self.find_in_store(0, name).is_some() { self.format_path(name) } else { Cow::Borrowed(name) }
    }

    /// The same of a path that is named from where the journal is.
    pub fn format_path<'t>(&self, name: &'t str) -> Cow<'t, str> {
        if self.here == self.root || url_scheme(name).is_some() {
            return Cow::Borrowed(name);
        }
        let path = normalize(&self.root.join(name));
        if let Ok(within) = path.strip_prefix(&self.here) {
            return Cow::Owned(within.to_string_lossy().into_owned());
        }
        if Path::new(name).is_absolute() {
            return Cow::Borrowed(name);
        }
        let common = path.components().zip(self.here.components()).take_while(|(one, other)| one == other).count();
        let up = self.here.components().skip(common).map(|_| Component::ParentDir);
        let relative: PathBuf = up.chain(path.components().skip(common)).collect();
        Cow::Owned(relative.to_string_lossy().into_owned())
    }

    /// The target that a user names.
    pub fn find_target(&self, name: &str) -> Result<usize, CommandError> {
        let index = self.find_file(&self.resolve_name(name)).or_else(|| self.find_in_any_store(name));
        index.ok_or_else(|| CommandError::NoTarget { target: name.to_owned() })
    }

    /// The file with this name.
    pub fn find_file(&self, name: &str) -> Option<usize> {
        // Few targets have `.` or `..` in their names.
        let is_same = |target: Target<'_>| self.is_file(target) && *simplify(target.name()) == *name;
        let index = self.find_in_store(0, name);
        index.or_else(|| self.targets.iter().position(is_same))
    }

    /// The target with this name, in whatever store.
    pub fn find_in_any_store(&self, name: &str) -> Option<usize> {
        (0..self.stores.len()).find_map(|store| self.find_in_store(store, name))
    }
}

/// Where a target lies, wherever links lead on the way there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// In the project's directory.
    Inside,
    Outside,
    /// It is the project's directory, or that one is in it; or it is the journal, or in it.
    Protected,
}

/// The project's directory, as what lies within it is told from what does not.
pub struct Bounds<'p> {
    project: &'p Project,
    root: PathBuf,
    journal: PathBuf,
    /// Where the directories of targets are.
    directories: HashMap<PathBuf, PathBuf>,
}

impl<'p> Bounds<'p> {
    pub fn new(project: &'p Project) -> Self {
        let (root, journal) = (resolve_links(&project.root), resolve_links(&project.journal));
        Bounds { project, root, journal, directories: HashMap::new() }
    }

    pub fn find_zone(&mut self, target: Target<'_>) -> Zone {
        let path = match self.project.address(target).strip_prefix(SqliteStore::SCHEME) {
            Some(database) => self.project.root.join(database),
            // What the flow put into a bucket is its own.
            None if url_scheme(target.name()).is_some() => return Zone::Inside,
            None if self.project.is_file(target) => self.project.root.join(target.name()),
            // Of stores of one's own nobody knows where they are.
            None => return Zone::Inside,
        };
        let (Some(name), Some(directory)) = (path.file_name(), path.parent()) else { return Zone::Protected };
        let directory = self.directories.entry(directory.to_owned()).or_insert_with(|| resolve_links(directory));
        // What a link leads to is not removed, but the link.
        let path = directory.join(name);
        if self.root.starts_with(&path) || self.journal.starts_with(&path) || path.starts_with(&self.journal) {
            return Zone::Protected;
        }
        if path.starts_with(&self.root) { Zone::Inside } else { Zone::Outside }
    }
}

/// A target's name without `.` and `..`.
pub fn simplify(name: &str) -> Cow<'_, str> {
    let is_simple = |part: &str| !matches!(part, "" | "." | "..");
    if url_scheme(name).is_some() || name.strip_prefix('/').unwrap_or(name).split('/').all(is_simple) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(normalize(Path::new(name)).to_string_lossy().into_owned())
}

/// Where the path leads, as far as it exists.
fn resolve_links(path: &Path) -> PathBuf {
    let mut rest = PathBuf::new();
    for there in path.ancestors() {
        if let Ok(there) = fs::canonicalize(there) {
            return normalize(&there.join(rest));
        }
        let name = there.components().next_back().map_or(PathBuf::new(), |name| PathBuf::from(name.as_os_str()));
        rest = if rest.as_os_str().is_empty() { name } else { name.join(rest) };
    }
    normalize(path)
}
