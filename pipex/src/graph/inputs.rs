//! What a call takes, as one walk over its arguments has found it.

use std::sync::Arc;

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
    first: Option<Dependency>,
    rest: Vec<Dependency>,
}

enum Dependency {
    /// What lies at an input.
    Content(Content),
    /// A run that had failed. Its output `counts` if it lies at an input.
    Failed { failure: Arc<Failure>, counts: bool },
    /// A run that had not ended.
    Pending { node: Arc<dyn Node>, counts: bool },
}

impl Dependency {
    /// What lies there now, as far as it is known.
    fn content(&self) -> Option<Content> {
        match self {
            Dependency::Content(content) => Some(*content),
            Dependency::Failed { counts, .. } => counts.then_some(Content::Unknown),
            Dependency::Pending { node, counts } => counts.then(|| node.content()),
        }
    }
}

impl Inputs {
    pub(crate) fn add_content(&mut self, content: Content) {
        if self.first.is_none() {
            self.settled.add(content);
        } else {
            self.add(Dependency::Content(content));
        }
    }

    pub(crate) fn add_failure(&mut self, failure: Arc<Failure>, counts: bool) {
        self.add(Dependency::Failed { failure, counts });
    }

    pub(crate) fn add_pending(&mut self, node: Arc<dyn Node>, counts: bool) {
        self.add(Dependency::Pending { node, counts });
    }

    fn add(&mut self, dependency: Dependency) {
        match self.first {
            None => self.first = Some(dependency),
            Some(_) => self.rest.push(dependency),
        }
    }

    fn unsettled_when_called(&self) -> impl Iterator<Item = &Dependency> {
        self.first.iter().chain(&self.rest)
    }

    /// Whether all runs had ended well when the call was made.
    #[inline]
    pub(crate) fn were_ready(&self) -> bool {
        self.unsettled_when_called().all(|input| matches!(input, Dependency::Content(_)))
    }

    /// All runs have ended, and well: nothing more is to be known of them, and what is held of them goes.
    pub(crate) fn settle(&mut self) {
        if self.first.is_some() {
            self.settled = self.contents();
            (self.first, self.rest) = (None, Vec::new());
        }
    }

    /// What lies at the inputs, as far as it is known by now.
    pub(crate) fn contents(&self) -> Contents {
        let mut contents = self.settled;
        self.unsettled_when_called().filter_map(Dependency::content).for_each(|content| contents.add(content));
        contents
    }

    /// The runs that have not ended.
    pub(crate) fn unsettled(&self) -> Vec<Arc<dyn Node>> {
        let pending = self.unsettled_when_called().filter_map(|input| match input {
            Dependency::Pending { node, .. } if !node.has_ended() => Some(Arc::clone(node)),
            _ => None,
        });
        pending.collect()
    }

    /// Why the first run of those that failed did.
    pub(crate) fn failure(&self) -> Option<Arc<Failure>> {
        self.unsettled_when_called().find_map(|input| match input {
            Dependency::Content(_) => None,
            Dependency::Failed { failure, .. } => Some(Arc::clone(failure)),
            Dependency::Pending { node, .. } => node.failure(),
        })
    }
}
