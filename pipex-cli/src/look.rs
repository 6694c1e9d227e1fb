//! How outputs stand: what the journals say of them, and what is there.

use std::collections::HashMap;

use jiff::Timestamp;
use pipex::journal::There;
use pipex::store::Entry;
use pipex::{Fingerprint, Location, Reasons, State};

use crate::Error;
use crate::project::{Last, Project, Target};

/// How an output stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// There, and what its call would give.
    Fresh,
    /// There, and not what its call would give.
    Stale,
    /// There, and nothing makes it any more.
    Orphaned,
    /// There, and not known to be pipex's work: edited since, or its journal is gone and it does not say itself.
    Foreign,
    /// Being made by a process that runs.
    Running,
    /// Not there.
    Missing,
    /// Not to be told: the store cannot be opened.
    Unknown,
}

/// What was found when an output was looked at.
pub struct Look {
    pub condition: Condition,
    pub stale: Reasons,
    /// When it was saved.
    pub saved: Option<Timestamp>,
    pub bytes: u64,
}

impl Project {
    /// Looks at a target where it is.
    pub fn look(&self, place: usize, orphans: &[bool]) -> Result<Look, Error> {
        let target = &self.targets[place];
        let nothing = |condition| Look { condition, stale: Reasons::default(), saved: None, bytes: 0 };
        let Some(store) = self.store(target) else { return Ok(nothing(Condition::Unknown)) };
        let location = target.location();
        let failed = |source| Error::Store { target: target.name.to_string(), source };
        let is_running = |last: &Last| last.state == State::Running && self.runs[last.run as usize].is_live;
        if target.last.as_ref().is_some_and(is_running) {
            return Ok(nothing(Condition::Running));
        }
        let Some(stamp) = store.stamp(&location).map_err(failed)? else { return Ok(nothing(Condition::Missing)) };
        let made = target.made.as_ref().filter(|made| made.there.stamp == stamp.get());
        let (there, saved, bytes) = match made {
            Some(made) => {
                let saved = self.runs[made.run as usize].moment(made.at + made.elapsed);
                (Some(made.there), Some(saved), made.there.bytes)
            }
            None => {
                // Another file than the journal knows: its content decides.
                let Some(entry) = store.entry(&location).map_err(failed)? else {
                    return Ok(nothing(Condition::Missing));
                };
                let known = target.made.as_ref().map(|made| made.there);
                (of_entry(&entry, known), Timestamp::try_from(entry.saved).ok(), entry.bytes)
            }
        };
        let stale = there.map(|there| self.reasons(target, there)).unwrap_or_default();
        let condition = match () {
            () if target.function.is_some() && there.is_none_or(|there| there.code == Fingerprint::NONE) => {
                Condition::Foreign
            }
            () if orphans.get(place).is_some_and(|orphan| *orphan) => Condition::Orphaned,
            () if !stale.is_empty() => Condition::Stale,
            () => Condition::Fresh,
        };
        Ok(Look { condition, stale, saved, bytes })
    }

    /// Why what lies there is not what its call would give now.
    fn reasons(&self, target: &Target, there: There) -> Reasons {
        let mut reasons = Reasons::default();
        let last = target.last.as_ref().filter(|last| last.state == State::Cached);
        if let Some(function) = self.function(target) {
            reasons.code = differ(there.code, function.code);
        }
        if let Some((arguments, inputs)) = last.and_then(|last| last.now) {
            reasons.arguments = differ(there.arguments, arguments);
            reasons.inputs = differ(there.inputs, inputs);
        }
        reasons.inputs |= last.is_some_and(|last| last.stale.inputs);
        for (input, content) in target.made.iter().flat_map(|made| &*made.inputs) {
            if let Some(now) = &self.targets[*input as usize].made {
                reasons.inputs |= differ(*content, now.there.content);
            }
        }
        reasons
    }

    /// Whether the last run that was to make it did not.
    pub fn has_failed(&self, target: &Target) -> bool {
        let failed = |last: &Last| match last.state {
            State::Running => !self.runs[last.run as usize].is_live,
            state => state.has_ended() && !state.is_success(),
        };
        target.last.as_ref().is_some_and(failed)
    }

    /// Outputs that say themselves that pipex made them, and of which the journal does not know: beside those that it knows.
    pub fn unrecorded(&self) -> Result<Vec<Location>, Error> {
        let mut unrecorded = Vec::new();
        for (number, (address, store)) in self.stores.iter().enumerate() {
            let Some(store) = store else { continue };
            let failed = |source| Error::Store { target: address.clone(), source };
            let mut unknown = Vec::new();
            for prefix in self.prefixes(number as u32) {
                let mut each = |location: Location| {
                    let key = (number as u32, location.as_str().into());
                    let is_hidden =
                        location.path().file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(b"."));
                    if !self.places.contains_key(&key) && !is_hidden {
                        unknown.push(location);
                    }
                };
                store.list(&prefix, &mut each).map_err(failed)?;
            }
            for location in unknown {
                // What cannot be looked at says nothing of itself.
                if store.entry(&location).ok().flatten().is_some_and(|entry| entry.made.is_some()) {
                    unrecorded.push(location);
                }
            }
        }
        Ok(unrecorded)
    }

    /// Where the outputs of a store are: of files their directories, none within another.
    fn prefixes(&self, store: u32) -> Vec<String> {
        if store > 0 {
            return vec![String::new()];
        }
        let outputs = self.targets.iter().filter(|target| target.store == store && target.function.is_some());
        let mut prefixes: Vec<_> =
            outputs.filter_map(|target| Some(format!("{}/", target.name.rsplit_once('/')?.0))).collect();
        prefixes.sort();
        prefixes.dedup_by(|next, first| next.starts_with(first.as_str()));
        prefixes
    }

    /// Which nothing makes any more: the last whole run of their flow, and those beside it, did not meet them, nor anything
    /// made from them.
    pub fn orphans(&self) -> Vec<bool> {
        let mut last_whole = HashMap::new();
        for (number, run) in self.runs.iter().enumerate().filter(|(_, run)| run.is_complete()) {
            last_whole.insert(run.flow(), number as u32);
        }
        let is_met = |target: &Target| {
            let run = &self.runs[target.met as usize];
            let until = run.moment(run.elapsed.unwrap_or_default());
            let whole = last_whole.get(run.flow());
            whole.is_none_or(|whole| run.is_live || target.met >= *whole || until > self.runs[*whole as usize].started)
        };
        let mut orphans = vec![true; self.targets.len()];
        let mut met: Vec<usize> = self.outputs().filter(|place| is_met(&self.targets[*place])).collect();
        while let Some(place) = met.pop() {
            if std::mem::replace(&mut orphans[place], false)
                && let Some(made) = &self.targets[place].made
            {
                met.extend(made.inputs.iter().map(|(input, _)| *input as usize));
            }
        }
        orphans
    }
}

/// Whether both are known, and not the same.
pub fn differ(then: Fingerprint, now: Fingerprint) -> bool {
    then != Fingerprint::NONE && now != Fingerprint::NONE && then != now
}

/// What the entry says of itself; else what is known of the same content.
fn of_entry(entry: &Entry, known: Option<There>) -> Option<There> {
    let content = entry.content?;
    match entry.made {
        Some(_) => Some(There::of(entry)),
        None => known.filter(|known| known.content == content),
    }
}
