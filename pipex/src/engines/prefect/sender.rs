//! The thread that brings to the server what has been said.

use std::collections::{HashMap, HashSet};
use std::sync::PoisonError;
use std::time::{Duration, Instant, SystemTime};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::client::RequestFailure;
use super::{FlowEnded, FlowStarted, Log, Prefect, Said, TableSaid, TaskSaid, states};
use pipex_format::model::state::State;
use pipex_format::say::say;

/// So long something may wait that is not urgent.
const SOON: Duration = Duration::from_millis(500);
/// How long a busy or broken server is tried, while the flow run goes on.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long until it is said that the server is not there.
const FIRST: Duration = Duration::from_secs(3);
/// How often the server is told that a flow run is alive, and asked whether it is to go on.
const HEARTBEAT: Duration = Duration::from_secs(25);
const CANCELLED: Duration = Duration::from_secs(3);
/// The most events and log lines in one call.
const EVENTS: usize = 250;
const LOGS: usize = 500;

/// What the server knows.
struct Sender<'p> {
    prefect: &'p Prefect,
    flows: HashMap<u64, Reported>,
    runs: HashMap<u64, KnownRuns>,
    events: Vec<Value>,
    logs: Vec<Value>,
    next_event: u64,
    /// Whether it takes task runs as events; servers before 3.0 do not. There each has a call of its own, at its end.
    takes_events: bool,
    /// What did not arrive.
    lost: u64,
    asked: Instant,
    beat: Instant,
    until: Instant,
}

/// A flow run on the server.
struct Reported {
    id: String,
    cancel: Box<dyn Fn(&'static str) + Send + Sync>,
    is_cancelled: bool,
}

/// Where a task run stands, as the server has been told.
pub(super) struct KnownRuns {
    pub(super) state: State,
    pub(super) at: Timestamp,
    pub(super) started: Option<Timestamp>,
}

impl Prefect {
    /// The thread, as long as the process lives.
    pub(super) fn send(&self) {
        let now = Instant::now();
        let mut sender = Sender {
            prefect: self,
            flows: HashMap::new(),
            runs: HashMap::new(),
            events: Vec::new(),
            logs: Vec::new(),
            next_event: 0,
            takes_events: true,
            lost: 0,
            asked: now,
            beat: now,
            until: now,
        };
        self.client.greet();
        loop {
            let board = self.board();
            let waited = self.news.wait_timeout_while(board, SOON, |board| !board.urgent);
            let (mut board, _) = waited.unwrap_or_else(PoisonError::into_inner);
            let (said, lost) = board.take();
            drop(board);
            sender.lost += lost;
            sender.until = Instant::now() + PATIENCE;
            // What waits has been passed by what came after it.
            let mut later: HashSet<u64> = HashSet::new();
            let mut passed: Vec<bool> = said
                .iter()
                .rev()
                .map(|said| match said {
                    Said::Task(task) => !later.insert(task.number) && task.state == State::Pending,
                    _ => false,
                })
                .collect();
            passed.reverse();
            for (said, passed) in said.into_iter().zip(passed) {
                if !passed {
                    sender.bring(said);
                }
            }
            sender.flush();
            sender.stay_alive();
        }
    }
}

impl Sender<'_> {
    fn bring(&mut self, said: Said) {
        match said {
            Said::FlowStarted(flow) => self.flow_started(flow),
            Said::Task(task) => self.task(&task),
            Said::Table(table) => {
                if let Some(flow) = self.flows.get(&table.flow).map(|flow| flow.id.clone()) {
                    self.post_table(&table, &flow);
                }
            }
            Said::Log(log) => self.log(log),
            Said::FlowEnded(flow) => self.flow_ended(flow),
        }
    }

    fn post(&mut self, path: &str, body: &Value) -> Result<Value, RequestFailure> {
        self.prefect.client.post(path, body, self.until)
    }

    fn flow_started(&mut self, flow: FlowStarted) {
        self.flush();
        if self.flows.is_empty() {
            self.until = Instant::now() + FIRST;
            let version = self.prefect.client.version(self.until);
            if version.is_ok() {
                // It is there. If it is busy, it is waited for.
                self.until = Instant::now() + PATIENCE;
            }
            self.takes_events = !version.unwrap_or_default().starts_with("2.");
            self.runs.clear();
        }
        let FlowStarted { number, name, outer, parameters, at, cancel } = flow;
        match self.begin(number, name, outer, &parameters, at) {
            Ok(id) => {
                if outer.is_none() {
                    say(&format!("flow run {name:?} is at {}", self.prefect.client.page(&id)));
                }
                self.flows.insert(number, Reported { id, cancel, is_cancelled: false });
            }
            Err(failure) => {
                let advice = "start the server, set PREFECT_API_URL to where it is, or unset it";
                say(&format!("flow run {name:?} goes on and is not reported to Prefect: {failure}; {advice}"));
            }
        }
        self.until = Instant::now() + PATIENCE;
    }

    fn begin(
        &mut self,
        number: u64,
        name: &str,
        outer: Option<u64>,
        parameters: &[(&'static str, String)],
        at: SystemTime,
    ) -> Result<String, RequestFailure> {
        let flow = self.post("/flows/", &json!({ "name": name }))?;
        let mut run = json!({
            "flow_id": flow["id"],
            "name": format!("{name} {}", time(at).strftime("%Y-%m-%d %H:%M:%S")),
            "parameters": parameters.iter().map(|(name, text)| ((*name).to_owned(), value(text))).collect::<Map<_, _>>(),
            "tags": ["pipex"],
            "idempotency_key": self.prefect.id(number).to_string(),
            "state": { "type": "PENDING", "name": "Pending" },
        });
        // A flow run within another is shown as a task run of that, which it is linked to.
        if let Some(outer) = outer.and_then(|outer| self.flows.get(&outer)).map(|outer| outer.id.clone()) {
            let tracking = json!({
                "flow_run_id": outer,
                "name": name,
                "task_key": format!("flow {name}"),
                "dynamic_key": number.to_string(),
                "state": { "type": "PENDING", "name": "Pending" },
            });
            run["parent_task_run_id"] = self.post("/task_runs/", &tracking)?["id"].take();
        }
        let run = self.post("/flow_runs/", &run)?;
        let id = run["id"].as_str().unwrap_or_default().to_owned();
        self.set_state(&id, State::Running, String::new())?;
        Ok(id)
    }

    fn set_state(&mut self, id: &str, state: State, message: String) -> Result<Value, RequestFailure> {
        let (kind, name) = states::prefect_state(state);
        let state = json!({ "type": kind, "name": name, "message": states::cut(&message) });
        self.post(&format!("/flow_runs/{id}/set_state"), &json!({ "state": state, "force": true }))
    }

    fn flow_ended(&mut self, flow: FlowEnded) {
        self.flush();
        let FlowEnded { number, state, error, summary, tables, done } = flow;
        if let Some(Reported { id, .. }) = self.flows.remove(&number) {
            // Where there is little time, the tables are what is missing.
            let mut failed = self.set_state(&id, state, error.unwrap_or_default()).err();
            if let Some(table) = summary {
                let posted = self.post_artifact("pipex-task-runs", "What ran, what did not", &table, &id, None);
                failed = failed.or(posted.err());
            }
            tables.iter().for_each(|table| self.post_table(table, &id));
            if let Some(failure) = failed {
                say(&format!("the end of a flow run could not be reported to Prefect: {failure}"));
            }
        }
        match std::mem::take(&mut self.lost) {
            0 => {}
            lost => say(&format!(
                "{lost} states and log lines were not reported to Prefect: it was not to be had, or too slow; \
                 PIPEX_PREFECT=max_runs=.. reports fewer task runs for themselves"
            )),
        }
        if let Some(done) = done {
            let _ = done.send(());
        }
    }

    fn task(&mut self, said: &TaskSaid) {
        let Some(flow) = self.flows.get(&said.flow).map(|flow| flow.id.clone()) else { return };
        let inputs = self.inputs(said);
        if !self.takes_events {
            if said.state.has_ended() {
                let id = self.prefect.id(said.number).to_string();
                if self.post("/task_runs/", &states::task_run(said, &id, &flow, &inputs)).is_err() {
                    self.lost += 1;
                }
            }
            return;
        }
        let before = self.runs.remove(&said.number);
        // Within a run, time goes on.
        let last = before.as_ref().map_or(Timestamp::MIN, |before| before.at + SignedDuration::from_micros(1));
        let at = time(said.at).max(last);
        let started = before.as_ref().and_then(|before| before.started);
        let started = if said.state == State::Running { started.or(Some(at)) } else { started };
        let now = KnownRuns { state: said.state, at, started };
        let event = self.event_id();
        let id = self.prefect.id(said.number);
        self.events.push(states::event(said, &event, &id.to_string(), &flow, &inputs, before.as_ref(), &now));
        if !said.state.has_ended() {
            self.runs.insert(said.number, now);
        }
        if self.events.len() >= EVENTS {
            self.flush();
        }
    }

    /// What it took: the runs that made outputs, and the beginnings of values. Prefect's own client has an entry for each
    /// parameter, too, but says nothing of values; what the page shows of a constant is the text that is to be its type.
    fn inputs(&self, said: &TaskSaid) -> Value {
        let mut taken: Map<String, Value> = Map::new();
        let made = said.inputs.iter().map(|(parameter, number)| {
            (parameter, json!({ "input_type": "task_run", "id": self.prefect.id(*number).to_string() }))
        });
        let given = said.parameters.iter().map(|(parameter, text)| {
            let input = match &**text {
                "" => json!({ "input_type": "parameter", "name": parameter }),
                text => json!({ "input_type": "constant", "type": text }),
            };
            (parameter, input)
        });
        for (parameter, input) in made.chain(given) {
            match taken.entry(*parameter).or_insert_with(|| json!([])) {
                Value::Array(all) if !all.contains(&input) => all.push(input),
                _ => {}
            }
        }
        Value::Object(taken)
    }

    fn post_table(&mut self, said: &TableSaid, flow: &str) {
        let TableSaid { task, rolled, page, .. } = said;
        let (key, description) = (page.key(task), page.description(task));
        if self.post_artifact(&key, &description, &page.markdown(), flow, *rolled).is_err() {
            self.lost += page.len() as u64;
        }
    }

    /// An artifact of the flow run; with a number, also of that task run.
    fn post_artifact(
        &mut self,
        key: &str,
        description: &str,
        table: &str,
        flow: &str,
        task: Option<u64>,
    ) -> Result<Value, RequestFailure> {
        let artifact = json!({
            "key": key,
            "type": "markdown",
            "description": description,
            "data": table,
            "flow_run_id": flow,
            "task_run_id": task.map(|task| self.prefect.id(task).to_string()),
        });
        self.post("/artifacts/", &artifact)
    }

    /// The next event's id: the same event sent twice is one.
    fn event_id(&mut self) -> String {
        self.next_event += 1;
        let mut bytes = [0; 16];
        // In a room of its own, beside those of runs.
        bytes[..8].copy_from_slice(&(!self.prefect.base).to_be_bytes());
        bytes[8..].copy_from_slice(&self.next_event.to_be_bytes());
        Uuid::new_v8(bytes).to_string()
    }

    fn log(&mut self, log: Log) {
        let Log { level, flow, task, message, at } = log;
        let Some(flow) = self.flows.get(&flow).map(|flow| flow.id.clone()) else { return };
        let level = match level {
            tracing::Level::ERROR => 40,
            tracing::Level::WARN => 30,
            tracing::Level::INFO => 20,
            _ => 10,
        };
        let name = if task.is_some() { "prefect.task_runs" } else { "prefect.flow_runs" };
        let mut line = json!({
            "name": name,
            "level": level,
            "message": states::cut(&message),
            "timestamp": time(at).to_string(),
            "flow_run_id": flow,
        });
        if let Some(task) = task {
            line["task_run_id"] = json!(self.prefect.id(task).to_string());
        }
        self.logs.push(line);
        if self.logs.len() >= LOGS {
            self.flush();
        }
    }

    /// Brings events and log lines to the server.
    fn flush(&mut self) {
        let (events, logs) = (std::mem::take(&mut self.events), std::mem::take(&mut self.logs));
        for (path, all) in [("/events", events), ("/logs/", logs)] {
            let count = all.len() as u64;
            if count == 0 {
                continue;
            }
            let Err(failure) = self.post(path, &Value::Array(all)) else { continue };
            self.lost += count;
            say(&format!("{count} states or log lines were not reported to Prefect: {failure}"));
        }
    }

    /// Says that the flow runs are alive, and asks whether they are to go on.
    fn stay_alive(&mut self) {
        if self.beat.elapsed() >= HEARTBEAT {
            self.beat = Instant::now();
            let now = Timestamp::now().to_string();
            let mut beats = Vec::new();
            let flows: Vec<_> = self.flows.values().map(|flow| flow.id.clone()).collect();
            for flow in flows {
                let event = self.event_id();
                beats.push(json!({
                    "id": event,
                    "occurred": now,
                    "event": "prefect.flow-run.heartbeat",
                    "resource": { "prefect.resource.id": format!("prefect.flow-run.{flow}") },
                    "related": [],
                    "payload": {},
                }));
            }
            if !beats.is_empty() && self.takes_events {
                let _ = self.prefect.client.post("/events", &Value::Array(beats), Instant::now());
            }
        }
        if self.asked.elapsed() >= CANCELLED {
            self.asked = Instant::now();
            for flow in self.flows.values_mut().filter(|flow| !flow.is_cancelled) {
                let run = self.prefect.client.get(&format!("/flow_runs/{}", flow.id));
                let state = run.as_ref().ok().and_then(|run| run["state_type"].as_str());
                if matches!(state, Some("CANCELLING" | "CANCELLED")) {
                    (flow.cancel)("it was cancelled in Prefect");
                    flow.is_cancelled = true;
                    let page = self.prefect.client.page(&flow.id);
                    say(&format!(
                        "the flow run at {page} was cancelled in Prefect: no more tasks start; those that run go on"
                    ));
                }
            }
        }
    }
}

fn time(at: SystemTime) -> Timestamp {
    // Prefect counts microseconds.
    Timestamp::try_from(at).and_then(|at| at.round(jiff::Unit::Microsecond)).unwrap_or_default()
}

/// A parameter's value: JSON, unless it was cut off.
fn value(text: &str) -> Value {
    let text = if text.is_empty() { "(a value that cannot be shown)" } else { text };
    serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.to_owned()))
}
