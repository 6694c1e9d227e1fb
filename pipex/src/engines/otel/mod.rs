//! Runs as spans of OpenTelemetry: a trace for each outermost flow run, a span for each flow run and task run.
//!
//! Spans are made of events, and their ids of the runs' numbers, so that a span is linked to those of its inputs without their being
//! kept. A thread of its own sends them in batches, by OTLP over HTTP in its JSON form; nothing waits for the receiver but the
//! end of the outermost flow run.

mod sender;
mod span;

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use self::sender::Sender;
use self::span::{Ids, Parent, Span};
use crate::run::engine::Engine;
use crate::{FlowRun, Reporter, TaskRun};
use pipex_format::environment::{env_text, setting};
use pipex_format::model::error::Result;
use pipex_format::model::fingerprint::fingerprint_process;
use pipex_format::model::state::State;

/// How long the end of a flow run, or of the process, waits until all is sent.
const LAST: Duration = Duration::from_secs(10);

inventory::submit! {
    Engine { reporter: Some(reporter), stop: Some(stop), ..Engine::NONE }
}

/// The reporter to the receiver that the environment names, if it names one.
fn reporter() -> Result<Option<Arc<dyn Reporter>>> {
    let Some(tracer) = &*TRACER else { return Ok(None) };
    Ok(Some(Arc::clone(tracer.as_ref().map_err(Clone::clone)?) as _))
}

/// The process is about to end.
fn stop() {
    if let Some(Ok(tracer)) = &*TRACER {
        tracer.end_all();
        tracer.sender.flush(LAST);
    }
}

/// What runs in this process are traced by.
static TRACER: LazyLock<Option<Result<Arc<Tracer>>>> = LazyLock::new(|| {
    if env_text("OTEL_SDK_DISABLED").is_some_and(|off| off.eq_ignore_ascii_case("true")) {
        return None;
    }
    let url = env_text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").or_else(|| {
        let endpoint = env_text("OTEL_EXPORTER_OTLP_ENDPOINT")?;
        Some(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
    })?;
    Some(Tracer::start(url))
});

struct Tracer {
    ids: Ids,
    /// The span that the process was started in, if it was.
    parent: Option<Parent>,
    open: Mutex<Open>,
    sender: Sender,
}

/// What has not ended.
#[derive(Default)]
struct Open {
    /// The flow runs by their numbers.
    flows: HashMap<u64, Span>,
    /// Task runs that have failed and are tried again: their first beginnings, and what is to be said of each attempt.
    retried: HashMap<u64, Retried>,
}

struct Retried {
    started: SystemTime,
    failures: Vec<(SystemTime, String)>,
}

impl Tracer {
    fn start(url: String) -> Result<Arc<Self>> {
        let parse = |protocol: &str| protocol.starts_with("http/").then_some(());
        for name in ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"] {
            setting(name, "http/json or http/protobuf: spans are sent over HTTP, mostly to port 4318", parse)?;
        }
        let expected = "00-TRACE-SPAN-01, with 32 and 16 hexadecimal digits";
        let parent = setting("TRACEPARENT", expected, Parent::parse)?;
        let (ids, open) = (Ids::new(fingerprint_process()), Mutex::default());
        Ok(Arc::new(Tracer { ids, parent, open, sender: Sender::start(url) }))
    }

    fn open(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What goes on is over, as far as this process will tell.
    fn end_all(&self) {
        for (_, mut span) in self.open().flows.drain() {
            span.end(State::Cancelled, Some("the process was stopped"));
            self.sender.send(span);
        }
    }
}

impl Reporter for Tracer {
    fn wants_inputs(&self) -> bool {
        true
    }

    fn flow_started(&self, run: &FlowRun<'_>) {
        let mut open = self.open();
        let id = self.ids.span(run.number);
        let mut span = match run.outer.and_then(|outer| open.flows.get(&outer)) {
            Some(outer) => Span::new(outer.trace.clone(), id, Some(outer.id.clone())),
            None => match &self.parent {
                Some(parent) => Span::new(parent.trace.clone(), id, Some(parent.span.clone())),
                None => Span::new(self.ids.trace(run.number), id, None),
            },
        };
        span.name = run.flow.name.to_owned();
        span.attribute("pipex.flow", run.flow.name);
        for (name, value) in run.parameters {
            span.attribute(&format!("pipex.parameter.{name}"), value);
        }
        open.flows.insert(run.number, span);
    }

    fn changed(&self, run: &TaskRun<'_>) {
        if run.state == State::AwaitingRetry {
            let now = SystemTime::now();
            let mut open = self.open();
            let started = now.checked_sub(run.elapsed).unwrap_or(now);
            let retried = open.retried.entry(run.number).or_insert(Retried { started, failures: Vec::new() });
            retried.failures.push((now, run.error.map(|error| format!("{error:?}")).unwrap_or_default()));
        }
    }

    fn task_run(&self, run: &TaskRun<'_>) {
        let mut open = self.open();
        let retried = open.retried.remove(&run.number);
        let Some(flow) = run.flow.and_then(|flow| open.flows.get(&flow)) else { return };
        let mut span = Span::new(flow.trace.clone(), self.ids.span(run.number), Some(flow.id.clone()));
        drop(open);
        span.name = run.name();
        span.started = span.started.checked_sub(run.elapsed).unwrap_or(span.started);
        if let Some(retried) = retried {
            span.started = retried.started;
            span.failures = retried.failures;
        }
        span.attribute("pipex.task", run.task.funcname);
        span.attribute("code.function.name", &run.task.full_name());
        span.attribute("code.file.path", run.task.file);
        span.number("code.line.number", u64::from(run.task.line));
        span.number("pipex.attempt", u64::from(run.attempt));
        if let Some(target) = run.target {
            span.attribute("pipex.target", target.as_str());
        }
        // As the journal spells it.
        if let Ok(serde_json::Value::String(why)) = serde_json::to_value(run.why) {
            span.attribute("pipex.why", &why);
        }
        if !run.stale.is_empty() {
            span.attribute("pipex.stale", &run.stale.to_string());
        }
        if run.bytes > 0 {
            span.number("pipex.bytes", run.bytes);
        }
        for (name, value) in run.parameters {
            span.attribute(&format!("pipex.parameter.{name}"), value);
        }
        let links = run.inputs.iter().map(|(parameter, number)| (*parameter, self.ids.span(*number)));
        span.links = links.collect();
        span.end(run.state, run.error.map(|error| format!("{error:?}")).as_deref());
        self.sender.send(span);
    }

    fn flow_ended(&self, run: &FlowRun<'_>) {
        let Some(mut span) = self.open().flows.remove(&run.number) else { return };
        span.end(run.state.unwrap_or(State::Completed), run.error);
        self.sender.send(span);
        if run.outer.is_none() {
            self.sender.flush(LAST);
        }
    }
}
