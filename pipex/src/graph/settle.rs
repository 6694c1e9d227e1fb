//! Waiting for runs: where an executor has them, and where they have to be run here.

use std::cell::Cell;
use std::future::poll_fn;
use std::sync::Arc;

use crate::graph::node::Node;
use crate::runtime::sync::thread_local;

/// What is to be done next about a run.
enum Step {
    /// What an executor has of its inputs goes first.
    Handed,
    /// It is to be seen whether it has to run.
    Due,
    Run,
}

/// Within what something is called, or asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    /// No run.
    Flow,
    /// A run, which has a worker.
    Run,
    /// A run that has, or is within one that has, what others may wait for besides workers.
    HoldingRun,
}

thread_local! {
    static WITHIN: Cell<Within> = const { Cell::new(Within::Flow) };
}

/// From now on this is within that; what it was before.
pub(crate) fn set_within(within: Within) -> Within {
    WITHIN.replace(within)
}

/// Within what this is.
pub(crate) fn within() -> Within {
    WITHIN.get()
}

/// Whether this is within a run: what is waited for here runs here.
pub(crate) fn is_in_run() -> bool {
    within() != Within::Flow
}

/// Sees to it that the runs end. In a flow's body their executor runs them; within a run, and where there is no executor,
/// they run here, so that what waits never keeps what it waits for from running.
pub(crate) async fn settle(nodes: Vec<Arc<dyn Node>>) {
    if is_in_run() {
        return settle_here(nodes).await;
    }
    let mut handed = Vec::with_capacity(nodes.len());
    let mut here = Vec::new();
    for node in nodes {
        if Arc::clone(&node).hand_over() { handed.push(node) } else { here.push(node) }
    }
    settle_here(here).await;
    for node in handed {
        poll_fn(|context| node.poll_ended(context)).await;
    }
}

/// Runs them, and before each those that it needs: without recursion, so that a chain can be of any length, and without a
/// look at what is upstream of a target that is there.
pub(crate) async fn settle_here(nodes: Vec<Arc<dyn Node>>) {
    let mut stack: Vec<_> = nodes.into_iter().map(|node| (node, Step::Handed)).collect();
    while let Some((node, stage)) = stack.pop() {
        if node.has_ended() {
            continue;
        }
        let (inputs, next) = match stage {
            Step::Handed => (node.handed_inputs(), Step::Due),
            Step::Due if Arc::clone(&node).is_there() => continue,
            Step::Due => (node.inputs(), Step::Run),
            Step::Run => {
                node.run().await;
                continue;
            }
        };
        stack.push((node, next));
        stack.extend(inputs.into_iter().map(|input| (input, Step::Handed)));
    }
}
