//! Whether the output that is there is the one that the call would give now.

use super::events::Details;
use super::{Plan, Run};
use crate::run::outcome::Place;
use crate::run::seen::{describe, fingerprint_arguments};
use pipex_format::journal::{Given, Journal, There, Why};
use pipex_format::model::contents::Content;
use pipex_format::model::fingerprint::Fingerprint;
use pipex_format::model::provenance::{Decision, Provenance, Reasons, decide};
use pipex_format::model::stale::Stale;
use pipex_format::store::{Receipt, Record, Stamp};

/// The output that is there beside what its call would give now.
pub(super) struct Compared {
    content: Option<Fingerprint>,
    pub(super) decision: Decision,
    /// What lies there, if the journal did not know it.
    found: Option<There>,
}

impl Default for Compared {
    /// Nothing was compared.
    fn default() -> Self {
        Compared { content: None, decision: Decision::Take, found: None }
    }
}

impl<R: Send> Plan<'_, R> {
    /// Compares the output that is there with what the call would give now.
    pub(super) fn compare(&mut self, place: &Place<R>, stamp: Stamp) -> Compared {
        let Some(journal) = self.run.compares() else { return Compared::default() };
        let look = || place.store.listing().entry(&place.location).ok().flatten();
        let (content, present, found) = journal.there(place.key, stamp, look);
        self.settle_inputs();
        let decision = decide(&self.wanted(&*place.store), Some(&present), self.run.policy());
        Compared { content, decision, found }
    }

    /// What lies at its inputs now, if their runs had not ended when it was looked last.
    pub(super) fn settle_inputs(&mut self) {
        if !self.inputs.are_settled() {
            self.inputs = fingerprint_arguments(|seen| self.job.look(seen), self.run.compares()).1;
        }
    }

    /// The output that is there is taken.
    pub(super) fn taken(&mut self, place: &Place<R>, why: Why, compared: Compared) {
        let Compared { content, decision, found: there } = compared;
        let stale = decision.reasons();
        place.has(Content::from_fingerprint(content));
        (self.run.why, self.run.outdated) = (why, None);
        if stale.is_empty() {
            return self.run.cached(&place.location, Details { there, ..Details::default() });
        }
        let Provenance { inputs, format, .. } = self.wanted(&*place.store).provenance;
        let format = format.filter(|_| stale.format);
        let (now, given) = (Some((self.arguments, inputs)), self.given());
        self.run.cached(&place.location, Details { stale, now, format, there, given, ..Details::default() });
    }

    /// The arguments, for the journal.
    pub(super) fn given(&self) -> Vec<Given<'static>> {
        let journal = self.run.journal();
        journal
            .map(|journal| describe(|seen| self.job.look(seen), self.run.task.parameters, journal))
            .unwrap_or_default()
    }

    /// Whether the output was stale for its inputs alone, and these have been made again and are what they were.
    pub(super) fn has_come_out_as_it_was(&mut self, place: Option<&Place<R>>) -> bool {
        let (Some(place), Some((stamp, stale))) = (place, self.run.outdated) else { return false };
        if stale != Reasons::INPUTS {
            return false;
        }
        let compared = self.compare(place, stamp);
        let is_fresh = compared.decision == Decision::Take;
        if is_fresh {
            self.taken(place, Why::Unchanged, compared);
        }
        is_fresh
    }
}

impl Run {
    /// What lies at the place now that it was saved.
    pub(super) fn found<R>(&self, place: &Place<R>, receipt: &Receipt, record: Record, bytes: u64) -> Option<There> {
        let journal = self.compares()?;
        let there = match (receipt.content.get(), receipt.stamp.get()) {
            (Some(content), Some(stamp)) => There::new(*content, *stamp, bytes),
            _ => There::from_entry(&place.store.listing().entry(&place.location).ok().flatten()?),
        };
        place.has(Content::from_fingerprint(there.content));
        let there = there.made_by(record.provenance().with_format(place.store.format()));
        journal.found(place.key, there);
        Some(there)
    }

    /// The journal, if outputs that are there are to be compared with what it knows of them.
    pub(super) fn compares(&self) -> Option<&Journal> {
        self.journal().filter(|_| self.mode.caches() && self.policy() != Stale::Ignore)
    }

    pub(super) fn policy(&self) -> Stale {
        self.context.as_ref().map(|context| context.policy(self.task)).unwrap_or_default()
    }
}
