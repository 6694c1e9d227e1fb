//! Where runs are called, as far as the graph asks: who runs them, and who counts them.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Weak};

use tokio_util::sync::CancellationToken;

use crate::graph::node::Node;
use crate::graph::outcome::Failure;
use crate::graph::settle::Within;
use crate::runtime::block_on;
use pipex_format::model::resources::Resources;
use pipex_format::model::task::Task;

/// Where a run was called.
pub(crate) trait Host: Send + Sync {
    /// Whether there is an executor here, which runs what it is handed.
    fn has_executor(&self) -> bool;

    /// Hands the executor a run.
    fn submit(&self, ready: Ready);

    /// Waits for room for a run of `task` that happens where it is asked for: within that.
    fn admit(
        &self,
        task: &'static Task,
        needs: Resources,
        within: Within,
    ) -> Pin<Box<dyn Future<Output = Permit> + Send>>;

    /// A run was submitted: it counts until it has ended.
    fn count_submitted(&self, node: &dyn Fn() -> Weak<dyn Node>);

    /// One that was submitted has failed. It has not ended before all that wait for it know.
    fn count_failed(&self, failure: Arc<Failure>);

    /// One that was submitted has ended.
    fn count_ended(&self);

    /// Whether no more runs start.
    fn is_cancelled(&self) -> bool;

    /// What says so to those who wait.
    fn cancellation(&self) -> Option<&CancellationToken>;
}

/// A run that can run.
pub struct Ready {
    node: Option<Arc<dyn Node>>,
    pub(crate) first: bool,
}

impl Ready {
    /// A run of which nothing is known yet: whether its target is there, what it waits for.
    pub(crate) fn first(node: Arc<dyn Node>) -> Self {
        Ready { node: Some(node), first: true }
    }

    /// A run whose inputs have ended, that is tried again, or of which it is known what it needs.
    pub(crate) fn again(node: Arc<dyn Node>) -> Self {
        Ready { node: Some(node), first: false }
    }

    fn node(&self) -> &Arc<dyn Node> {
        self.node.as_ref().expect("only `run` takes it, and takes all")
    }

    /// The task function.
    #[must_use]
    pub fn task(&self) -> &'static Task {
        self.node().task()
    }

    /// What it needs while it [runs](Ready::run).
    #[must_use]
    pub fn needs(&self) -> Resources {
        self.measured().unwrap_or_default()
    }

    /// The same, if that is known; until then it only finds out whether it has to run, and takes no place under its tags.
    pub(crate) fn measured(&self) -> Option<Resources> {
        self.node().needs()
    }

    /// Runs it, as far as it goes: a run that turns out to wait for others, for its next attempt, or to [need](Ready::needs) more
    /// than a thread, is handed to its executor again when that has come. Polling may block.
    pub fn run(mut self) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let node = self.node.take().expect("only `run` takes it, and takes all");
        node.execute()
    }

    /// Runs it on this thread.
    pub fn run_here(self) {
        block_on(self.run());
    }
}

impl Drop for Ready {
    fn drop(&mut self) {
        if let Some(node) = self.node.take() {
            node.abandon();
        }
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").field("task", &self.task().funcname).finish()
    }
}

/// Room for a run, given back when it is dropped.
#[derive(Default)]
#[must_use = "the room is given back when this is dropped"]
pub struct Permit(Option<Box<dyn FnOnce() + Send>>);

impl Permit {
    /// One that calls `give_back` when it is dropped.
    pub fn new(give_back: impl FnOnce() + Send + 'static) -> Self {
        Permit(Some(Box::new(give_back)))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(give_back) = self.0.take() {
            give_back();
        }
    }
}

impl fmt::Debug for Permit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Permit")
    }
}
