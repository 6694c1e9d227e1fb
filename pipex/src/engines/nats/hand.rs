//! What a worker has in hand: jobs that run, no more than fit, and those that wait.

use std::collections::{HashMap, VecDeque};

use crate::remote::{Room, Share};
use pipex_format::model::resources::Resources;

/// Jobs by their places in the stream.
pub(super) struct Hand<J> {
    jobs: HashMap<u64, JobInHand<J>>,
    room: Room<u64>,
    /// Those that have room, and no thread yet.
    ready: VecDeque<(u64, Share)>,
    capacity: Resources,
}

struct JobInHand<J> {
    job: J,
    step: Step,
    /// How many threads it takes, or is to take.
    threads: u64,
}

#[derive(Clone, Copy, PartialEq)]
enum Step {
    /// It waits for a thread.
    Queued,
    /// It waits for what it needs besides a thread.
    Waits,
    HasRoom,
    /// From when a thread has it until it is let go.
    Started,
}

impl<J: Clone> Hand<J> {
    pub(super) fn new(capacity: Resources) -> Self {
        let room = Room::new(capacity, &HashMap::new());
        Hand { jobs: HashMap::new(), room, ready: VecDeque::new(), capacity }
    }

    /// Takes a job that fits here when all else has ended. One that is in hand already goes on as it is.
    pub(super) fn take(&mut self, key: u64, job: J, needs: Resources) {
        if self.jobs.contains_key(&key) {
            return;
        }
        let share = self.room.share(needs, &[], false);
        let step = if needs.is_plain() { Step::Queued } else { Step::Waits };
        self.jobs.insert(key, JobInHand { job, step, threads: needs.threads.clamp(1, self.capacity.threads) });
        match self.room.enter(share, key) {
            Some(key) => self.be_ready(key, share),
            None => self.grant(),
        }
    }

    fn be_ready(&mut self, key: u64, share: Share) {
        if let Some(it) = self.jobs.get_mut(&key) {
            it.step = Step::HasRoom;
        }
        self.ready.push_back((key, share));
    }

    fn grant(&mut self) {
        while let Some((share, key)) = self.room.grant() {
            self.be_ready(key, share);
        }
    }

    /// How many can be started now.
    pub(super) fn count_ready(&self) -> usize {
        self.ready.len()
    }

    /// The next that is to be started, and the room that it has.
    pub(super) fn start(&mut self) -> Option<(J, Share)> {
        let (key, share) = self.ready.pop_front()?;
        let it = self.jobs.get_mut(&key)?;
        it.step = Step::Started;
        Some((it.job.clone(), share))
    }

    /// Gives the room of one back that has run.
    pub(super) fn give_back(&mut self, share: Share) {
        self.room.give_back(share);
        self.grant();
    }

    /// It is done.
    pub(super) fn let_go(&mut self, key: u64) {
        self.jobs.remove(&key);
    }

    /// Lets go of all that has not been started.
    pub(super) fn let_go_of_unstarted(&mut self) -> Vec<J> {
        self.room.leave(|_| true);
        self.ready.clear();
        self.jobs.extract_if(|_, it| it.step != Step::Started).map(|(_, it)| it.job).collect()
    }

    /// All that is in hand.
    pub(super) fn jobs(&self) -> impl Iterator<Item = &J> {
        self.jobs.values().map(|it| &it.job)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// Whether the job waits for more than a thread.
    pub(super) fn waits(&self, key: u64) -> bool {
        self.jobs.get(&key).is_some_and(|it| it.step == Step::Waits)
    }

    /// How many more may be taken, `ahead` of them before there is a thread. While one waits for what others have, no more than can
    /// run beside it: another worker may have room for the rest.
    pub(super) fn count_wanted(&self, ahead: usize) -> usize {
        if self.jobs.values().any(|it| it.step == Step::Waits) {
            return usize::from(self.room.has_worker());
        }
        let taken: u64 = self.jobs.values().map(|it| it.threads).sum();
        let wanted = self.capacity.threads.saturating_add(ahead as u64).saturating_sub(taken);
        usize::try_from(wanted).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::Hand;
    use pipex_format::model::resources::Resources;

    const NEEDS: Resources = Resources::new();

    fn started(hand: &mut Hand<&'static str>) -> Vec<&'static str> {
        std::iter::from_fn(|| hand.start()).map(|(job, _)| job).collect()
    }

    #[test]
    fn what_does_not_fit_waits_in_hand_and_is_not_passed_by_what_needs_the_same() {
        let mut hand = Hand::new(Resources::new().threads(4).memory(16));
        hand.take(1, "small", NEEDS.memory(8));
        let (_, small) = hand.start().unwrap();
        assert_eq!(hand.count_wanted(0), 3);
        hand.take(2, "large", NEEDS.memory(12));
        hand.take(3, "also small", NEEDS.memory(8));
        assert!(hand.waits(2) && hand.waits(3) && !hand.waits(1));
        hand.take(4, "plain", NEEDS);
        assert_eq!(started(&mut hand), ["plain"]);
        assert_eq!(hand.count_wanted(100), 1, "what can run at once");
        hand.give_back(small);
        hand.let_go(1);
        let (job, large) = hand.start().unwrap();
        assert_eq!((job, hand.waits(2), hand.waits(3)), ("large", false, true));
        hand.give_back(large);
        assert_eq!(started(&mut hand), ["also small"]);
    }

    #[test]
    fn threads_are_counted_and_no_more_is_taken_while_they_are_kept() {
        let mut hand = Hand::new(Resources::new().threads(4).memory(16));
        hand.take(1, "plain", NEEDS);
        let (_, plain) = hand.start().unwrap();
        hand.take(2, "wide", NEEDS.threads(99));
        assert_eq!((started(&mut hand).len(), hand.count_wanted(100)), (0, 0));
        hand.give_back(plain);
        hand.let_go(1);
        assert_eq!(started(&mut hand), ["wide"], "it has all there are");
        assert_eq!((hand.count_wanted(0), hand.count_wanted(2)), (0, 2));
    }

    #[test]
    fn what_has_not_been_started_is_given_back_at_the_end() {
        let mut hand = Hand::new(Resources::new().threads(2).memory(16));
        hand.take(1, "runs", NEEDS.memory(16));
        assert_eq!(started(&mut hand), ["runs"]);
        hand.take(2, "waits", NEEDS.memory(1));
        hand.take(2, "twice", NEEDS.memory(1));
        hand.take(3, "has room", NEEDS);
        let mut given_back = hand.let_go_of_unstarted();
        given_back.sort_unstable();
        assert_eq!(given_back, ["has room", "waits"]);
        assert_eq!((hand.count_ready(), hand.jobs().count()), (0, 1));
        hand.let_go(1);
        assert!(hand.is_empty());
    }
}
