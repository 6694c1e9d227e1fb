//! Values that hold outputs: a parameter that is declared as one takes it as it is, and yet makes edges.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use crate::graph::output::Output;
use crate::graph::visitor::Visitor;
use pipex_format::model::hash::Hasher;

/// What holds outputs, whole: an [`Output`], collections of them, and structs that derive [`Arg`](macro@crate::Arg).
#[diagnostic::on_unimplemented(
    message = "a `{Self}` holds no outputs",
    label = "neither an `Output` nor a collection of them",
    note = "a struct of your own that holds outputs derives `pipex::Arg`"
)]
pub trait HasOutputs {
    #[doc(hidden)]
    fn visit(&self, visitor: &mut Visitor<'_>);
}

impl<T> HasOutputs for Output<T> {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        visitor.output(self);
    }
}

impl<H: HasOutputs + ?Sized> HasOutputs for &H {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        (**self).visit(visitor);
    }
}

impl<H: HasOutputs> HasOutputs for Option<H> {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        visitor.choice(self.is_some());
        self.iter().for_each(|output| output.visit(visitor));
    }
}

impl<H: HasOutputs> HasOutputs for [H] {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        visitor.elements(self.len(), |visitor| self.iter().for_each(|output| output.visit(visitor)));
    }
}

impl<H: HasOutputs, const N: usize> HasOutputs for [H; N] {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        self[..].visit(visitor);
    }
}

impl<H: HasOutputs> HasOutputs for Vec<H> {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        self[..].visit(visitor);
    }
}

/// A value, and what it stands for.
impl<K: Serialize, H: HasOutputs> HasOutputs for (K, H) {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        visitor.key(&self.0);
        self.1.visit(visitor);
    }
}

impl<A, B> HasOutputs for (Output<A>, Output<B>) {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        self.0.visit(visitor);
        self.1.visit(visitor);
    }
}

impl<A, B, C> HasOutputs for (Output<A>, Output<B>, Output<C>) {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        self.0.visit(visitor);
        self.1.visit(visitor);
        self.2.visit(visitor);
    }
}

impl<K: Serialize, H: HasOutputs> HasOutputs for BTreeMap<K, H> {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        visit_entries(self, visitor);
    }
}

/// In an order that is the same in every process.
impl<K: Serialize, H: HasOutputs, S> HasOutputs for HashMap<K, H, S> {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_by_cached_key(|(key, _)| {
            let mut hasher = Hasher::default();
            hasher.serialize(*key);
            hasher.finish128()
        });
        visit_entries(entries, visitor);
    }
}

fn visit_entries<'e, K: Serialize + 'e, H: HasOutputs + 'e>(
    entries: impl IntoIterator<Item = (&'e K, &'e H), IntoIter: ExactSizeIterator>,
    visitor: &mut Visitor<'_>,
) {
    let entries = entries.into_iter();
    visitor.elements(entries.len(), |visitor| {
        for (key, output) in entries {
            visitor.key(key);
            output.visit(visitor);
        }
    });
}
