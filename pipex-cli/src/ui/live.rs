//! What happens in a run, as events for the page that shows it.

use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use axum::response::sse::Event;
use pipex_format::journal;
use tokio::sync::mpsc::Sender;

use crate::follow::{FollowedRun, INTERVAL, News};
use crate::page::{Feed, Update};

/// So many updates are sent at once: the first of a large run are drawn while the others are on their way.
const BATCH: usize = 1_000;
/// How often the critical path is looked for, which takes a look at all task runs.
const PATH_INTERVAL: Duration = Duration::from_secs(2);

/// Sends what happens in a run, behind the lines that the page has; and says whenever runs have begun or ended. Ends when
/// nobody reads any more.
pub fn follow(journal: &Path, id: Option<&str>, after: u64, events: &Sender<Event>) {
    let root = journal.parent().unwrap_or(Path::new("/")).to_owned();
    let mut feed = Feed::new(root);
    let mut run = id.and_then(|id| FollowedRun::open(journal, id).ok());
    let (mut known, mut told_path) = (None, None);
    while !events.is_closed() {
        let began = Instant::now();
        // Which there are, and which of them are where runs are that go on.
        let there = journal::runs(journal).unwrap_or_default();
        if known.as_ref() != Some(&there) {
            known = Some(there);
            if events.blocking_send(Event::default().event("runs").data("{}")).is_err() {
                return;
            }
        }
        if let Some(followed) = run.as_mut().filter(|followed| !followed.has_ended()) {
            let lines = feed.lines;
            let mut batch = Batch { updates: Vec::new(), events };
            followed.read(|news| match news {
                News::Line(line) => {
                    let update = feed.apply(*line);
                    batch.add(update.filter(|_| feed.lines > after), feed.lines);
                }
                News::Over => batch.send(feed.lines),
            });
            let is_time = told_path.is_none_or(|told: Instant| told.elapsed() >= PATH_INTERVAL);
            if followed.has_ended() || feed.lines > lines && is_time {
                told_path = Some(Instant::now());
                batch.add(feed.find_critical_path(), feed.lines);
            }
            batch.send(feed.lines);
            if followed.has_ended() {
                let over = Event::default().event("over").data("{}");
                if events.blocking_send(over).is_err() {
                    return;
                }
                run = None;
            }
        }
        thread::sleep(INTERVAL.saturating_sub(began.elapsed()));
    }
}

struct Batch<'e> {
    updates: Vec<Update>,
    events: &'e Sender<Event>,
}

impl Batch<'_> {
    fn add(&mut self, update: Option<Update>, lines: u64) {
        self.updates.extend(update);
        if self.updates.len() == BATCH {
            self.send(lines);
        }
    }

    /// The event's number is that of the last line: a page that comes back says which it had.
    fn send(&mut self, lines: u64) {
        let updates = std::mem::take(&mut self.updates);
        if let (false, Ok(data)) = (updates.is_empty(), serde_json::to_string(&updates)) {
            // That nobody reads any more is seen soon.
            let _ = self.events.blocking_send(Event::default().id(lines.to_string()).data(data));
        }
    }
}
