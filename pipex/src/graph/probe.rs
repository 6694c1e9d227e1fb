//! An argument is visited as well as its type allows.

use std::fmt::{Debug, Write};
use std::hash::Hash;

use serde::Serialize;

use crate::graph::holds::HasOutputs;
use crate::graph::known::Known;
use crate::graph::visitor::{Argument, Visitor};
use pipex_format::journal::{excerpt, excerpt_text};

/// Shows an argument as well as its type allows: `(&&&&Probe(&argument)).accept(visitor)` finds the first of the traits below
/// that applies, since method look-up takes off one reference after the other.
pub struct Probe<'p, A>(pub &'p A);

impl<A> Clone for Probe<'_, A> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<A> Copy for Probe<'_, A> {}

/// Packs an argument of a task whose runs go to other processes, if serde knows its type; whether it did:
/// `(&&Packer(&argument)).pack(visitor)`.
pub struct Packer<'p, A>(pub &'p A);

/// A type that serde knows.
pub trait PackSerialize {
    #[doc(hidden)]
    fn pack(&self, visitor: &mut Visitor<'_>) -> bool;
}

impl<A: Argument<Content: Serialize>> PackSerialize for &Packer<'_, A> {
    fn pack(&self, visitor: &mut Visitor<'_>) -> bool {
        visitor.pack(self.0)
    }
}

/// Any other type.
pub trait PackNothing {
    #[doc(hidden)]
    fn pack(&self, visitor: &mut Visitor<'_>) -> bool;
}

impl<A> PackNothing for Packer<'_, A> {
    fn pack(&self, _: &mut Visitor<'_>) -> bool {
        false
    }
}

/// A parameter that is declared as outputs: it is taken as a value, and yet makes edges.
pub trait ByOutput {
    #[doc(hidden)]
    fn accept(&self, visitor: &mut Visitor<'_>);
}

impl<A: Argument<Content: HasOutputs>> ByOutput for &&&Probe<'_, A> {
    fn accept(&self, visitor: &mut Visitor<'_>) {
        visitor.declared();
        if let Some(outputs) = self.0.visit(visitor) {
            outputs.visit(visitor);
        }
    }
}

/// A type of which more is known than serde tells: paths, by their text and by the content of the files that lie there; sets
/// whose elements come in any order.
pub trait ByKnown {
    #[doc(hidden)]
    fn accept(&self, visitor: &mut Visitor<'_>);
}

impl<A: Argument<Content: Known + Serialize>> ByKnown for &&&&Probe<'_, A> {
    fn accept(&self, visitor: &mut Visitor<'_>) {
        let Some(content) = self.0.visit(visitor) else { return };
        if let Some(hasher) = visitor.hasher() {
            let unordered = hasher.unordered;
            hasher.unordered |= A::Content::UNORDERED;
            hasher.serialize(content);
            hasher.unordered = unordered;
        }
        visitor.describe(A::Content::PLAIN, &|| Some(excerpt(content)));
        content.each_path(&mut |path| visitor.path(path));
    }
}

/// A type that serde knows: by content, the same in every process.
pub trait BySerialize {
    #[doc(hidden)]
    fn accept(&self, visitor: &mut Visitor<'_>);
}

impl<A: Argument<Content: Serialize>> BySerialize for &&Probe<'_, A> {
    fn accept(&self, visitor: &mut Visitor<'_>) {
        let content = self.0.visit(visitor);
        let Some(content) = content else { return };
        if let Some(hasher) = visitor.hasher() {
            hasher.serialize(content);
        }
        visitor.describe(false, &|| Some(excerpt(content)));
    }
}

/// A type that can be hashed.
pub trait ByHash {
    #[doc(hidden)]
    fn accept(&self, visitor: &mut Visitor<'_>);
}

impl<A: Argument<Content: Hash>> ByHash for &Probe<'_, A> {
    fn accept(&self, visitor: &mut Visitor<'_>) {
        let content = self.0.visit(visitor);
        if let (Some(content), Some(hasher)) = (content, visitor.hasher()) {
            content.hash(hasher);
        }
        if content.is_some() {
            visitor.describe(false, &|| None);
        }
    }
}

/// A type that shows its content only to people.
pub trait ByDebug {
    #[doc(hidden)]
    fn accept(&self, visitor: &mut Visitor<'_>);
}

impl<A: Argument<Content: Debug>> ByDebug for Probe<'_, A> {
    fn accept(&self, visitor: &mut Visitor<'_>) {
        let content = self.0.visit(visitor);
        let Some(content) = content else { return };
        if let Some(hasher) = visitor.hasher() {
            let _ = write!(hasher, "{content:?}");
        }
        visitor.describe(false, &|| Some(excerpt_text(&format!("{content:?}"))));
    }
}

/// A type of which nothing can be told.
pub trait ByNothing {
    #[doc(hidden)]
    fn accept(self, visitor: &mut Visitor<'_>);
}

impl<A: Argument> ByNothing for Probe<'_, A> {
    fn accept(self, visitor: &mut Visitor<'_>) {
        if self.0.visit(visitor).is_some() {
            visitor.untold();
        }
    }
}
