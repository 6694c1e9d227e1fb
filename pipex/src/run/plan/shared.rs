//! Outputs that a team shares: taken where others have made them of the same, and put there for the others.

use std::sync::Arc;

use super::Run;
use super::attempt::{Claimed, Done, Found};
use crate::graph::place::{AnyPlace, Place};
use pipex_format::model::error::Cause;
use pipex_format::say::say;
use pipex_format::store::{Claim, Member, Receipt, Record, Shared, SharedName, StoreResult, save_together};

/// How the outputs of a run are called where they are shared.
pub(super) struct SharedOutputs {
    shared: Arc<Shared>,
    names: Vec<SharedName>,
}

/// Whatever the number of its outputs.
fn outputs<R>(place: &Place<R>) -> Vec<&dyn AnyPlace> {
    match place.parts() {
        [] => vec![place],
        parts => parts.iter().map(|part| &**part as &dyn AnyPlace).collect(),
    }
}

impl Run {
    /// Where the outputs are shared, if they are: files within the project, of which it is known what they are made of.
    pub(super) fn find_shared<R>(&self, place: &Place<R>, record: Record) -> Option<SharedOutputs> {
        let shared = self.context.as_ref()?.shared.clone().filter(|_| self.mode.caches())?;
        let name = |output: &dyn AnyPlace| {
            let is_file = output.listing().address().is_empty();
            shared.name(&output.spot().name(), record, output.format()).filter(|_| is_file)
        };
        let names = outputs(place).into_iter().map(name).collect::<Option<_>>()?;
        Some(SharedOutputs { shared, names })
    }

    /// The right to make the output, unless it is there by now, or is shared and was taken.
    pub(super) async fn claim_unless_shared<R>(
        &self,
        place: &Place<R>,
        record: Record,
        mut shared: Option<&SharedOutputs>,
    ) -> Result<Result<Claim, Done<R>>, Cause> {
        loop {
            let claim = match self.claim(place, record).await? {
                Claimed::Ours(claim) => claim,
                Claimed::There(stamp) => return Ok(Err(Done::There(stamp))),
            };
            let Some(outputs) = shared.take_if(|outputs| outputs.are_there()) else { return Ok(Ok(claim)) };
            let receipts = claim.receipts();
            match outputs.take(place, claim) {
                Ok(bytes) => {
                    let (there, more) = self.look_at_saved(place, &receipts, record);
                    return Ok(Err(Done::Shared(Found { there, more, bytes, urgent: false })));
                }
                Err(error) => {
                    say(&format!("{}: what is shared cannot be taken, so it is made: {error}", place.location))
                }
            }
        }
    }
}

impl SharedOutputs {
    /// Whether all of them are.
    fn are_there(&self) -> bool {
        self.names.iter().all(|name| {
            self.shared.has(name).unwrap_or_else(|error| {
                say(&format!("it cannot be told whether an output is shared, so it is made: {error}"));
                false
            })
        })
    }

    fn take<R>(&self, place: &Place<R>, claim: Claim) -> StoreResult<u64> {
        if let [name] = &*self.names {
            return self.shared.take(name, claim);
        }
        let saves: Vec<_> = self.names.iter().map(|name| move |claim| self.shared.take(name, claim)).collect();
        let outputs = outputs(place);
        let removes: Vec<_> = outputs.iter().map(|output| move || output.remove().map(drop)).collect();
        let members = saves.iter().zip(&removes).map(|(save, remove)| Member { save, remove, is_file: true });
        let members: Vec<_> = members.collect();
        save_together(claim, &members.iter().collect::<Vec<_>>())
    }

    /// Puts what was just made there for the others. What cannot be put there is here all the same.
    pub(super) fn put<R>(&self, place: &Place<R>, receipts: &[Arc<Receipt>]) {
        for ((name, output), receipt) in self.names.iter().zip(outputs(place)).zip(receipts) {
            let location = &output.spot().location;
            if let Err(error) = self.shared.put(name, location.path(), receipt.content.get().copied()) {
                say(&format!("{location}: it is here, but cannot be shared: {error}"));
            }
        }
    }
}
