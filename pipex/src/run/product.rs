//! What a call gives: where it is to be, and its value until that is saved or handed on. What a run does with values of a type is
//! here, and compiled for each type; all else of it is compiled once.

use std::mem::replace;
use std::sync::Arc;

use crate::graph::pending::Receiver;
use crate::graph::place::{AnyPlace, Place};
use crate::run::body::{Body, Started};
use crate::run::carrier::Travel;
use crate::runtime::Given;
use pipex_format::model::error::RunError;
use pipex_format::store::{Claim, StoreResult};
#[cfg(feature = "remote")]
use pipex_format::wire::Value;

/// What a call gives.
pub(crate) struct Product<R> {
    place: Option<Arc<Place<R>>>,
    value: Gave<R>,
    receiver: Option<Receiver<R>>,
    #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "only jobs for other processes ask for it"))]
    travel: Option<Travel<R>>,
}

/// What the function gave.
enum Gave<R> {
    Nothing,
    Value(R),
    /// What it gives elsewhere: in a future, or on another thread.
    Elsewhere(Given<R>),
}

/// What a call gives, whatever its type.
pub(crate) trait AnyProduct {
    /// Where it is to be.
    fn place(&self) -> Option<&dyn AnyPlace>;
    /// It has no place: it was refused.
    fn displace(&mut self);
    /// Whether values of its type say nothing.
    fn is_unit(&self) -> bool;
    /// Saves the value at its place.
    fn save(&mut self, claim: Claim) -> StoreResult<u64>;
    /// Drops the value.
    fn clear(&mut self);
    /// Gives the value to the outputs that wait for it.
    fn deliver(&mut self);
    /// The value for another process.
    #[cfg(feature = "remote")]
    fn send(&mut self) -> Result<Value, String>;
    /// Takes what came from another process as the value; whether it is one.
    #[cfg(feature = "remote")]
    fn receive(&mut self, sent: Value) -> bool;
}

impl<R> Product<R> {
    /// Of a call that has neither a place nor a value yet.
    pub(crate) fn new(travel: Option<Travel<R>>) -> Self {
        Product { place: None, value: Gave::Nothing, receiver: None, travel }
    }

    pub(crate) fn set_place(&mut self, place: Place<R>) {
        self.place = Some(Arc::new(place));
    }

    /// The place, as what it is the place of.
    pub(crate) fn typed_place(&self) -> Option<&Arc<Place<R>>> {
        self.place.as_ref()
    }

    /// Who is to have the value.
    pub(crate) fn set_receiver(&mut self, receiver: Receiver<R>) {
        self.receiver = Some(receiver);
    }

    pub(crate) fn take_value(&mut self) -> Option<R> {
        match replace(&mut self.value, Gave::Nothing) {
            Gave::Nothing => None,
            Gave::Value(value) => Some(value),
            Gave::Elsewhere(given) => given.take().ok(),
        }
    }

    /// Keeps what the function gave, or will give.
    pub(crate) fn keep<'a>(&mut self, body: Body<'a, R>) -> Started<'a>
    where
        R: Send + 'a,
    {
        match body {
            Body::Done(Ok(value)) => {
                self.value = Gave::Value(value);
                Started::Done(Ok(()))
            }
            body => keep_elsewhere(self.expect(), body),
        }
    }

    /// Where what the function gives elsewhere is put.
    pub(crate) fn expect(&mut self) -> Given<R> {
        let given = Given::default();
        self.value = Gave::Elsewhere(given.clone());
        given
    }
}

/// Puts there what the function gave, or will give.
pub(crate) fn keep_elsewhere<'a, R: Send + 'a>(given: Given<R>, body: Body<'a, R>) -> Started<'a> {
    match body {
        Body::Done(Ok(value)) => {
            given.set(value);
            Started::Done(Ok(()))
        }
        Body::Done(Err(raised)) => Started::Done(Err(raised)),
        Body::Future(future) => Started::Future(Box::pin(async move {
            given.set(future.await?);
            Ok(())
        })),
    }
}

impl<R> AnyProduct for Product<R> {
    fn place(&self) -> Option<&dyn AnyPlace> {
        match &self.place {
            Some(place) => Some(place.any()),
            None => None,
        }
    }

    fn displace(&mut self) {
        self.place = None;
    }

    fn is_unit(&self) -> bool {
        size_of::<R>() == 0
    }

    fn save(&mut self, claim: Claim) -> StoreResult<u64> {
        let value = self.take_value();
        let (Some(place), Some(value)) = (&self.place, value) else { return Err(RunError::Interrupted.into()) };
        let saved = place.store().save(claim, &value);
        self.value = Gave::Value(value);
        saved
    }

    fn clear(&mut self) {
        self.value = Gave::Nothing;
    }

    fn deliver(&mut self) {
        if let (Some(receiver), Some(value)) = (self.receiver.take(), self.take_value()) {
            receiver.receive(value);
        }
    }

    #[cfg(feature = "remote")]
    fn send(&mut self) -> Result<Value, String> {
        let Some(travel) = self.travel else { return Err("its type has no `Serialize` and `Deserialize`".to_owned()) };
        let Some(value) = self.take_value() else { return Err("there is none".to_owned()) };
        (travel.to)(&value)
    }

    #[cfg(feature = "remote")]
    fn receive(&mut self, sent: Value) -> bool {
        let Some(travel) = self.travel else { return false };
        match (travel.from)(sent) {
            Ok(value) => self.value = Gave::Value(value),
            Err(_) => return false,
        }
        true
    }
}
