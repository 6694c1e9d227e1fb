//! All targets: a row for each, without what many have in common, and what few have.

use std::collections::HashMap;

use jiff::Timestamp;
use pipex_format::journal::{Provenance, Stored, Why};
use pipex_format::model::fingerprint::Fingerprint;
use pipex_format::model::provenance::Reasons;
use pipex_format::model::state::State;
use pipex_format::model::target::Location;
use pipex_format::store::Stamp;
use serde::{Deserialize, Serialize};

use crate::names::Names;
use crate::numbers;
use crate::target::{CallFingerprints, InputEdge, KnownOutput, LastEvent, Origin, TaskFailure};

/// All targets, by their numbers. There may be a million of them, and most of what is known of one is the same of many.
#[derive(Default)]
pub struct Targets {
    pub names: Names,
    pub(super) rows: Vec<Row>,
    pub(super) commons: Vec<Common>,
    /// The numbers of what stands in `commons`, as far as somebody has asked.
    numbers: HashMap<Common, u32>,
    pub(super) extras: Vec<Extra>,
    /// What outputs were made from, those of each side by side, and how many of these are no row's any more.
    pub(super) inputs: Vec<InputEdge>,
    dead: usize,
}

/// What is known of a target alone. What is not known is zero.
#[derive(Clone, Copy, Serialize, Deserialize)]
pub(super) struct Row {
    /// The number of what it has in common with others.
    pub common: u32,
    /// The number and one of what few have.
    pub extra: u32,
    /// What it was made from: where that begins, and how many they are.
    pub inputs: u32,
    pub input_count: u32,
    pub stamp: Stamp,
    pub bytes: u64,
    #[serde(with = "numbers::fingerprint")]
    pub content: Option<Fingerprint>,
    #[serde(with = "numbers::fingerprint")]
    pub made_of_arguments: Option<Fingerprint>,
    #[serde(with = "numbers::fingerprint")]
    pub made_of_inputs: Option<Fingerprint>,
    pub at: f64,
    pub elapsed: f64,
    /// Nanoseconds since 1970.
    pub found: i64,
    /// When the last run of it was.
    pub last_at: f64,
}

/// What is known of many targets.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Common {
    pub store: u32,
    pub function: Option<u32>,
    pub is_lazy: bool,
    pub made: Option<CommonMade>,
    pub last: Option<CommonLast>,
    /// Its last call was stale or failed, and takes what it was made from.
    takes_the_same: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct CommonMade {
    pub origin: Origin,
    pub run: u32,
    pub confirmed_by: u32,
    #[serde(with = "numbers::fingerprint")]
    code: Option<Fingerprint>,
    #[serde(with = "numbers::fingerprint")]
    format: Option<Fingerprint>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct CommonLast {
    pub run: u32,
    state: State,
    why: Why,
    stale: Reasons,
    removed: bool,
    /// It would be made from the same arguments and inputs, as where only code has changed.
    is_of_the_same: bool,
}

/// What is known of few targets.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(super) struct Extra {
    /// The content as it was made, if it was edited.
    #[serde(with = "numbers::fingerprint")]
    original: Option<Fingerprint>,
    /// What its last call takes, where that is something else.
    pub takes: Option<Box<[InputEdge]>>,
    source: Option<(Fingerprint, Stamp)>,
    failure: Option<Box<TaskFailure>>,
    now: Option<CallFingerprints>,
}

/// An output, or a file whose path was an argument.
#[derive(Clone, Copy)]
pub struct Target<'t> {
    targets: &'t Targets,
    index: usize,
}

impl<'t> Target<'t> {
    pub fn index(self) -> usize {
        self.index
    }

    pub fn name(self) -> &'t str {
        self.targets.names.get(self.index)
    }

    pub fn location(self) -> Location {
        Location::new(self.name())
    }

    pub fn store(self) -> usize {
        self.common().store as usize
    }

    /// The task function that made it last; a file that was an argument has none.
    pub fn function(self) -> Option<u32> {
        self.common().function
    }

    /// Whether its last call was lazy.
    pub fn is_lazy(self) -> bool {
        self.common().is_lazy
    }

    /// What lies there, and how it was made.
    #[inline]
    pub fn made(self) -> Option<KnownOutput> {
        let (row, CommonMade { origin, run, confirmed_by, code, format }) = (self.row(), self.common().made?);
        let provenance = Provenance::new(code, row.made_of_arguments, row.made_of_inputs).with_format(format);
        let mut stored = Stored::new(row.content, provenance);
        stored.original = self.extra().and_then(|extra| extra.original);
        let found = Timestamp::from_nanosecond(row.found.into()).unwrap_or(Timestamp::UNIX_EPOCH);
        let Row { stamp, bytes, at, elapsed, .. } = *row;
        Some(KnownOutput { stored, stamp, bytes, origin, run, at, elapsed, confirmed_by, found })
    }

    /// What lies there, as it was recognized last.
    #[inline]
    pub fn stamp(self) -> Option<Stamp> {
        self.common().made.map(|_| self.row().stamp)
    }

    /// What it was made from.
    pub fn inputs(self) -> &'t [InputEdge] {
        let Row { inputs, input_count, .. } = *self.row();
        &self.targets.inputs[inputs as usize..][..input_count as usize]
    }

    /// What its last call takes.
    pub fn takes(self) -> &'t [InputEdge] {
        self.takes_others().unwrap_or(self.inputs())
    }

    /// The same, where that is not what it was made from, or if it failed.
    pub fn takes_others(self) -> Option<&'t [InputEdge]> {
        if self.common().takes_the_same { Some(self.inputs()) } else { self.extra()?.takes.as_deref() }
    }

    /// What became of it last.
    #[inline]
    pub fn last(self) -> Option<LastEvent<'t>> {
        let CommonLast { run, state, why, stale, removed, is_of_the_same } = self.common().last?;
        let (failure, other) = self.extra().map_or((None, None), |extra| (extra.failure.as_deref(), extra.now));
        let now = if is_of_the_same { self.made_of() } else { other };
        Some(LastEvent { run, at: self.row().last_at, state, why, stale, failure, now, removed })
    }

    /// A call that would make it from the same.
    fn made_of(self) -> Option<CallFingerprints> {
        let Row { made_of_arguments, made_of_inputs, .. } = *self.row();
        Some(CallFingerprints { arguments: made_of_arguments?, inputs: made_of_inputs, format: None })
    }

    /// What lay there when its path was an argument: content and stamp.
    pub fn source(self) -> Option<(Fingerprint, Stamp)> {
        self.extra()?.source
    }

    fn row(self) -> &'t Row {
        &self.targets.rows[self.index]
    }

    fn common(self) -> &'t Common {
        &self.targets.commons[self.row().common as usize]
    }

    fn extra(self) -> Option<&'t Extra> {
        Some(&self.targets.extras[self.row().extra.checked_sub(1)? as usize])
    }
}

impl Targets {
    /// Of which rows are to come, which have these in common.
    pub(super) fn with_commons(commons: Vec<Common>) -> Self {
        Targets { commons, ..Targets::default() }
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn get(&self, index: usize) -> Target<'_> {
        Target { targets: self, index }
    }

    pub fn iter(&self) -> impl DoubleEndedIterator<Item = Target<'_>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// The target with this name in the store with this number.
    pub fn find(&self, store: usize, name: &str) -> Option<usize> {
        self.names.find(name, |index| self.get(index).store() == store)
    }

    /// Sorts these numbers, of which none is there twice, by the names of the targets; of the same name by themselves.
    pub fn sort(&self, indices: &mut Vec<usize>) {
        // To go through all takes as long as it takes to sort one in a hundred.
        if indices.len() < self.len() / 100 {
            indices.sort_by(|one, other| self.get(*one).name().cmp(self.get(*other).name()).then(one.cmp(other)));
            return;
        }
        let mut is_in = vec![false; self.len()];
        indices.drain(..).for_each(|index| is_in[index] = true);
        indices.extend(self.names.sorted().iter().map(|index| *index as usize).filter(|index| is_in[*index]));
    }

    /// Adds one that is not known yet; its number.
    pub fn add(&mut self, store: usize, name: &str) -> usize {
        let common = self.number_common(Common {
            store: store as u32,
            function: None,
            is_lazy: false,
            made: None,
            last: None,
            takes_the_same: false,
        });
        self.rows.push(Row {
            common,
            extra: 0,
            inputs: 0,
            input_count: 0,
            stamp: Stamp::new(0),
            bytes: 0,
            content: None,
            made_of_arguments: None,
            made_of_inputs: None,
            at: 0.0,
            elapsed: 0.0,
            found: 0,
            last_at: 0.0,
        });
        self.names.add(name)
    }

    pub fn set_function(&mut self, index: usize, function: u32) {
        self.change_common(index, |common| common.function = Some(function));
    }

    pub fn set_lazy(&mut self, index: usize, is_lazy: bool) {
        self.change_common(index, |common| common.is_lazy = is_lazy);
    }

    pub fn set_source(&mut self, index: usize, content: Fingerprint, stamp: Stamp) {
        self.change_extra(index, true, |extra| extra.source = Some((content, stamp)));
    }

    /// What the last call takes, if it was stale or failed.
    pub fn set_takes(&mut self, index: usize, takes: Option<&[InputEdge]>) {
        let is_same = takes == Some(self.get(index).inputs());
        let takes = takes.filter(|_| !is_same);
        self.change_common(index, |common| common.takes_the_same = is_same);
        self.change_extra(index, takes.is_some(), |extra| extra.takes = takes.map(Box::from));
    }

    pub fn set_last(&mut self, index: usize, last: LastEvent<'_>) {
        let LastEvent { run, at, state, why, stale, failure, now, removed } = last;
        self.rows[index].last_at = at;
        let is_of_the_same = now.is_some() && now == self.get(index).made_of();
        let now = now.filter(|_| !is_of_the_same);
        let last = CommonLast { run, state, why, stale, removed, is_of_the_same };
        self.change_common(index, |common| common.last = Some(last));
        self.change_extra(index, failure.is_some() || now.is_some(), |extra| {
            (extra.failure, extra.now) = (failure.map(|failure| Box::new(failure.clone())), now);
        });
    }

    /// What lies there, and what it was made from, unless that is as it was. What [became of it last](Self::set_last) is to be said after
    /// that.
    pub fn set_made(&mut self, index: usize, made: &KnownOutput, inputs: Option<&[InputEdge]>) {
        let KnownOutput { stored, stamp, bytes, origin, run, at, elapsed, confirmed_by, found } = *made;
        let Provenance { code, arguments, inputs: of_inputs, format, .. } = stored.provenance;
        let common_made = CommonMade { origin, run, confirmed_by, code, format };
        self.change_common(index, |common| (common.made, common.last) = (Some(common_made), None));
        let row = &mut self.rows[index];
        (row.stamp, row.bytes, row.content) = (stamp, bytes, stored.content);
        (row.made_of_arguments, row.made_of_inputs) = (arguments, of_inputs);
        (row.at, row.elapsed) = (at, elapsed);
        // No clock is set to what is not between 1677 and 2262.
        row.found = found.as_nanosecond().clamp(i64::MIN.into(), i64::MAX.into()) as i64;
        self.change_extra(index, stored.original.is_some(), |extra| extra.original = stored.original);
        if let Some(inputs) = inputs.filter(|inputs| *inputs != self.get(index).inputs()) {
            let takes: Option<Box<[_]>> = self.get(index).takes_others().map(Box::from);
            self.set_inputs(index, inputs);
            self.set_takes(index, takes.as_deref());
        }
    }

    fn set_inputs(&mut self, index: usize, inputs: &[InputEdge]) {
        let row = &mut self.rows[index];
        self.dead += row.input_count as usize;
        (row.inputs, row.input_count) = (self.inputs.len() as u32, inputs.len() as u32);
        self.inputs.extend(inputs);
        if self.dead > self.inputs.len() / 2 {
            let mut living = Vec::with_capacity(self.inputs.len() - self.dead);
            for row in &mut self.rows {
                let inputs = &self.inputs[row.inputs as usize..][..row.input_count as usize];
                row.inputs = living.len() as u32;
                living.extend(inputs);
            }
            (self.inputs, self.dead) = (living, 0);
        }
    }

    /// What it has in common with others now.
    fn change_common(&mut self, index: usize, change: impl FnOnce(&mut Common)) {
        let number = self.rows[index].common as usize;
        let mut common = self.commons[number];
        change(&mut common);
        if common != self.commons[number] {
            self.rows[index].common = self.number_common(common);
        }
    }

    fn number_common(&mut self, common: Common) -> u32 {
        if self.numbers.is_empty() {
            self.numbers = self.commons.iter().copied().zip(0..).collect();
        }
        *self.numbers.entry(common).or_insert_with_key(|common| {
            self.commons.push(*common);
            self.commons.len() as u32 - 1
        })
    }

    /// What few have besides, if it has such, or is to have.
    fn change_extra(&mut self, index: usize, is_to_have: bool, change: impl FnOnce(&mut Extra)) {
        let row = &mut self.rows[index];
        if row.extra == 0 && is_to_have {
            self.extras.push(Extra::default());
            row.extra = self.extras.len() as u32;
        }
        if row.extra > 0 {
            change(&mut self.extras[row.extra as usize - 1]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_it_takes_stays_when_it_is_made_from_something_else_and_so_do_the_inputs_of_others() {
        let mut targets = Targets::default();
        let [one, other] = ["one", "other"].map(|name| targets.add(0, name));
        let (stored, stamp, found) = (Stored::default(), Stamp::new(1), Timestamp::UNIX_EPOCH);
        let (run, confirmed_by, origin, bytes, at, elapsed) = (0, 0, Origin::Made, 1, 0.0, 0.0);
        let made = KnownOutput { stored, stamp, bytes, origin, run, at, elapsed, confirmed_by, found };
        let input = |index: u32| InputEdge { index, is_source: false, content: None };
        targets.set_made(other, &made, Some(&[input(7), input(8)]));
        targets.set_takes(one, Some(&[]));
        for number in 0..10 {
            targets.set_made(one, &made, Some(&[input(number)]));
            assert!(
                targets.get(one).inputs() == [input(number)] && targets.get(other).inputs() == [input(7), input(8)]
            );
            let before = number.checked_sub(1).map(input);
            assert!(targets.get(one).takes() == before.as_slice(), "{number}");
            targets.set_takes(one, Some(&[input(number)]));
            assert!(targets.get(one).takes_others() == Some(&[input(number)]));
        }
        assert!(targets.inputs.len() < 8, "none is kept that is of no use");
    }
}
