//! What a call takes, as one walk over its arguments has found it.

use std::sync::Arc;

use crate::graph::few::Few;
use crate::graph::node::Node;
use crate::graph::outcome::Failure;
use pipex_format::model::contents::{Content, Contents};

/// The runs that a call takes outputs of, and what lies at its inputs.
///
/// What was settled when the call was made is summed up: nothing more is to be known of it.
#[derive(Default)]
pub(crate) struct Inputs {
    /// Of those before the first that was not settled.
    settled: Contents,
    /// That one, and those after it: most calls that wait do so for one.
    unsettled_when_called: Few<Dependency>,
    /// The call runs though some of them failed.
    pub(crate) tolerates: bool,
}

/// How a call depends on an output.
#[derive(Clone, Copy)]
pub(crate) struct Edge {
    /// What lies at the output's target is one of the call's inputs.
    pub(crate) counts: bool,
    /// The call runs also if the output's run failed.
    pub(crate) tolerates: bool,
}

enum Dependency {
    /// What lies at an input.
    Content(Content),
    /// A run that had failed.
    Failed { failure: Arc<Failure>, edge: Edge },
    /// A run that had not ended, and which of its outputs it is.
    Pending { node: Arc<dyn Node>, part: u32, edge: Edge },
}

impl Edge {
    /// What counts as the content of an output whose run failed.
    fn failed(self) -> Content {
        if self.tolerates { Content::FAILED } else { Content::Unknown }
    }
}

impl Dependency {
    /// What lies there now, as far as it is known.
    fn content(&self) -> Option<Content> {
        match self {
            Dependency::Content(content) => Some(*content),
            Dependency::Failed { edge, .. } => edge.counts.then(|| edge.failed()),
            Dependency::Pending { node, part, edge } => edge.counts.then(|| match node.failure() {
                Some(_) => edge.failed(),
                None => node.content(*part as usize),
            }),
        }
    }

    /// Why its run failed, if it did, and whether that is tolerated.
    fn failure(&self) -> Option<(Arc<Failure>, bool)> {
        match self {
            Dependency::Content(_) => None,
            Dependency::Failed { failure, edge } => Some((Arc::clone(failure), edge.tolerates)),
            Dependency::Pending { node, edge, .. } => Some((Arc::clone(node.failure()?), edge.tolerates)),
        }
    }
}

impl Inputs {
    pub(crate) fn add_content(&mut self, content: Content) {
        if self.unsettled_when_called.is_empty() {
            self.settled.add(content);
        } else {
            self.unsettled_when_called.push(Dependency::Content(content));
        }
    }

    pub(crate) fn add_failure(&mut self, failure: Arc<Failure>, edge: Edge) {
        self.unsettled_when_called.push(Dependency::Failed { failure, edge });
    }

    pub(crate) fn add_pending(&mut self, node: Arc<dyn Node>, part: u32, edge: Edge) {
        self.unsettled_when_called.push(Dependency::Pending { node, part, edge });
    }

    /// Whether all runs had ended when the call was made, and well, or so that the call takes it.
    #[inline]
    pub(crate) fn were_ready(&self) -> bool {
        self.unsettled_when_called.iter().all(|input| match input {
            Dependency::Content(_) => true,
            Dependency::Failed { edge, .. } => edge.tolerates,
            Dependency::Pending { .. } => false,
        })
    }

    /// Whether all runs have ended, one way or the other.
    pub(crate) fn have_ended(&self) -> bool {
        self.unsettled_when_called.iter().all(|input| match input {
            Dependency::Pending { node, .. } => node.has_ended(),
            Dependency::Content(_) | Dependency::Failed { .. } => true,
        })
    }

    /// All runs have ended, and well enough: nothing more is to be known of them, and what is held of them goes.
    pub(crate) fn settle(&mut self) {
        if !self.unsettled_when_called.is_empty() {
            self.settled = self.contents();
            self.unsettled_when_called = Few::default();
        }
    }

    /// What lies at the inputs, as far as it is known by now.
    pub(crate) fn contents(&self) -> Contents {
        let mut contents = self.settled;
        self.unsettled_when_called.iter().filter_map(Dependency::content).for_each(|content| contents.add(content));
        contents
    }

    /// The runs that have not ended.
    pub(crate) fn unsettled(&self) -> Vec<Arc<dyn Node>> {
        let pending = self.unsettled_when_called.iter().filter_map(|input| match input {
            Dependency::Pending { node, .. } if !node.has_ended() => Some(Arc::clone(node)),
            _ => None,
        });
        pending.collect()
    }

    /// The runs that have not ended, end in any case, and may fail: what they give is to be known before it is decided whether
    /// what is there is to be taken.
    pub(crate) fn undecided(&self) -> Vec<Arc<dyn Node>> {
        let undecided = self.unsettled_when_called.iter().filter_map(|input| match input {
            Dependency::Pending { node, edge: Edge { tolerates: true, .. }, .. } if node.is_handed() => Some(node),
            _ => None,
        });
        undecided.filter(|node| !node.has_ended()).cloned().collect()
    }

    /// Why the first run of those that failed did, and was not to. What may fail has been asked about.
    pub(crate) fn failure(&self) -> Option<Arc<Failure>> {
        self.unsettled_when_called.iter().filter_map(Dependency::failure).find_map(|(failure, tolerated)| {
            if tolerated {
                failure.ask();
                return None;
            }
            Some(failure)
        })
    }
}
