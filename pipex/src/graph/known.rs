//! Types of which more is known than serde tells: paths, and sets.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Types of which more is known than serde tells.
pub trait Known {
    /// Whether elements are the same in any order.
    #[doc(hidden)]
    const UNORDERED: bool = false;

    #[doc(hidden)]
    fn each_path(&self, path: &mut dyn FnMut(&Path)) {
        let _ = path;
    }
}

impl Known for Path {
    fn each_path(&self, path: &mut dyn FnMut(&Path)) {
        path(self);
    }
}

impl Known for PathBuf {
    fn each_path(&self, path: &mut dyn FnMut(&Path)) {
        path(self);
    }
}

impl<K: Known> Known for [K] {
    const UNORDERED: bool = K::UNORDERED;

    fn each_path(&self, path: &mut dyn FnMut(&Path)) {
        self.iter().for_each(|one| one.each_path(path));
    }
}

impl<K: Known> Known for Vec<K> {
    const UNORDERED: bool = K::UNORDERED;

    fn each_path(&self, path: &mut dyn FnMut(&Path)) {
        self[..].each_path(path);
    }
}

impl<K: Known> Known for Option<K> {
    const UNORDERED: bool = K::UNORDERED;

    fn each_path(&self, path: &mut dyn FnMut(&Path)) {
        self.iter().for_each(|one| one.each_path(path));
    }
}

impl<T, S> Known for HashSet<T, S> {
    const UNORDERED: bool = true;
}
