//! The thread that sends spans.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use ureq::Agent;

use super::span::{Span, text};
use pipex_format::environment::env_text;
use pipex_format::say::say;

/// The most spans that wait, and that go together.
const ROOM: usize = 50_000;
const BATCH: usize = 500;
/// So long a span may wait for others.
const SOON: Duration = Duration::from_secs(1);
/// How long one call may take, and how often it is tried.
const CALL: Duration = Duration::from_secs(5);
const TRIES: u32 = 3;
/// How soon it is looked again whether there is room to ask for all to be sent.
const AGAIN: Duration = Duration::from_millis(20);

enum Sent {
    Span(Box<Span>),
    /// All until here is to go now; whoever waits is told.
    Flush(SyncSender<()>),
}

pub(super) struct Sender {
    queue: SyncSender<Sent>,
    counts: Arc<Counts>,
}

/// How many spans were not sent.
#[derive(Default)]
struct Counts {
    /// They still may be.
    waiting: AtomicU64,
    /// There was no room for them, or nobody took them.
    lost: AtomicU64,
}

impl Counts {
    /// Spans that waited do so no longer.
    fn settle(&self, count: u64, lost: bool) {
        self.waiting.fetch_sub(count, Ordering::Relaxed);
        self.lost.fetch_add(if lost { count } else { 0 }, Ordering::Relaxed);
    }

    /// Those that are lost, to be told of once.
    fn take_lost(&self) -> u64 {
        self.lost.swap(0, Ordering::Relaxed)
    }
}

impl Sender {
    pub(super) fn start(url: String) -> Self {
        let (queue, spans) = sync_channel(ROOM);
        let counts = Arc::<Counts>::default();
        let exporter = Exporter::new(url, Arc::clone(&counts));
        let started = thread::Builder::new().name("pipex-otel".to_owned()).spawn(move || exporter.run(&spans));
        if let Err(error) = started {
            say(&format!("no spans are sent, since a thread cannot be started: {error}"));
        }
        Sender { queue, counts }
    }

    pub(super) fn send(&self, span: Span) {
        self.counts.waiting.fetch_add(1, Ordering::Relaxed);
        if self.queue.try_send(Sent::Span(Box::new(span))).is_err() {
            self.counts.settle(1, true);
        }
    }

    /// Waits until what was given is sent, but not for ever.
    pub(super) fn flush(&self, limit: Duration) {
        if let Err(Late { waiting, lost }) = self.wait(limit) {
            let and = if lost > 0 { format!("; for {lost} more there was no room") } else { String::new() };
            say(&format!("the receiver of spans takes long: {waiting} were not sent by now, and may never be{and}"));
        }
    }

    fn wait(&self, limit: Duration) -> Result<(), Late> {
        let until = Instant::now() + limit;
        let late = || Late { waiting: self.counts.waiting.load(Ordering::Relaxed), lost: self.counts.take_lost() };
        let (done, ended) = sync_channel(1);
        let mut flush = Sent::Flush(done);
        while let Err(TrySendError::Full(back)) = self.queue.try_send(flush) {
            if Instant::now() >= until {
                return Err(late());
            }
            flush = back;
            thread::sleep(AGAIN);
        }
        match ended.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Err(RecvTimeoutError::Timeout) => Err(late()),
            // There is no thread that could send them: that was told.
            Err(RecvTimeoutError::Disconnected) | Ok(()) => Ok(()),
        }
    }
}

/// Not all was sent in time.
#[derive(Debug, PartialEq, Eq)]
struct Late {
    waiting: u64,
    lost: u64,
}

struct Exporter {
    agent: Agent,
    url: String,
    headers: Vec<(String, String)>,
    resource: Value,
    counts: Arc<Counts>,
}

impl Exporter {
    fn new(url: String, counts: Arc<Counts>) -> Self {
        let config = Agent::config_builder()
            .timeout_global(Some(CALL))
            .http_status_as_error(false)
            .user_agent(concat!("pipex/", env!("CARGO_PKG_VERSION")))
            .build();
        let headers = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"].into_iter();
        let headers = headers.filter_map(env_text).next().unwrap_or_default();
        let header =
            |pair: &str| pair.split_once('=').map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()));
        let headers = headers.split(',').filter_map(header).collect();
        let program = std::env::args_os().next().map(std::path::PathBuf::from);
        let program = program.as_deref().and_then(|program| program.file_stem()).unwrap_or_default();
        let service = env_text("OTEL_SERVICE_NAME").unwrap_or_else(|| program.to_string_lossy().into_owned());
        let attributes = [
            text("service.name", &service),
            text("telemetry.sdk.name", "pipex"),
            text("telemetry.sdk.language", "rust"),
            text("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
        ];
        Exporter { agent: config.into(), url, headers, resource: json!({ "attributes": attributes }), counts }
    }

    /// As long as the process lives.
    fn run(&self, spans: &Receiver<Sent>) {
        let mut batch = Vec::new();
        let mut due = Instant::now();
        loop {
            let next = if batch.is_empty() {
                spans.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                spans.recv_timeout(due.saturating_duration_since(Instant::now()))
            };
            match next {
                Ok(Sent::Span(span)) => {
                    if batch.is_empty() {
                        due = Instant::now() + SOON;
                    }
                    batch.push(span.to_json());
                    if batch.len() >= BATCH {
                        self.post(&mut batch);
                    }
                }
                Ok(Sent::Flush(done)) => {
                    self.post(&mut batch);
                    self.tell_lost();
                    let _ = done.send(());
                }
                Err(RecvTimeoutError::Timeout) => self.post(&mut batch),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn post(&self, batch: &mut Vec<Value>) {
        if batch.is_empty() {
            return;
        }
        let spans = std::mem::take(batch);
        let count = spans.len() as u64;
        let scope = json!({ "scope": { "name": "pipex", "version": env!("CARGO_PKG_VERSION") }, "spans": spans });
        let body = json!({ "resourceSpans": [{ "resource": self.resource, "scopeSpans": [scope] }] });
        let mut delay = Duration::from_millis(200);
        for attempt in 1..=TRIES {
            let mut request = self.agent.post(&self.url);
            for (name, value) in &self.headers {
                request = request.header(name, value);
            }
            let passes = match request.send_json(&body) {
                Ok(answer) if answer.status().is_success() => return self.counts.settle(count, false),
                Ok(answer) => matches!(answer.status().as_u16(), 429 | 502..=504),
                Err(_) => true,
            };
            if !passes || attempt == TRIES {
                break;
            }
            thread::sleep(delay);
            delay *= 4;
        }
        self.counts.settle(count, true);
    }

    fn tell_lost(&self) {
        match self.counts.take_lost() {
            0 => {}
            lost => say(&format!(
                "{lost} spans were not sent: the receiver was not to be had, or too slow; set OTEL_EXPORTER_OTLP_ENDPOINT to \
                 where one is, or unset it"
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_queue_that_nobody_empties_is_waited_for_no_longer_than_it_may_take() {
        // Nobody reads it, and it is not gone.
        let (queue, _spans) = sync_channel(1);
        let sender = Sender { queue, counts: Arc::default() };
        (0..3).for_each(|_| sender.send(Span::new(String::new(), String::new(), None)));
        assert_eq!(sender.wait(Duration::from_millis(1)), Err(Late { waiting: 1, lost: 2 }));
        assert_eq!(sender.wait(Duration::ZERO), Err(Late { waiting: 1, lost: 0 }));
    }
}
