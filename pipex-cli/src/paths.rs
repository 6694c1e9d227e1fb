//! From what is typed in a shell to names in the journal, and back.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fs;
use std::path::{Component, Path, PathBuf};

use pipex::SqliteStore;

use crate::Error;
use crate::project::{Project, Target};

impl Project {
    /// The name in the journal of a path that was given where the command was called.
    pub fn name_of(&self, path: &str) -> String {
        let path = normalized(&self.here.join(path));
        if let Ok(within) = path.strip_prefix(&self.root) {
            return within.to_string_lossy().into_owned();
        }
        // The way there may go through links, as that to a home directory does.
        let real = real(&path);
        real.strip_prefix(&self.root).map_or(path.to_string_lossy(), Path::to_string_lossy).into_owned()
    }

    /// The target's name for people, so that it can be given to another command: relative to where the command was called.
    pub fn shown<'t>(&self, target: &'t Target) -> Cow<'t, str> {
        if !self.is_file(target) {
            return Cow::Borrowed(&target.name);
        }
        self.shown_path(&target.name)
    }

    /// The same of a target that is known by its name alone.
    pub fn shown_name<'t>(&self, name: &'t str) -> Cow<'t, str> {
        if self.stores[0].places.contains_key(name) { self.shown_path(name) } else { Cow::Borrowed(name) }
    }

    /// The same of a path that is named from where the journal is.
    pub fn shown_path<'t>(&self, name: &'t str) -> Cow<'t, str> {
        if self.here == self.root {
            return Cow::Borrowed(name);
        }
        let path = normalized(&self.root.join(name));
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
    pub fn named(&self, name: &str) -> Result<usize, Error> {
        let place = self.file(&self.name_of(name)).or_else(|| self.anywhere(name));
        place.ok_or_else(|| Error::NoTarget { target: name.to_owned() })
    }

    /// The file with this name.
    pub fn file(&self, name: &str) -> Option<usize> {
        // Few targets have `.` or `..` in their names.
        let is_same = |target: &Target| self.is_file(target) && *simple(&target.name) == *name;
        let place = self.stores[0].places.get(name).map(|place| *place as usize);
        place.or_else(|| self.targets.iter().position(is_same))
    }

    /// The target with this name, in whatever store.
    pub fn anywhere(&self, name: &str) -> Option<usize> {
        self.stores.iter().find_map(|store| store.places.get(name)).map(|place| *place as usize)
    }
}

/// Where a target lies, wherever links lead on the way there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// In the project's directory.
    Inside,
    Outside,
    /// It is the project's directory, or that one is in it; or it is the journal, or in it.
    Ours,
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
        let (root, journal) = (real(&project.root), real(&project.journal));
        Bounds { project, root, journal, directories: HashMap::new() }
    }

    pub fn locate(&mut self, target: &Target) -> Where {
        let path = match self.project.address(target).strip_prefix(SqliteStore::SCHEME) {
            Some(database) => self.project.root.join(database),
            None if self.project.is_file(target) => self.project.root.join(&*target.name),
            // Of stores of one's own nobody knows where they are.
            None => return Where::Inside,
        };
        let (Some(name), Some(directory)) = (path.file_name(), path.parent()) else { return Where::Ours };
        let directory = self.directories.entry(directory.to_owned()).or_insert_with(|| real(directory));
        // What a link leads to is not removed, but the link.
        let path = directory.join(name);
        if self.root.starts_with(&path) || self.journal.starts_with(&path) || path.starts_with(&self.journal) {
            return Where::Ours;
        }
        if path.starts_with(&self.root) { Where::Inside } else { Where::Outside }
    }
}

/// A target's name without `.` and `..`.
pub fn simple(name: &str) -> Cow<'_, str> {
    let is_simple = |part: &str| !matches!(part, "" | "." | "..");
    if name.strip_prefix('/').unwrap_or(name).split('/').all(is_simple) {
        return Cow::Borrowed(name);
    }
    Cow::Owned(normalized(Path::new(name)).to_string_lossy().into_owned())
}

/// The path without `.` and `..`, as a shell would take it.
pub fn normalized(path: &Path) -> PathBuf {
    let mut normalized = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            // Above the beginning of a relative path there is something, too.
            Component::ParentDir if !normalized.pop() && !path.is_absolute() => normalized.push(".."),
            Component::ParentDir => {}
            component => normalized.push(component),
        }
    }
    normalized
}

/// Where the path leads, as far as it exists.
fn real(path: &Path) -> PathBuf {
    let mut rest = PathBuf::new();
    for there in path.ancestors() {
        if let Ok(there) = fs::canonicalize(there) {
            return normalized(&there.join(rest));
        }
        let name = there.components().next_back().map_or(PathBuf::new(), |name| PathBuf::from(name.as_os_str()));
        rest = if rest.as_os_str().is_empty() { name } else { name.join(rest) };
    }
    normalized(path)
}
