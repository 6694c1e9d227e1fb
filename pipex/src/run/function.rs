//! A task function with its arguments, as its macro has written it.

use std::fmt;
use std::marker::PhantomData;
use std::path::PathBuf;
use std::time::Instant;

use crate::graph::arg::Args;
use crate::graph::handles::Handles;
use crate::graph::place::{Place, Spot};
use crate::graph::visitor::Visitor;
use crate::run::body::{Body, Deferred, Started};
use crate::run::product::Product;
use pipex_format::model::error::Result;
use pipex_format::model::target::Location;
use pipex_format::model::task::Task;

/// A function with its arguments, whatever it gives.
pub(crate) trait AnyCall<'a>: Send {
    fn task(&self) -> &'static Task;
    fn accept(&self, visitor: &mut Visitor<'_>);
    /// Writes what a template names of the arguments.
    fn field(&self, index: usize, out: &mut dyn fmt::Write) -> Option<fmt::Result>;
    /// Finds where its outputs will be.
    fn find_place(
        &mut self,
        locations: &mut dyn Iterator<Item = Location>,
        spot: &mut dyn FnMut(Location, &str) -> Spot,
    );
    /// Takes the arguments and calls the function; `drafts` are where one that saves its own outputs writes them.
    /// With `last` the arguments are used up, else the function can be called again. In `taken` it says that they are there.
    fn start(&mut self, drafts: Vec<PathBuf>, last: bool, taken: Option<&mut Option<Instant>>) -> Result<Started<'a>>;
    /// Takes the arguments here; what comes back calls the function, anywhere.
    fn defer(&mut self, drafts: Vec<PathBuf>, last: bool, taken: Option<&mut Option<Instant>>) -> Result<Deferred<'a>>;
    /// What it gives.
    fn product(&self) -> &Product;
    fn product_mut(&mut self) -> &mut Product;
}

/// A function with its arguments.
pub(crate) trait TaskCall<'a, R>: AnyCall<'a> {
    /// As [`start`](AnyCall::start); what it gives is what it is.
    fn call(&mut self, drafts: Vec<PathBuf>, last: bool, taken: Option<&mut Option<Instant>>) -> Result<Body<'a, R>>;
}

/// A call, whatever its function.
pub(crate) type DynCall<'a> = dyn AnyCall<'a> + 'a;

impl<'a> dyn AnyCall<'a> + '_ {
    /// Where its outputs will be, once that is known.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.product().place().map(|place| &**place)
    }

    /// The location of its output, or of the first.
    pub(crate) fn target(&self) -> Option<&Location> {
        self.place().map(Place::location)
    }
}

/// The closures that the macro writes, the arguments they are about, and what comes of them.
pub(crate) struct Closures<R, O, A, L, F, B, S, G> {
    pub(crate) task: &'static Task,
    pub(crate) arguments: Option<A>,
    pub(crate) accept: L,
    pub(crate) field: F,
    pub(crate) body: B,
    pub(crate) store: S,
    pub(crate) again: G,
    pub(crate) product: Product,
    pub(crate) gives: PhantomData<fn() -> (R, O)>,
}

impl<'a, R, O, A, L, F, B, S, G> AnyCall<'a> for Closures<R, O, A, L, F, B, S, G>
where
    O: Handles<R>,
    A: Args<Taken: Send> + Send,
    L: Fn(&A, &mut Visitor<'_>) + Send,
    F: Fn(&A, usize, &mut dyn fmt::Write) -> Option<fmt::Result> + Send,
    B: Fn(A::Taken, Vec<PathBuf>) -> Body<'a, R> + Copy + Send + 'a,
    S: Fn() -> O::Stores + Send,
    G: Fn(&A) -> Option<A> + Send,
    A::Taken: 'a,
    R: Send + Sync + 'static,
{
    fn task(&self) -> &'static Task {
        self.task
    }

    fn accept(&self, visitor: &mut Visitor<'_>) {
        if let Some(arguments) = &self.arguments {
            (self.accept)(arguments, visitor);
        }
    }

    fn field(&self, index: usize, out: &mut dyn fmt::Write) -> Option<fmt::Result> {
        match &self.arguments {
            Some(arguments) => (self.field)(arguments, index, out),
            None => None,
        }
    }

    fn find_place(
        &mut self,
        locations: &mut dyn Iterator<Item = Location>,
        spot: &mut dyn FnMut(Location, &str) -> Spot,
    ) {
        self.product.set_place(O::place((self.store)(), locations, spot));
    }

    fn start(&mut self, drafts: Vec<PathBuf>, last: bool, taken: Option<&mut Option<Instant>>) -> Result<Started<'a>> {
        match self.call(drafts, last, taken) {
            Ok(body) => Ok(body.into()),
            Err(error) => Err(error),
        }
    }

    fn defer(&mut self, drafts: Vec<PathBuf>, last: bool, taken: Option<&mut Option<Instant>>) -> Result<Deferred<'a>> {
        match self.take(last) {
            Ok(arguments) => {
                note_now(taken);
                let body = self.body;
                Ok(Box::new(move || body(arguments, drafts).into()))
            }
            Err(error) => Err(error),
        }
    }

    fn product(&self) -> &Product {
        &self.product
    }

    fn product_mut(&mut self) -> &mut Product {
        &mut self.product
    }
}

impl<'a, R, O, A, L, F, B, S, G> TaskCall<'a, R> for Closures<R, O, A, L, F, B, S, G>
where
    Self: AnyCall<'a>,
    A: Args,
    B: Fn(A::Taken, Vec<PathBuf>) -> Body<'a, R>,
    G: Fn(&A) -> Option<A>,
{
    fn call(&mut self, drafts: Vec<PathBuf>, last: bool, taken: Option<&mut Option<Instant>>) -> Result<Body<'a, R>> {
        match self.take(last) {
            Ok(arguments) => {
                note_now(taken);
                Ok((self.body)(arguments, drafts))
            }
            Err(error) => Err(error),
        }
    }
}

impl<R, O, A: Args, L, F, B, S, G: Fn(&A) -> Option<A>> Closures<R, O, A, L, F, B, S, G> {
    /// What the body gets: the arguments themselves, or for a run that may be tried again, the same once more.
    fn take(&mut self, last: bool) -> Result<A::Taken> {
        let again = match &self.arguments {
            Some(arguments) if !last => (self.again)(arguments),
            _ => None,
        };
        match again {
            Some(arguments) => arguments.take(),
            None => self.arguments.take().expect("after the last attempt there is none").take(),
        }
    }
}

/// The arguments have been taken, if somebody wants to know when.
fn note_now(taken: Option<&mut Option<Instant>>) {
    if let Some(taken) = taken {
        *taken = Some(Instant::now());
    }
}
