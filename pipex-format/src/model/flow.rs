//! The static description of a flow function, written by `#[flow]`.

use super::stale::Stale;

/// The static description of a flow function, written by `#[flow]`.
#[derive(Debug)]
#[non_exhaustive]
pub struct Flow {
    /// The flow's name: the function's, or what `name = ".."` says.
    pub name: &'static str,
    /// The path of its module.
    pub module: &'static str,
    /// The file it is written in.
    pub file: &'static str,
    /// The line it is written on.
    pub line: u32,
    /// The version of its package.
    pub package: Option<&'static str>,
    /// What is to be done with stale outputs of its tasks, if the flow says it.
    pub stale: Option<Stale>,
    /// Whether the first failure cancels what has not started.
    pub fail_fast: bool,
}

impl Flow {
    #[doc(hidden)]
    #[must_use]
    pub const fn new(name: &'static str, module: &'static str, file: &'static str, line: u32) -> Self {
        Flow { name, module, file, line, package: None, stale: None, fail_fast: false }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn package(mut self, version: Option<&'static str>) -> Self {
        self.package = version;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn stale(mut self, stale: Stale) -> Self {
        self.stale = Some(stale);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn fail_fast(mut self) -> Self {
        self.fail_fast = true;
        self
    }
}
