//! What a team shares, fetched before it is asked for.
//!
//! Whoever made the objects put one after the other there, and whoever takes them takes them in that order, or nearly. So while one is taken,
//! those come that were put into its directory after it, as far as a list shows them: each directory for itself, since a pipeline goes from one to
//! the other. A wrong guess costs a request, and of those there are no more in a flow run than may wait to be asked for.

use std::collections::{HashMap, HashSet};
use std::sync::mpsc;
use std::time::SystemTime;

use bytes::Bytes;

use super::lists::Lists;
use super::seen::Seen;

/// Objects of a directory that are under way, or have come, and were not asked for.
const MOST: usize = 32;
/// Those of all directories.
const MOST_IN_ALL: usize = 8 * MOST;
/// Their bytes.
const MOST_BYTES: u64 = 64 << 20;
/// How many are looked at to find such.
const LOOKED_AT: usize = 4 * MOST;

/// A request of which nothing is known yet but that it was begun.
type Underway = mpsc::Receiver<object_store::Result<Bytes>>;

/// What has been fetched of a bucket.
#[derive(Default)]
pub(super) struct Ahead {
    /// Those of directories that have been listed.
    orders: HashMap<String, Order>,
    fetched: HashMap<String, Fetched>,
    bytes: u64,
    /// All that was taken or fetched: nothing is fetched twice.
    begun: HashSet<String>,
}

/// The objects of a directory, in the order in which they were put there.
#[derive(Default)]
struct Order {
    puts: Vec<Put>,
    /// How many of them are fetched, and were not asked for.
    fetched: usize,
}

/// An object that is under way, or has come.
struct Fetched {
    directory: String,
    bytes: u64,
    underway: Underway,
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
            let mut puts: Vec<_> = found.map(|(path, seen)| Put::new(path, seen)).collect();
            puts.sort_unstable();
            self.ahead.orders.insert(directory.clone(), Order { puts, fetched: 0 });
        }
        let Ahead { orders, fetched, bytes, begun } = &mut self.ahead;
        begun.insert(path.to_owned());
        let this = fetched.remove(path).map(|this| {
            *bytes -= this.bytes;
            orders.entry(this.directory).or_default().fetched -= 1;
            this.underway
        });
        let order = orders.entry(directory).or_default();
        let after = order.puts.partition_point(|put| *put <= Put::new(path, &seen));
        let mut room = MOST.saturating_sub(order.fetched).min(MOST_IN_ALL.saturating_sub(fetched.len()));
        let mut room_bytes = MOST_BYTES - *bytes;
        let mut next = Vec::new();
        for put in order.puts[after..].iter().take(LOOKED_AT).filter(|put| !begun.contains(&put.path)) {
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
        let directory = self.listed_directory(&put.path).unwrap_or_default().to_owned();
        let Put { path, bytes, .. } = put;
        self.ahead.orders.entry(directory.clone()).or_default().fetched += 1;
        self.ahead.bytes += bytes;
        self.ahead.fetched.insert(path, Fetched { directory, bytes, underway: begun });
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
        // But for another directory.
        let seen = |number| Seen::new(Some("x"), 1, SystemTime::UNIX_EPOCH + Duration::from_secs(number));
        for directory in ["a", "b", "c", "d", "e", "f", "g", "h", "i"] {
            let all = (0..100).map(|number| (format!("{directory}/{number}"), seen(number))).collect();
            lists.add(directory.to_owned(), all);
            let (_, next) = lists.next(&format!("{directory}/0"));
            assert_eq!(next.len(), if directory < "h" { MOST } else { 0 }, "{directory}");
            next.into_iter().for_each(|put| lists.fetches(put, mpsc::channel().1));
        }
        let mut lists = listed(1_000, MOST_BYTES / 4);
        assert_eq!(take(&mut lists, 0).1.len(), 4);
        assert_eq!(take(&mut lists, 1).1, ["run/5"]);
        assert_eq!(take(&mut listed(10, MOST_BYTES + 1), 0).1, [""; 0]);
    }
}
