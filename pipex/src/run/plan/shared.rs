//! Outputs that a team shares: taken where others have made them of the same, and put there for the others.

use std::fmt;
use std::sync::Arc;

use super::Run;
use super::attempt::{Claimed, Found, NotMade};
use crate::graph::place::Place;
use pipex_format::model::error::Cause;
use pipex_format::say::say;
use pipex_format::store::{
    Claim, Member, Receipt, Record, Shared, SharedName, SharedOutput, StoreResult, save_together,
};

/// How the outputs of a run are called where they are shared, and what is there.
pub(super) struct SharedOutputs {
    shared: Arc<Shared>,
    names: Vec<SharedName>,
    /// All of them, until they are taken.
    found: Option<Vec<SharedOutput>>,
}

/// Whatever the number of its outputs.
fn outputs(place: &Place) -> Vec<&Place> {
    match place.parts() {
        [] => vec![place],
        parts => parts.iter().map(|part| &**part).collect(),
    }
}

impl Run {
    /// Where the outputs are shared, if they are: files within the project, of which it is known what they are made of.
    pub(super) fn find_shared(&self, place: &Place, record: Record) -> Option<SharedOutputs> {
        let shared = self.context.as_ref()?.shared.clone().filter(|_| self.mode.caches() && !self.is_elsewhere())?;
        let name = |output: &Place| {
            let is_file = output.listing().address().is_empty();
            shared.name(&output.spot().name(), record, output.format()).filter(|_| is_file)
        };
        let names: Vec<SharedName> = outputs(place).into_iter().map(name).collect::<Option<_>>()?;
        let found = names.iter().map(|name| shared.find(name)).collect::<StoreResult<Option<_>>>();
        let found = found.unwrap_or_else(|error| {
            say(&format!("it cannot be told whether an output is shared, so it is made: {error}"));
            None
        });
        Some(SharedOutputs { shared, names, found })
    }

    /// Takes the output that is shared, if nothing is here yet: that needs no claim.
    pub(super) fn take_unclaimed(&self, place: &Place, record: Record, shared: &mut SharedOutputs) -> Option<Found> {
        // What is stale here is replaced, and several are there together: by who has claimed them.
        let [output] = shared.found.as_deref().filter(|_| self.outdated.is_none())? else { return None };
        match output.take_unclaimed(place.location(), record) {
            Ok(receipt) => Some(self.found_taken(place, &[receipt?], record)),
            Err(error) => {
                cannot_take(place, &error);
                shared.found = None;
                None
            }
        }
    }

    /// The right to make the output, unless it is there by now, or is shared and was taken.
    pub(super) async fn claim_unless_shared(
        &self,
        place: &Place,
        record: Record,
        mut shared: Option<&mut SharedOutputs>,
    ) -> Result<Result<Claim, NotMade>, Cause> {
        loop {
            let claim = match self.claim(place, record).await? {
                Claimed::Ours(claim) => claim,
                Claimed::There(stamp) => return Ok(Err(NotMade::There(stamp))),
            };
            let Some(found) = shared.as_mut().and_then(|shared| shared.found.take()) else { return Ok(Ok(claim)) };
            let receipts = claim.receipts();
            match take(&found, place, claim) {
                Ok(_) => return Ok(Err(NotMade::Shared(self.found_taken(place, &receipts, record)))),
                Err(error) => cannot_take(place, &error),
            }
        }
    }

    fn found_taken(&self, place: &Place, receipts: &[Arc<Receipt>], record: Record) -> Found {
        let (there, more) = self.look_at_saved(place, receipts, record);
        Found { there, more, ..Found::default() }
    }
}

fn cannot_take(place: &Place, error: &impl fmt::Display) {
    say(&format!("{}: what is shared cannot be taken, so it is made: {error}", place.location()));
}

/// Takes all of them, together.
fn take(shared: &[SharedOutput], place: &Place, claim: Claim) -> StoreResult<u64> {
    if let [shared] = shared {
        return shared.take(claim);
    }
    let saves: Vec<_> = shared.iter().map(|shared| move |claim| shared.take(claim)).collect();
    let outputs = outputs(place);
    let removes: Vec<_> = outputs.iter().map(|output| move || output.remove().map(drop)).collect();
    let members = saves.iter().zip(&removes).map(|(save, remove)| Member { save, remove, is_file: true });
    let members: Vec<_> = members.collect();
    save_together(claim, &members.iter().collect::<Vec<_>>())
}

impl SharedOutputs {
    /// Puts what was just made there for the others. What cannot be put there is here all the same.
    pub(super) fn put(&self, place: &Place, receipts: &[Arc<Receipt>]) {
        for ((name, output), receipt) in self.names.iter().zip(outputs(place)).zip(receipts) {
            let location = &output.spot().location;
            if let Err(error) = self.shared.put(name, location.path(), receipt.content.get().copied()) {
                say(&format!("{location}: it is here, but cannot be shared: {error}"));
            }
        }
    }
}
