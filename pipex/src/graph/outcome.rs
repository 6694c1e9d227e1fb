//! What is known of a task run: what it was called, where its output is, what came of it.

use std::num::NonZeroU64;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use crate::graph::make;
use pipex_format::model::error::Error;
use pipex_format::model::name::Name;
use pipex_format::model::task::Task;

/// The `path` and `base` that a call had, for the calls that take its output, and which run it is.
#[derive(Clone, Default)]
pub struct Label {
    pub(crate) path: Option<Arc<str>>,
    pub(crate) base: Option<Arc<str>>,
    /// The run that makes the output; a value that was given has none.
    pub(crate) maker: Option<Maker>,
    /// It takes what `PROGRAM pipex make` was asked to make last.
    pub(crate) is_behind: bool,
}

/// A run that makes an output.
#[derive(Clone, Copy)]
pub(crate) struct Maker {
    pub(crate) task: &'static Task,
    /// What tells it from all other runs of this process: never 0.
    pub(crate) number: NonZeroU64,
}

impl Maker {
    /// The next run, of this task.
    pub(crate) fn next(task: &'static Task) -> Self {
        Maker { task, number: number() }
    }
}

/// The number of the next run, of a task or a flow.
pub(crate) fn number() -> NonZeroU64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NonZeroU64::new(NEXT.fetch_add(1, Ordering::Relaxed)).unwrap_or(NonZeroU64::MIN)
}

impl Label {
    /// Of a call that was given these.
    #[inline]
    pub(crate) fn new(path: Option<Arc<str>>, base: Option<Arc<str>>) -> Self {
        Label { path, base, maker: None, is_behind: false }
    }

    /// The name of a run that has this label.
    pub(crate) fn name(&self, given: Option<Arc<str>>) -> Name {
        Name { given, base: self.base.clone() }
    }

    pub(crate) fn inherit(&mut self, other: &Label, base: bool) {
        if self.path.is_none() {
            self.path.clone_from(&other.path);
        }
        if base && self.base.is_none() {
            self.base.clone_from(&other.base);
        }
        self.is_behind |= other.is_behind || other.maker.is_some_and(|maker| make::is_last(maker.task));
    }
}

/// A path as it stands in a target. What is not UTF-8 becomes a character that no target may have, and is refused there.
pub(crate) fn path_text(path: &Path) -> Arc<str> {
    path.to_string_lossy().into()
}

/// What a task run gave, whatever its type.
#[derive(Clone, Copy)]
pub(crate) enum Produced {
    /// Its value, which its call has: nothing was saved, or the function saved its own output.
    Value,
    /// It is at its place.
    Saved,
    /// Nothing: it would have run.
    Nothing,
}

/// What a task run gave, or why it gave nothing.
pub(crate) type Outcome = Result<Produced, Arc<Failure>>;

/// A task run that has ended.
pub struct Ended {
    pub(crate) label: Label,
    pub(crate) outcome: Outcome,
}

/// What came of one attempt: an end, or how long to wait before the next.
pub(crate) enum Attempt {
    Ended(Outcome),
    Again(Duration),
}

/// An error that an output keeps until it is asked for.
pub struct Failure {
    error: Error,
    asked: AtomicBool,
    /// The failure for which it did not even run: who hears of this one hears of that one.
    root: Option<Arc<Failure>>,
    ran: bool,
}

impl Failure {
    /// Of a run that ran, or tried to.
    pub(crate) fn new(error: Error) -> Arc<Self> {
        Arc::new(Failure { error, asked: AtomicBool::new(false), root: None, ran: true })
    }

    /// Of a run that did not run, since another's failed or its flow run was cancelled.
    pub(crate) fn skipped(error: Error, root: Option<Arc<Failure>>) -> Arc<Self> {
        Arc::new(Failure { error, asked: AtomicBool::new(false), root, ran: false })
    }

    /// Where the failure began. Through a long chain of runs that did not run, this is the one that tells why.
    pub(crate) fn root(self: &Arc<Self>) -> &Arc<Self> {
        self.root.as_ref().unwrap_or(self)
    }

    pub(crate) fn error(&self) -> &Error {
        &self.error
    }

    pub(crate) fn ran(&self) -> bool {
        self.ran
    }

    pub(crate) fn unasked(&self) -> Option<&Error> {
        (!self.asked.load(Ordering::Relaxed)).then_some(&self.error)
    }

    pub(crate) fn ask(&self) -> Error {
        self.asked.store(true, Ordering::Relaxed);
        if let Some(root) = &self.root {
            root.asked.store(true, Ordering::Relaxed);
        }
        self.error.clone()
    }
}
