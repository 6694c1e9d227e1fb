//! Spans, and how OTLP spells them in JSON: ids in hexadecimal digits, numbers of 64 bits as text.

use std::time::SystemTime;

use serde_json::{Value, json};

use pipex_format::model::fingerprint::Fingerprint;
use pipex_format::model::state::State;

/// The ids of this process's traces and spans, by the numbers of runs.
pub(super) struct Ids {
    process: u64,
}

/// The span that another process is in.
pub(super) struct Parent {
    pub(super) trace: String,
    pub(super) span: String,
}

/// A flow run or a task run.
pub(super) struct Span {
    pub(super) trace: String,
    pub(super) id: String,
    pub(super) parent: Option<String>,
    pub(super) name: String,
    pub(super) started: SystemTime,
    ended: SystemTime,
    attributes: Vec<Value>,
    /// The parameters, and the spans of what made what they took.
    pub(super) links: Vec<(&'static str, String)>,
    /// Attempts that failed: when, and why.
    pub(super) failures: Vec<(SystemTime, String)>,
    error: Option<String>,
    is_ok: bool,
}

impl Ids {
    pub(super) fn new(process: Fingerprint) -> Self {
        Ids { process: process.half() }
    }

    pub(super) fn trace(&self, number: u64) -> String {
        format!("{:016x}{number:016x}", self.process)
    }

    /// The numbers are spread, so that no other process has the same ones.
    pub(super) fn span(&self, number: u64) -> String {
        const ODD: u64 = 0x9e37_79b9_7f4a_7c15;
        let id = self.process.wrapping_add(number.wrapping_mul(ODD));
        format!("{:016x}", id.max(1))
    }
}

impl Parent {
    /// What W3C's `traceparent` says.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.trim().split('-').collect();
        let [_, trace, span, _, ..] = parts[..] else { return None };
        let is_id = |id: &str, length: usize| {
            id.len() == length && id.bytes().all(|c| c.is_ascii_hexdigit()) && id.bytes().any(|c| c != b'0')
        };
        let (trace, span) = (trace.to_ascii_lowercase(), span.to_ascii_lowercase());
        (is_id(&trace, 32) && is_id(&span, 16)).then_some(Parent { trace, span })
    }
}

impl Span {
    /// One that begins now.
    pub(super) fn new(trace: String, id: String, parent: Option<String>) -> Self {
        let now = SystemTime::now();
        let (attributes, links, failures) = (Vec::new(), Vec::new(), Vec::new());
        let name = String::new();
        Span {
            trace,
            id,
            parent,
            name,
            started: now,
            ended: now,
            attributes,
            links,
            failures,
            error: None,
            is_ok: false,
        }
    }

    pub(super) fn attribute(&mut self, key: &str, value: &str) {
        self.attributes.push(text(key, value));
    }

    pub(super) fn number(&mut self, key: &str, value: u64) {
        self.attributes.push(json!({ "key": key, "value": { "intValue": value.to_string() } }));
    }

    pub(super) fn end(&mut self, state: State, error: Option<&str>) {
        self.ended = SystemTime::now().max(self.started);
        self.is_ok = state.is_success();
        self.error = error.map(str::to_owned);
        self.attribute("pipex.state", &format!("{state:?}"));
    }

    pub(super) fn to_json(&self) -> Value {
        let link = |(parameter, id): &(&str, String)| json!({ "traceId": self.trace, "spanId": id, "attributes": [text("pipex.parameter", parameter)] });
        let failure = |(at, error): &(SystemTime, String)| json!({ "timeUnixNano": nanoseconds(*at), "name": "attempt failed", "attributes": [text("exception.message", error)] });
        let status = match (&self.error, self.is_ok) {
            (_, true) => json!({ "code": 1 }),
            (error, false) => json!({ "code": 2, "message": error }),
        };
        json!({
            "traceId": self.trace,
            "spanId": self.id,
            "parentSpanId": self.parent.as_deref().unwrap_or_default(),
            "name": self.name,
            "kind": 1,
            "startTimeUnixNano": nanoseconds(self.started),
            "endTimeUnixNano": nanoseconds(self.ended),
            "attributes": self.attributes,
            "links": self.links.iter().map(link).collect::<Vec<_>>(),
            "events": self.failures.iter().map(failure).collect::<Vec<_>>(),
            "status": status,
        })
    }
}

pub(super) fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn nanoseconds(at: SystemTime) -> String {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_nanos().to_string()
}
