//! What a team shares, fetched before it is asked for.
//!
//! Whoever made the objects put one after the other there, and whoever takes them takes them in that order, or nearly. So while one is taken,
//! those come that were put into its directory after it, as far as a list shows them. A wrong guess costs a request, and of those there are no
//! more than [`MOST`] in a flow run: as many as wait to be asked for.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc;
use std::time::SystemTime;

use bytes::Bytes;

use super::lists::Lists;
use super::seen::Seen;

/// Objects that are under way, or have come, and were not asked for.
const MOST: usize = 32;
/// Their bytes.
const MOST_BYTES: u64 = 64 << 20;
/// How many are looked at to find such.
const LOOKED_AT: usize = 4 * MOST;

/// A request of which nothing is known yet but that it was begun.
type Underway = mpsc::Receiver<object_store::Result<Bytes>>;

/// What has been fetched of a bucket.
#[derive(Default)]
pub(super) struct Ahead {
    /// The objects of directories that have been listed, in the order in which they were put there.
    orders: HashMap<String, Vec<Put>>,
    fetched: HashMap<String, (u64, Underway)>,
    bytes: u64,
    /// All that was taken or fetched: nothing is fetched twice.
    begun: HashSet<String>,
}

/// An object, by when it was put there.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Put {
    saved: SystemTime,
    pub(super) path: String,
    bytes: u64,
}

impl Lists {
    /// What has been fetched of this object, if it has been, and what is to be fetched now.
    pub(super) fn next(&mut self, path: &str) -> (Option<Underway>, Vec<Put>) {
        let (Some(seen), Some(directory)) = (self.find(path), self.listed_directory(path).map(str::to_owned)) else {
            return (None, Vec::new());
        };
        if !self.ahead.orders.contains_key(&directory) {
            let prefix = format!("{directory}/");
            let found = self.all().filter(|(path, _)| path.starts_with(&prefix));
            let mut order: Vec<_> = found.map(|(path, seen)| Put::new(path, seen)).collect();
            order.sort_unstable();
            self.ahead.orders.insert(directory.clone(), order);
        }
        let Ahead { orders, fetched, bytes, begun } = &mut self.ahead;
        begun.insert(path.to_owned());
        let this = fetched.remove(path).map(|(length, this)| {
            *bytes -= length;
            this
        });
        let order = &orders[&directory];
        let after = order.partition_point(|put| *put <= Put::new(path, &seen));
        let (mut room, mut room_bytes) = (MOST - fetched.len(), MOST_BYTES - *bytes);
        let mut next = Vec::new();
        for put in order[after..].iter().take(LOOKED_AT).filter(|put| !begun.contains(&put.path)) {
            if room == 0 || put.bytes > room_bytes {
                break;
            }
            (room, room_bytes) = (room - 1, room_bytes - put.bytes);
            next.push(Put { path: put.path.clone(), ..*put });
        }
        begun.extend(next.iter().map(|put| put.path.clone()));
        (this, next)
    }

    pub(super) fn fetches(&mut self, put: Put, begun: Underway) {
        self.ahead.bytes += put.bytes;
        self.ahead.fetched.insert(put.path, (put.bytes, begun));
    }
}

impl Put {
    fn new(path: &str, seen: &Seen) -> Self {
        Put { saved: seen.saved, path: path.to_owned(), bytes: seen.bytes }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Objects of so many bytes, one put there a second after the other.
    fn listed(count: u64, bytes: u64) -> Lists {
        let seen = |number| Seen::new(Some("x"), bytes, SystemTime::UNIX_EPOCH + Duration::from_secs(number));
        let mut lists = Lists::default();
        lists.add("run".to_owned(), (0..count).map(|number| (format!("run/{number}"), seen(number))).collect());
        lists
    }

    /// What is fetched while this one is taken.
    fn take(lists: &mut Lists, number: u64) -> (bool, Vec<String>) {
        let (this, next) = lists.next(&format!("run/{number}"));
        let paths = next.iter().map(|put| put.path.clone()).collect();
        next.into_iter().for_each(|put| lists.fetches(put, mpsc::channel().1));
        (this.is_some(), paths)
    }

    #[test]
    fn what_was_put_there_next_comes_before_it_is_asked_for() {
        let mut lists = listed(100, 1_000);
        assert_eq!(take(&mut lists, 8), (false, (9..41).map(|number| format!("run/{number}")).collect()));
        for number in 9..68 {
            assert_eq!(take(&mut lists, number), (true, vec![format!("run/{}", number + 32)]));
        }
        // Nobody asks for those at the end; and what stands before the first has not come.
        assert_eq!(take(&mut lists, 0), (false, Vec::new()));
    }

    #[test]
    fn no_more_wait_than_may() {
        let mut lists = listed(1_000, 1_000);
        let wrong: usize = (0..10).map(|number| take(&mut lists, number * 100).1.len()).sum();
        assert_eq!(wrong, MOST);
        let mut lists = listed(1_000, MOST_BYTES / 4);
        assert_eq!(take(&mut lists, 0).1.len(), 4);
        assert_eq!(take(&mut lists, 1).1, ["run/5"]);
        assert_eq!(take(&mut listed(10, MOST_BYTES + 1), 0).1, [""; 0]);
    }
}
