//! Outputs that make up a value together.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, Hash};
use std::path::PathBuf;

use crate::graph::holds::HasOutputs;
use crate::graph::output::Output;
use crate::graph::visitor::Visitor;
use pipex_format::model::error::{Error, Result};
use pipex_format::model::tried::Tried;

/// Outputs, and values beside them, that make up a `W` together. Its type forgotten, it is an argument.
pub(crate) trait Gather<W>: Send {
    fn again(&self) -> Box<dyn Gather<W>>;
    fn visit(&self, visitor: &mut Visitor<'_>);
    fn take(self: Box<Self>) -> Result<W>;
}

impl<W, P: Part<W> + HasOutputs + Clone + Send + 'static> Gather<W> for P {
    fn again(&self) -> Box<dyn Gather<W>> {
        Box::new(self.clone())
    }

    fn visit(&self, visitor: &mut Visitor<'_>) {
        HasOutputs::visit(self, visitor);
    }

    fn take(self: Box<Self>) -> Result<W> {
        (*self).into_whole()
    }
}

/// What makes up a `W`: an output of one, or a collection of what makes up its elements.
pub trait Part<W> {
    /// The value: the data of all outputs are loaded now.
    #[doc(hidden)]
    fn into_whole(self) -> Result<W>;
}

impl<T: Clone> Part<T> for Output<T> {
    fn into_whole(self) -> Result<T> {
        self.take_with(T::clone)
    }
}

/// What failed is a value.
impl<T: Clone> Part<Tried<T>> for Output<T> {
    fn into_whole(self) -> Result<Tried<T>> {
        match self.failure() {
            Some(failure) => {
                // It has been asked about; what tells most is why the first did not end well.
                failure.ask();
                Ok(Err(failure.root().error().into()))
            }
            None => self.take_with(T::clone).map(Ok),
        }
    }
}

impl<W, P: Part<W>> Part<Vec<W>> for Vec<P> {
    fn into_whole(self) -> Result<Vec<W>> {
        let mut whole = Vec::with_capacity(self.len());
        for part in self {
            match part.into_whole() {
                Ok(part) => whole.push(part),
                Err(error) => return Err(error),
            }
        }
        Ok(whole)
    }
}

impl<W, P: Part<W>, const N: usize> Part<[W; N]> for [P; N] {
    fn into_whole(self) -> Result<[W; N]> {
        let all = self.into_iter().map(P::into_whole).collect::<Result<Vec<W>>>()?;
        Ok(all.try_into().unwrap_or_else(|_| unreachable!("there are as many as there were")))
    }
}

impl<W, P: Part<W>> Part<Option<W>> for Option<P> {
    fn into_whole(self) -> Result<Option<W>> {
        self.map(P::into_whole).transpose()
    }
}

impl<K, W, P: Part<W>> Part<(K, W)> for (K, P) {
    fn into_whole(self) -> Result<(K, W)> {
        Ok((self.0, self.1.into_whole()?))
    }
}

impl<A: Clone, B: Clone> Part<(A, B)> for (Output<A>, Output<B>) {
    fn into_whole(self) -> Result<(A, B)> {
        Ok((self.0.into_whole()?, self.1.into_whole()?))
    }
}

impl<A: Clone, B: Clone, C: Clone> Part<(A, B, C)> for (Output<A>, Output<B>, Output<C>) {
    fn into_whole(self) -> Result<(A, B, C)> {
        Ok((self.0.into_whole()?, self.1.into_whole()?, self.2.into_whole()?))
    }
}

impl<K: Ord, W, P: Part<W>> Part<BTreeMap<K, W>> for BTreeMap<K, P> {
    fn into_whole(self) -> Result<BTreeMap<K, W>> {
        self.into_iter().map(|(key, part)| Ok((key, part.into_whole()?))).collect()
    }
}

impl<K: Eq + Hash, W, P: Part<W>, S: BuildHasher + Default> Part<HashMap<K, W, S>> for HashMap<K, P, S> {
    fn into_whole(self) -> Result<HashMap<K, W, S>> {
        self.into_iter().map(|(key, part)| Ok((key, part.into_whole()?))).collect()
    }
}

/// Outputs of which some may have failed.
#[derive(Clone)]
pub(crate) struct Tolerating<H>(pub(crate) H);

impl<H: HasOutputs> HasOutputs for Tolerating<H> {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        visitor.tolerating(|visitor| HasOutputs::visit(&self.0, visitor));
    }
}

impl<W, P: Part<W>> Part<W> for Tolerating<P> {
    fn into_whole(self) -> Result<W> {
        self.0.into_whole()
    }
}

/// The place of what a function wrote itself.
#[derive(Clone)]
pub(crate) struct Located(pub(crate) Output<()>);

impl HasOutputs for Located {
    fn visit(&self, visitor: &mut Visitor<'_>) {
        HasOutputs::visit(&self.0, visitor);
        visitor.by_value();
    }
}

impl Part<PathBuf> for Located {
    fn into_whole(self) -> Result<PathBuf> {
        if let Some(failure) = self.0.failure() {
            return Err(failure.ask());
        }
        let location = self.0.location().map(|location| location.path().to_owned());
        location.ok_or_else(|| Error::NoLocation {
            maker: self.0.held().label().maker.map_or("a value", |maker| maker.task.funcname),
        })
    }
}
