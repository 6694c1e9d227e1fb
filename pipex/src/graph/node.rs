//! Task runs as the graph knows them.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use crate::graph::outcome::{Failure, Label};
use pipex_format::model::contents::Content;
use pipex_format::model::resources::Resources;
use pipex_format::model::task::Task;

/// A run that may not have ended, its type forgotten.
pub trait Node: Send + Sync {
    fn task(&self) -> &'static Task;
    fn label(&self) -> &Label;
    /// What it needs while it runs, once its executor is to give it room for that.
    fn needs(&self) -> Option<Resources>;
    /// How it ended, if it has.
    fn ended(&self) -> Option<Result<(), &Arc<Failure>>>;
    fn has_ended(&self) -> bool {
        self.ended().is_some()
    }
    /// Why it failed, if it has.
    fn failure(&self) -> Option<&Arc<Failure>> {
        self.ended()?.err()
    }
    /// Whether it ended in a dry run: it would have run.
    fn is_dry(&self) -> bool;
    /// What lies where its output, or this one of several, is to be, as far as it is known.
    fn content(&self, part: usize) -> Content;
    /// Whether an executor has it, so that it ends in any case.
    fn is_handed(&self) -> bool;
    /// Whether it need not run, since its target is there; then it has ended.
    fn is_there(self: Arc<Self>) -> bool;
    /// The runs it needs that have not ended.
    fn inputs(&self) -> Vec<Arc<dyn Node>>;
    /// Those of them that end in any case: what they give decides whether this has to run.
    fn handed_inputs(&self) -> Vec<Arc<dyn Node>> {
        let mut inputs = self.inputs();
        inputs.retain(|input| input.is_handed());
        inputs
    }
    /// Runs it here, or waits for whoever does; its inputs have ended.
    fn run(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;

    /// Hands it to its executor, if it has one and nobody has yet. Whether an executor has it now.
    fn hand_over(self: Arc<Self>) -> bool;
    /// What the executor calls: runs it, unless it has to wait for its inputs.
    fn execute(self: Arc<Self>) -> Pin<Box<dyn Future<Output = ()> + Send>>;
    /// The executor has dropped it.
    fn abandon(self: Arc<Self>);
    /// Has `dependent` told when this one ends; false if it has ended.
    fn subscribe(&self, dependent: &Arc<dyn Node>) -> bool;
    /// One of its inputs has ended.
    fn input_ended(self: Arc<Self>);
    fn poll_ended(&self, context: &mut std::task::Context<'_>) -> Poll<()>;
}
