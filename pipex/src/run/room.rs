//! The room that runs share: workers, memory, GPUs, places under tags; and those who wait for some of it.
//!
//! Who waits is served in the order of arrival: nobody later takes what an earlier one waits for, so that the large are not
//! starved by the small. Who needs none of that passes. Workers are kept free for the first that waits for nothing else.
//!
//! Calls within runs come with their run's worker. They pass those that have no worker yet: these may be waiting for that very one.
//! What holds anything else than workers never waits here again (see `Context::admit`), so it ends and gives it back.

use std::collections::{HashMap, VecDeque};

use pipex_format::model::resources::Resources;

const WORKERS: usize = 0;
const MEMORY: usize = 1;
const GPUS: usize = 2;

/// The stocks of places under tags.
type Tags = HashMap<String, usize>;

/// How much there is, how much of it is free, and who waits.
pub(crate) struct Room<W> {
    /// Workers, memory, GPUs; then the tags that have a limit.
    stocks: Vec<Stock>,
    tags: Tags,
    /// Those who wait, by what they wait for; none is empty. In each they want the same things, if not as much of them: as long as
    /// the first waits, so do the others.
    lines: Vec<Line<W>>,
    arrivals: u64,
    /// Since nobody could go on.
    has_changed: bool,
    /// Workers that are free are kept for one that waits.
    is_kept: bool,
}

#[derive(Clone, Copy)]
struct Stock {
    capacity: u64,
    free: u64,
}

/// What a run takes, or is to take.
#[derive(Clone, Copy)]
pub(crate) struct Share {
    /// None for a call within a run, which has that one's.
    workers: u64,
    memory: u64,
    gpus: u64,
    tags: &'static [&'static str],
}

struct Line<W> {
    waiting: VecDeque<Waiting<W>>,
}

struct Waiting<W> {
    arrival: u64,
    share: Share,
    /// It has waited for nothing but workers: those that are free are kept for it.
    keeps_workers: bool,
    who: W,
}

/// For whom something is free that an earlier one waits for.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Claim {
    Nobodys,
    /// For those that have a worker: the earlier one has none yet.
    Passable,
    Held,
}

impl Share {
    /// Whether it is one worker, and nothing that is counted besides.
    fn is_plain(&self, tags: &Tags) -> bool {
        self.workers == 1 && self.parts(tags).nth(1).is_none()
    }

    /// What it takes of which stock, besides nothing.
    fn parts(&self, tags: &Tags) -> impl Iterator<Item = (usize, u64)> {
        let fixed = [(WORKERS, self.workers), (MEMORY, self.memory), (GPUS, self.gpus)];
        let named = if tags.is_empty() { &[] } else { self.tags };
        let places = named.iter().filter_map(|tag| tags.get(*tag)).map(|stock| (*stock, 1));
        fixed.into_iter().filter(|(_, amount)| *amount > 0).chain(places)
    }

    fn is_nested(&self) -> bool {
        self.workers == 0
    }

    /// The same without its workers, which were given back.
    pub(crate) fn without_workers(self) -> Self {
        Share { workers: 0, ..self }
    }

    /// What is given back when only the workers are.
    pub(crate) fn workers_alone(self) -> Self {
        Share { memory: 0, gpus: 0, tags: &[], ..self }
    }

    /// Whether both want the same things.
    fn is_like(&self, other: &Share) -> bool {
        let wants = |share: &Share| (share.is_nested(), share.memory > 0, share.gpus > 0);
        wants(self) == wants(other) && self.tags == other.tags
    }
}

impl<W> Room<W> {
    /// So many workers, and so much of everything else; and of each tag so many at a time.
    pub(crate) fn new(capacity: Resources, tags: &HashMap<String, usize>) -> Self {
        let mut stocks: Vec<_> = [capacity.threads.max(1), capacity.memory, capacity.gpus].into();
        let mut places = HashMap::with_capacity(tags.len());
        for (tag, limit) in tags {
            places.insert(tag.clone(), stocks.len());
            stocks.push(*limit as u64);
        }
        let stocks = stocks.into_iter().map(|capacity| Stock { capacity, free: capacity }).collect();
        Room { stocks, tags: places, lines: Vec::new(), arrivals: 0, has_changed: false, is_kept: false }
    }

    /// What a run with these needs and tags takes; one that needs more than there is gets all there is. A call within a run has
    /// that one's workers.
    pub(crate) fn share(&self, needs: Resources, tags: &'static [&'static str], nested: bool) -> Share {
        let most = |stock: usize, amount: u64| amount.min(self.stocks[stock].capacity);
        let workers = if nested { 0 } else { most(WORKERS, needs.threads.max(1)) };
        Share { workers, memory: most(MEMORY, needs.memory), gpus: most(GPUS, needs.gpus), tags }
    }

    /// Whether somebody who needs nothing but a worker can have one.
    pub(crate) fn has_worker(&self) -> bool {
        self.stocks[WORKERS].free > 0 && !self.is_kept
    }

    /// Takes room for somebody who needs nothing but a worker that is free, who is given back. All others wait:
    /// [`grant`](Room::grant) says whose turn it is.
    pub(crate) fn enter(&mut self, share: Share, who: W) -> Option<W> {
        if self.has_worker() && share.is_plain(&self.tags) {
            self.stocks[WORKERS].free -= 1;
            return Some(who);
        }
        self.arrivals += 1;
        let waiting = Waiting { arrival: self.arrivals, share, keeps_workers: false, who };
        match self.lines.iter_mut().find(|line| line.first().share.is_like(&share)) {
            Some(line) => line.waiting.push_back(waiting),
            None => self.lines.push(Line { waiting: VecDeque::from([waiting]) }),
        }
        self.has_changed = true;
        None
    }

    /// Takes room for the next who waits and can go on.
    pub(crate) fn grant(&mut self) -> Option<(Share, W)> {
        if !self.has_changed {
            return None;
        }
        self.is_kept = false;
        let mut claims = vec![Claim::Nobodys; self.stocks.len()];
        self.lines.sort_unstable_by_key(|line| line.first().arrival);
        for index in 0..self.lines.len() {
            let share = self.lines[index].first().share;
            let may_have = |claim| claim == Claim::Nobodys || share.is_nested() && claim == Claim::Passable;
            let is_there = |(stock, amount): (usize, u64)| self.stocks[stock].free >= amount && may_have(claims[stock]);
            let others = || share.parts(&self.tags).filter(|(stock, _)| *stock != WORKERS);
            let has_workers = share.is_nested() || is_there((WORKERS, share.workers));
            let has_others = others().all(is_there);
            if has_workers && has_others {
                return Some(self.take_first(index));
            }
            let claim = if has_workers { Claim::Held } else { Claim::Passable };
            for (stock, _) in share.parts(&self.tags).filter(|(stock, _)| *stock != WORKERS) {
                if claims[stock] < claim {
                    claims[stock] = claim;
                }
            }
            let first = self.lines[index].waiting.front_mut().expect("no line is empty");
            first.keeps_workers |= has_others;
            if first.keeps_workers {
                claims[WORKERS] = Claim::Held;
                self.is_kept = true;
            }
        }
        self.has_changed = false;
        None
    }

    fn take_first(&mut self, index: usize) -> (Share, W) {
        let line = &mut self.lines[index];
        let Waiting { share, who, .. } = line.waiting.pop_front().expect("no line is empty");
        if line.waiting.is_empty() {
            self.lines.swap_remove(index);
        }
        share.parts(&self.tags).for_each(|(stock, amount)| self.stocks[stock].free -= amount);
        (share, who)
    }

    /// Gives room back.
    pub(crate) fn give_back(&mut self, share: Share) {
        share.parts(&self.tags).for_each(|(stock, amount)| self.stocks[stock].free += amount);
        self.has_changed = !self.lines.is_empty();
    }

    /// Somebody waits no longer.
    pub(crate) fn leave(&mut self, is_it: impl Fn(&W) -> bool) {
        self.lines.iter_mut().for_each(|line| line.waiting.retain(|waiting| !is_it(&waiting.who)));
        self.lines.retain(|line| !line.waiting.is_empty());
        (self.has_changed, self.is_kept) = (true, false);
    }

    /// Whether all is free, and nobody waits.
    #[cfg(test)]
    pub(crate) fn is_at_rest(&self) -> bool {
        self.lines.is_empty() && self.stocks.iter().all(|stock| stock.free == stock.capacity)
    }
}

impl<W> Line<W> {
    fn first(&self) -> &Waiting<W> {
        self.waiting.front().expect("no line is empty")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::{Room, Share};
    use pipex_format::model::resources::Resources;

    fn room(workers: u64) -> Room<&'static str> {
        let capacity = Resources::new().threads(workers).memory(4);
        Room::new(capacity, &HashMap::from([("tag".to_owned(), 1)]))
    }

    impl Room<&'static str> {
        fn asks(&mut self, who: &'static str, needs: Resources, tags: &'static [&'static str], nested: bool) -> Share {
            let share = self.share(needs, tags, nested);
            if self.enter(share, who).is_some() {
                panic!("a plain run that has a worker does not wait");
            }
            share
        }

        fn granted(&mut self) -> Vec<&'static str> {
            std::iter::from_fn(|| self.grant()).map(|(_, who)| who).collect()
        }
    }

    const NONE: Resources = Resources::new();

    #[test]
    fn a_large_one_is_not_passed_by_those_that_need_the_same() {
        let mut room = room(8);
        let first = room.asks("first", NONE.memory(1), &[], false);
        assert_eq!(room.granted(), ["first"]);
        let large = room.asks("large", NONE.memory(4), &[], false);
        let small = room.asks("small", NONE.memory(1), &[], false);
        let other = room.asks("other", NONE, &["tag"], false);
        let nested = room.asks("nested", NONE.memory(1), &[], true);
        assert_eq!(room.granted(), ["other"], "a worker is free for the large one: it waits for memory alone");
        assert!(room.has_worker() && room.enter(room.share(NONE, &[], false), "plain").is_some());
        room.give_back(first);
        assert_eq!(room.granted(), ["large"]);
        room.give_back(large);
        assert_eq!(room.granted(), ["small", "nested"]);
        let plain = room.share(NONE, &[], false);
        [small, other, nested, plain].into_iter().for_each(|share| room.give_back(share));
        assert!(room.is_at_rest());
    }

    #[test]
    fn calls_within_runs_pass_those_that_have_no_worker() {
        let mut room = room(1);
        let outer = room.share(NONE, &[], false);
        assert_eq!(room.enter(outer, "outer"), Some("outer"));
        let waits = room.asks("waits", NONE.memory(4), &["tag"], false);
        let inner = room.asks("inner", NONE.memory(3), &["tag"], true);
        assert_eq!(room.granted(), ["inner"], "or the outer run would never give its worker back");
        room.give_back(inner);
        assert_eq!(room.granted(), [""; 0]);
        room.give_back(outer);
        assert_eq!(room.granted(), ["waits"]);
        room.give_back(waits);
        assert!(room.is_at_rest());
    }

    #[test]
    fn workers_are_kept_for_one_that_needs_several_until_it_leaves() {
        let mut room = room(2);
        let plain = room.share(NONE, &[], false);
        assert_eq!(room.enter(plain, "plain"), Some("plain"));
        let wide = room.asks("wide", NONE.threads(9), &[], false);
        assert_eq!((room.granted().len(), room.has_worker()), (0, false), "one is free, and kept");
        room.give_back(plain);
        assert_eq!(room.granted(), ["wide"]);
        room.asks("wider", NONE.threads(2), &[], false);
        room.give_back(wide);
        room.leave(|who| *who == "wider");
        assert_eq!(room.granted(), [""; 0]);
        assert!(room.has_worker() && room.is_at_rest());
    }
}
