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

enum Sent {
    Span(Box<Span>),
    /// All until here is to go now; whoever waits is told.
    Flush(SyncSender<()>),
}

pub(super) struct Sender {
    queue: SyncSender<Sent>,
    /// What there was no room for.
    lost: Arc<AtomicU64>,
}

impl Sender {
    pub(super) fn start(url: String) -> Self {
        let (queue, spans) = sync_channel(ROOM);
        let lost = Arc::new(AtomicU64::new(0));
        let exporter = Exporter::new(url, Arc::clone(&lost));
        let started = thread::Builder::new().name("pipex-otel".to_owned()).spawn(move || exporter.run(&spans));
        if let Err(error) = started {
            say(&format!("no spans are sent, since a thread cannot be started: {error}"));
        }
        Sender { queue, lost }
    }

    pub(super) fn send(&self, span: Span) {
        if let Err(TrySendError::Full(_)) = self.queue.try_send(Sent::Span(Box::new(span))) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until what was given is sent, but not for ever.
    pub(super) fn flush(&self, limit: Duration) {
        let (done, ended) = sync_channel(1);
        if self.queue.send(Sent::Flush(done)).is_ok() && ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            say("the receiver of spans takes long: what it has not heard by now it may not hear");
        }
    }
}

struct Exporter {
    agent: Agent,
    url: String,
    headers: Vec<(String, String)>,
    resource: Value,
    lost: Arc<AtomicU64>,
}

impl Exporter {
    fn new(url: String, lost: Arc<AtomicU64>) -> Self {
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
        Exporter { agent: config.into(), url, headers, resource: json!({ "attributes": attributes }), lost }
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
                Ok(answer) if answer.status().is_success() => return,
                Ok(answer) => matches!(answer.status().as_u16(), 429 | 502..=504),
                Err(_) => true,
            };
            if !passes || attempt == TRIES {
                break;
            }
            thread::sleep(delay);
            delay *= 4;
        }
        self.lost.fetch_add(count, Ordering::Relaxed);
    }

    fn tell_lost(&self) {
        match self.lost.swap(0, Ordering::Relaxed) {
            0 => {}
            lost => say(&format!(
                "{lost} spans were not sent: the receiver was not to be had, or too slow; set OTEL_EXPORTER_OTLP_ENDPOINT to \
                 where one is, or unset it"
            )),
        }
    }
}
