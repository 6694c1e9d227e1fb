//! Types of which more is known than serde tells: paths, sets, and values that are all in their text.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// Types of which more is known than serde tells.
pub trait Known {
    /// Whether elements are the same in any order.
    #[doc(hidden)]
    const UNORDERED: bool = false;

    /// Whether the text of a value, or of each in it, tells it from all others of the type, and there are no paths in it.
    #[doc(hidden)]
    const PLAIN: bool = false;

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
        if !K::PLAIN {
            self.iter().for_each(|one| one.each_path(path));
        }
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
    const PLAIN: bool = K::PLAIN;

    fn each_path(&self, path: &mut dyn FnMut(&Path)) {
        self.iter().for_each(|one| one.each_path(path));
    }
}

impl<T, S> Known for HashSet<T, S> {
    const UNORDERED: bool = true;
}

macro_rules! plain {
    ($($type:ty),*) => {$(
        impl Known for $type {
            const PLAIN: bool = true;
        }
    )*};
}
plain!(bool, char, str, &str, String, f32, f64);
plain!(i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize);
