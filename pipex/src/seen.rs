//! What the arguments of a call say of themselves: the edges to other runs, and their fingerprint.

use std::fmt::{Debug, Write};
use std::hash::Hash;
use std::sync::Arc;

use serde::Serialize;

use crate::fingerprint::{Fingerprint, Hasher};
use crate::later::Node;
use crate::output::Output;
use crate::run::{Failure, Label};

/// Collects, in one walk over the arguments of a call, what is asked for.
pub struct Seen<'s>(Want<'s>);

enum Want<'s> {
    /// Where the call inherits its path and base from.
    Label { label: &'s mut Label, waits: &'s mut bool },
    /// Why the first of those that failed did.
    Failure(&'s mut Option<Arc<Failure>>),
    /// What tells this call's arguments from another's.
    Fingerprint(&'s mut Hasher),
    /// The outputs that have not ended.
    Unsettled(&'s mut Vec<Arc<dyn Node>>),
}

impl<'s> Seen<'s> {
    /// Fills what `label` lacks: the path of the first output that has one, the base of the first that passes one on. Says
    /// in `waits` whether a run has yet to end, or failed.
    pub(crate) fn label(label: &'s mut Label, waits: &'s mut bool) -> Self {
        Seen(Want::Label { label, waits })
    }

    pub(crate) fn failure(failure: &'s mut Option<Arc<Failure>>) -> Self {
        Seen(Want::Failure(failure))
    }

    pub(crate) fn fingerprint(hasher: &'s mut Hasher) -> Self {
        Seen(Want::Fingerprint(hasher))
    }

    pub(crate) fn unsettled(nodes: &'s mut Vec<Arc<dyn Node>>) -> Self {
        Seen(Want::Unsettled(nodes))
    }

    /// An output among the arguments; its data, if they are what its fingerprint is to be taken of.
    pub(crate) fn output<'o, T>(&mut self, output: &'o Output<T>, passes_base: bool) -> Option<&'o T> {
        match &mut self.0 {
            Want::Label { label, waits } => {
                label.inherit(output.label(), passes_base);
                **waits |= !output.ended_well();
                None
            }
            Want::Failure(failure) => {
                if failure.is_none() {
                    **failure = output.failure().cloned();
                }
                None
            }
            Want::Fingerprint(hasher) => match output.location() {
                Some(location) => {
                    hasher.text(location.as_str());
                    None
                }
                None => output.peek(),
            },
            Want::Unsettled(nodes) => {
                nodes.extend(output.unsettled());
                None
            }
        }
    }

    fn hasher(&mut self) -> Option<&mut Hasher> {
        match &mut self.0 {
            Want::Fingerprint(hasher) => Some(hasher),
            _ => None,
        }
    }
}

/// An argument, however it was given.
pub trait Argument {
    /// What the parameter is, or refers to.
    type Content: ?Sized;

    /// Shows its outputs; what is to be fingerprinted by content comes back.
    fn visit(&self, seen: &mut Seen<'_>) -> Option<&Self::Content>;
}

/// Looks at an argument as well as its type allows: `(&&&&Probe(&argument)).look(seen)` finds the first of the traits below
/// that applies, since method look-up takes off one reference after the other.
pub struct Probe<'p, A>(pub &'p A);

impl<A> Clone for Probe<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A> Copy for Probe<'_, A> {}

/// A parameter that is declared as outputs: it is taken as a value, and yet makes edges.
pub trait ByOutput {
    #[doc(hidden)]
    fn look(&self, seen: &mut Seen<'_>);
}

/// Outputs, whole: `Output<T>` and collections of it.
pub trait Outputs {
    #[doc(hidden)]
    fn visit(&self, seen: &mut Seen<'_>);
}

impl<T> Outputs for Output<T> {
    fn visit(&self, seen: &mut Seen<'_>) {
        seen.output(self, true);
    }
}

impl<T, const N: usize> Outputs for [Output<T>; N] {
    fn visit(&self, seen: &mut Seen<'_>) {
        self[..].visit(seen);
    }
}

impl<T> Outputs for [Output<T>] {
    fn visit(&self, seen: &mut Seen<'_>) {
        for output in self {
            seen.output(output, false);
        }
    }
}

impl<T> Outputs for Vec<Output<T>> {
    fn visit(&self, seen: &mut Seen<'_>) {
        self[..].visit(seen);
    }
}

impl<T> Outputs for Option<Output<T>> {
    fn visit(&self, seen: &mut Seen<'_>) {
        if let Some(output) = self {
            output.visit(seen);
        }
    }
}

impl<A: Argument<Content: Outputs>> ByOutput for &&&Probe<'_, A> {
    fn look(&self, seen: &mut Seen<'_>) {
        if let Some(outputs) = self.0.visit(seen) {
            outputs.visit(seen);
        }
    }
}

/// A type that serde knows: by content, the same in every process.
pub trait BySerialize {
    #[doc(hidden)]
    fn look(&self, seen: &mut Seen<'_>);
}

impl<A: Argument<Content: Serialize>> BySerialize for &&Probe<'_, A> {
    fn look(&self, seen: &mut Seen<'_>) {
        let content = self.0.visit(seen);
        if let (Some(content), Some(hasher)) = (content, seen.hasher()) {
            hasher.serialize(content);
        }
    }
}

/// A type that can be hashed.
pub trait ByHash {
    #[doc(hidden)]
    fn look(&self, seen: &mut Seen<'_>);
}

impl<A: Argument<Content: Hash>> ByHash for &Probe<'_, A> {
    fn look(&self, seen: &mut Seen<'_>) {
        let content = self.0.visit(seen);
        if let (Some(content), Some(hasher)) = (content, seen.hasher()) {
            content.hash(hasher);
        }
    }
}

/// A type that shows its content only to people.
pub trait ByDebug {
    #[doc(hidden)]
    fn look(&self, seen: &mut Seen<'_>);
}

impl<A: Argument<Content: Debug>> ByDebug for Probe<'_, A> {
    fn look(&self, seen: &mut Seen<'_>) {
        let content = self.0.visit(seen);
        if let (Some(content), Some(hasher)) = (content, seen.hasher()) {
            let _ = write!(hasher, "{content:?}");
        }
    }
}

/// A type of which nothing can be told.
pub trait ByNothing {
    #[doc(hidden)]
    fn look(self, seen: &mut Seen<'_>);
}

impl<A: Argument> ByNothing for Probe<'_, A> {
    fn look(self, seen: &mut Seen<'_>) {
        self.0.visit(seen);
    }
}

/// The fingerprint of what a walk over the arguments shows.
pub(crate) fn fingerprint(look: impl FnOnce(&mut Seen<'_>)) -> Fingerprint {
    let mut hasher = Hasher::default();
    look(&mut Seen::fingerprint(&mut hasher));
    hasher.finish128()
}
