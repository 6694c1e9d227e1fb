//! What happens in a run, as events for the page that shows it.
//!
//! Program, page and server share a machine: what is new is sent soon where it is little, and else in large pieces once a
//! second, so that a run costs what it costs.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use axum::response::sse::Event;
use pipex_format::journal;
use serde::Serialize;
use tokio::sync::mpsc::Sender;

use crate::follow::{FollowedRun, INTERVAL, News};
use crate::page::{Feed, Update};
use crate::project::RunJournal;
use crate::reading::may_go_on;
use crate::runs::RunRow;

/// So many updates are sent at once: the first of a large run are drawn while the others are on their way.
const BATCH: usize = 1_000;
/// So many bytes of a journal, some ten lines, are little.
const LITTLE: u64 = 4 << 10;
/// How long what is more waits.
const PAUSE: Duration = Duration::from_secs(1);

/// Which runs there are.
#[derive(Serialize)]
struct Runs<'r> {
    count: usize,
    /// Those that go on.
    live: Vec<RunRow<'r>>,
}

/// Sends what happens in a run, behind the lines that the page has; and says which runs there are, whenever some have begun or
/// ended. Ends when nobody reads any more.
pub fn follow(journal: &Path, id: Option<&str>, after: u64, events: &Sender<Event>) {
    let mut known = None;
    let mut sent = id.and_then(|id| Sent::open(journal, id, after));
    while !events.is_closed() {
        let began = Instant::now();
        // Which there are, and which of them are where runs are that go on.
        let there = journal::runs(journal).unwrap_or_default();
        if known.as_ref() != Some(&there) {
            if !tell_runs(&there, events) {
                return;
            }
            known = Some(there);
        }
        if let Some(run) = &mut sent
            && run.is_time()
            && !run.send(events)
        {
            sent = None;
        }
        thread::sleep(INTERVAL.saturating_sub(began.elapsed()));
    }
}

/// Whether somebody still reads.
fn tell_runs(there: &[PathBuf], events: &Sender<Event>) -> bool {
    let live = there.iter().filter(|path| may_go_on(path)).filter_map(|path| RunJournal::read_head(path.clone()).ok());
    let live: Vec<RunJournal> = live.filter(|run| run.is_live).collect();
    let runs = Runs { count: there.len(), live: live.iter().map(RunRow::alone).collect() };
    let data = serde_json::to_string(&runs).unwrap_or_default();
    events.blocking_send(Event::default().event("runs").data(data)).is_ok()
}

/// A run, and how much of it was sent.
struct Sent {
    run: FollowedRun,
    feed: Feed,
    /// The lines that the page has.
    after: u64,
    /// When it was last read; when it began, if it began just now.
    read: Option<Instant>,
    /// When the critical path was last told, and how long to find it took.
    path: Option<(Instant, Duration)>,
}

impl Sent {
    fn open(journal: &Path, id: &str, after: u64) -> Option<Self> {
        let root = journal.parent().unwrap_or(Path::new("/")).to_owned();
        let run = FollowedRun::open(journal, id).ok()?;
        let read = run.age().filter(|age| *age < PAUSE).and_then(|age| Instant::now().checked_sub(age));
        Some(Sent { run, feed: Feed::new(root), after, read, path: None })
    }

    /// Whether what is new is to be sent now.
    fn is_time(&mut self) -> bool {
        let Some(read) = self.read else { return true };
        let unread = self.run.unread();
        unread > 0 && (unread < LITTLE || read.elapsed() >= PAUSE) || !self.run.is_live()
    }

    /// Sends what is new; whether there may be more.
    fn send(&mut self, events: &Sender<Event>) -> bool {
        let mut batch = Batch { updates: Vec::new(), events };
        let (feed, after) = (&mut self.feed, self.after);
        self.run.read(|news| {
            let News::Line(line) = news else { return };
            let update = feed.apply(*line);
            batch.add(update.filter(|_| feed.lines > after), feed.lines);
        });
        let has_ended = self.run.has_ended();
        // It takes a look at all task runs, and so a hundredth of the time at most.
        let is_time = self.path.is_none_or(|(told, took)| told.elapsed() >= PAUSE.max(100 * took));
        if has_ended || is_time {
            let began = Instant::now();
            batch.add(feed.find_critical_path(), feed.lines);
            self.path = Some((Instant::now(), began.elapsed()));
        }
        batch.send(feed.lines);
        self.read = Some(Instant::now());
        if has_ended {
            let _ = events.blocking_send(Event::default().event("over").data("{}"));
        }
        !has_ended
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
