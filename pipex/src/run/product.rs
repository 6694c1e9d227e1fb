//! What a call gives: where it is to be, and its data until they are saved or handed on.

use std::sync::Arc;

use crate::graph::kept::Data;
use crate::graph::pending::Receiver;
use crate::graph::place::Place;
use crate::run::carrier::Travel;
use pipex_format::model::error::RunError;
use pipex_format::store::{Claim, StoreResult};
#[cfg(feature = "remote")]
use pipex_format::wire::Value;

/// What a call gives, whatever its type.
pub(crate) struct Product {
    place: Option<Arc<Place>>,
    data: Option<Data>,
    receiver: Option<Receiver>,
    /// Values of its type say nothing.
    is_unit: bool,
    #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "only jobs for other processes ask for it"))]
    travel: Option<fn() -> Travel>,
}

impl Product {
    /// Of a call that has neither a place nor data yet.
    pub(crate) fn new(is_unit: bool, travel: Option<fn() -> Travel>) -> Self {
        Product { place: None, data: None, receiver: None, is_unit, travel }
    }

    /// Where it is to be.
    pub(crate) fn place(&self) -> Option<&Arc<Place>> {
        self.place.as_ref()
    }

    pub(crate) fn set_place(&mut self, place: Arc<Place>) {
        self.place = Some(place);
    }

    /// It has no place: it was refused.
    pub(crate) fn displace(&mut self) {
        self.place = None;
    }

    /// Who is to have the data.
    pub(crate) fn set_receiver(&mut self, receiver: Receiver) {
        self.receiver = Some(receiver);
    }

    /// Whether values of its type say nothing.
    pub(crate) fn is_unit(&self) -> bool {
        self.is_unit
    }

    /// Keeps what the function gave.
    pub(crate) fn keep(&mut self, data: Data) {
        self.data = Some(data);
    }

    pub(crate) fn take(&mut self) -> Option<Data> {
        self.data.take()
    }

    /// Saves the data at their place.
    pub(crate) fn save(&self, claim: Claim) -> StoreResult<u64> {
        let (Some(place), Some(data)) = (&self.place, &self.data) else { return Err(RunError::Interrupted.into()) };
        place.save(claim, data.get())
    }

    /// Drops the data.
    pub(crate) fn clear(&mut self) {
        self.data = None;
    }

    /// Gives the data to the outputs that wait for them.
    pub(crate) fn deliver(&mut self) {
        if let (Some(receiver), Some(data)) = (self.receiver.take(), self.data.take()) {
            receiver.receive(data);
        }
    }

    /// The data for another process.
    #[cfg(feature = "remote")]
    pub(crate) fn send(&mut self) -> Result<Value, String> {
        let Some(travel) = self.travel else { return Err("its type has no `Serialize` and `Deserialize`".to_owned()) };
        let Some(data) = self.data.take() else { return Err("there is none".to_owned()) };
        (travel().to)(data.get())
    }

    /// Takes what came from another process as the data; whether it is that.
    #[cfg(feature = "remote")]
    pub(crate) fn receive(&mut self, sent: Value) -> bool {
        let Some(travel) = self.travel else { return false };
        let Ok(data) = (travel().from)(sent) else { return false };
        self.data = Some(data);
        true
    }
}
