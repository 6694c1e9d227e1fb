//! The static description of a task function, written by `#[task]`.

use std::time::Duration;

use super::fingerprint::Fingerprint;
use super::resources::Resources;
use super::retry::RetryDelay;
use super::stale::Stale;
use super::target::Template;

/// The code of a task function, or of a helper.
#[doc(hidden)]
#[derive(Debug, Clone, Copy)]
pub struct Code {
    pub name: &'static str,
    /// Of its tokens, its `version` and the helpers that it names.
    pub fingerprint: Fingerprint,
    pub text: &'static str,
    /// The helpers that it names.
    pub uses: &'static [&'static Code],
}

impl Code {
    #[must_use]
    pub const fn new(name: &'static str, own: u128, text: &'static str, uses: &'static [&'static Code]) -> Self {
        let mut fingerprint = Fingerprint::new(own);
        let mut place = 0;
        while place < uses.len() {
            fingerprint = fingerprint.constant_then(uses[place].fingerprint);
            place += 1;
        }
        Code { name, fingerprint, text, uses }
    }

    /// The helpers that it names, and those that they name, each once.
    pub fn helpers(&self) -> Vec<&'static Code> {
        let mut helpers: Vec<&'static Code> = Vec::new();
        let mut next = self.uses.to_vec();
        while let Some(helper) = next.pop() {
            if !helpers.iter().any(|known| known.fingerprint == helper.fingerprint && known.name == helper.name) {
                helpers.push(helper);
                next.extend(helper.uses);
            }
        }
        helpers
    }
}

/// What is known of a task function when it is compiled.
#[derive(Debug)]
#[non_exhaustive]
pub struct Task {
    /// The function's name: `clean`.
    pub funcname: &'static str,
    /// The path of its module: `weather::steps`.
    pub module: &'static str,
    /// The file it is written in.
    pub file: &'static str,
    /// The line it is written on.
    pub line: u32,
    /// The version of its package.
    pub package: Option<&'static str>,
    /// The names of its parameters, but for the one marked `#[target]`.
    pub parameters: &'static [&'static str],
    #[doc(hidden)]
    pub target: Template,
    /// Those of its other outputs.
    #[doc(hidden)]
    pub more_targets: &'static [Template],
    #[doc(hidden)]
    pub name: Option<Template>,
    /// The fingerprint of the function's tokens, its `version` and its helpers: comments and formatting do not change it.
    pub code: Fingerprint,
    #[doc(hidden)]
    pub source: Code,
    /// What is to be done with stale outputs, if the task says it.
    pub stale: Option<Stale>,
    /// Whether a parameter is marked `#[target]`.
    #[doc(hidden)]
    pub wants_target: bool,
    /// Whether the function's value is saved; a function with `save = false` saves its own output.
    pub saves: bool,
    /// How often a failed run is tried again, where an executor runs it.
    pub retries: u32,
    /// How long to wait before a failed run is tried again.
    pub retry_delay: RetryDelay,
    /// How long a run may take.
    pub timeout: Option<Duration>,
    /// Whether it may run in another process: `#[task(remote)]`.
    pub remote: bool,
    /// Whether its store is none that every process knows.
    #[doc(hidden)]
    pub has_a_store_of_its_own: bool,
    /// What a run of it needs, as far as that is known when it is compiled.
    pub resources: Resources,
    /// Whether what a run needs is computed from its arguments.
    #[doc(hidden)]
    pub measures: bool,
    /// Its tags: limits on how many run at a time go by them, see `Local::limit`.
    pub tags: &'static [&'static str],
}

impl Task {
    /// Its name among all: `weather::steps::clean`.
    #[must_use]
    pub fn full_name(&self) -> String {
        format!("{}::{}", self.module, self.funcname)
    }

    /// Whether its runs hold what others may have to wait for, besides workers: memory, GPUs, a tag.
    #[doc(hidden)]
    #[must_use]
    pub const fn is_limited(&self) -> bool {
        self.measures || !self.resources.threads(0).is_plain() || !self.tags.is_empty()
    }

    /// Whether its runs need one worker, and nothing else.
    #[doc(hidden)]
    #[must_use]
    pub const fn is_plain(&self) -> bool {
        !self.is_limited() && self.resources.is_plain()
    }

    /// The description that `#[task]` fills in.
    #[doc(hidden)]
    #[must_use]
    pub const fn new(
        funcname: &'static str,
        module: &'static str,
        file: &'static str,
        line: u32,
        target: Template,
    ) -> Self {
        let source = Code::new(funcname, 0, "", &[]);
        Task {
            funcname,
            module,
            file,
            line,
            package: None,
            parameters: &[],
            target,
            more_targets: &[],
            name: None,
            code: source.fingerprint,
            source,
            stale: None,
            wants_target: false,
            saves: true,
            retries: 0,
            retry_delay: RetryDelay::Same(Duration::ZERO),
            timeout: None,
            remote: false,
            has_a_store_of_its_own: false,
            resources: Resources::new(),
            measures: false,
            tags: &[],
        }
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn code(mut self, code: Code) -> Self {
        (self.code, self.source) = (code.fingerprint, code);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn more_targets(mut self, targets: &'static [Template]) -> Self {
        self.more_targets = targets;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn package(mut self, version: Option<&'static str>) -> Self {
        self.package = version;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn parameters(mut self, parameters: &'static [&'static str]) -> Self {
        self.parameters = parameters;
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
    pub const fn name(mut self, name: Template) -> Self {
        self.name = Some(name);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn wants_target(mut self) -> Self {
        self.wants_target = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn saves_its_own(mut self) -> Self {
        self.saves = false;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn retry_delay(mut self, delay: RetryDelay) -> Self {
        self.retry_delay = delay;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn timeout(mut self, limit: Duration) -> Self {
        self.timeout = Some(limit);
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn remote(mut self) -> Self {
        self.remote = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn has_a_store_of_its_own(mut self) -> Self {
        self.has_a_store_of_its_own = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn resources(mut self, resources: Resources) -> Self {
        self.resources = resources;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn measures(mut self) -> Self {
        self.measures = true;
        self
    }

    #[doc(hidden)]
    #[must_use]
    pub const fn tags(mut self, tags: &'static [&'static str]) -> Self {
        self.tags = tags;
        self
    }
}
