//! States as Prefect spells them, and what is said beside them.

use std::borrow::Cow;
use std::iter::once;

use serde_json::{Value, json};

use super::TaskSaid;
use super::sender::KnownRuns;
use crate::TaskRun;
use pipex_format::model::state::State;

/// The longest text that the server takes, about.
const TEXT: usize = 20_000;

/// A state's type and name.
pub(super) fn prefect_state(state: State) -> (&'static str, &'static str) {
    match state {
        State::Pending => ("PENDING", "Pending"),
        State::Running => ("RUNNING", "Running"),
        State::Retrying => ("RUNNING", "Retrying"),
        State::AwaitingRetry => ("SCHEDULED", "AwaitingRetry"),
        State::Completed => ("COMPLETED", "Completed"),
        State::Cached => ("COMPLETED", "Cached"),
        State::Failed => ("FAILED", "Failed"),
        State::TimedOut => ("FAILED", "TimedOut"),
        State::Crashed => ("CRASHED", "Crashed"),
        State::NotReady => ("PENDING", "NotReady"),
        State::Cancelled => ("CANCELLED", "Cancelled"),
        _ => ("RUNNING", "Running"),
    }
}

/// What is said beside the state of a task run that no error ended: which target.
pub(super) fn message(run: &TaskRun<'_>) -> String {
    match (run.state, run.target) {
        (State::Cached, Some(target)) if run.stale.is_empty() => format!("Target {target} is there"),
        (State::Cached, Some(target)) => format!("Target {target} is there, and stale (changed: {})", run.stale),
        (State::Completed, Some(target)) => format!("Saved {target} ({} bytes)", run.bytes),
        (State::Running, Some(target)) => format!("Makes {target}"),
        _ => String::new(),
    }
}

/// A task run, for a server that takes no events.
pub(super) fn task_run(said: &TaskSaid, id: &str, flow: &str, inputs: &Value) -> Value {
    let TaskSaid { number, task, name, state, message, .. } = said;
    let (kind, state) = prefect_state(*state);
    json!({
        "id": id,
        "flow_run_id": flow,
        "name": name,
        "task_key": task.full_name(),
        "dynamic_key": number.to_string(),
        "tags": task.tags,
        "task_inputs": inputs,
        "state": { "type": kind, "name": state, "message": cut(message) },
    })
}

/// The event by which a task run comes from one state into another. All that is known of the run is in each, since the server
/// forgets what is not.
pub(super) fn event(
    said: &TaskSaid,
    event: &str,
    id: &str,
    flow: &str,
    inputs: &Value,
    before: Option<&KnownRuns>,
    now: &KnownRuns,
) -> Value {
    let TaskSaid { number, task, name, state, attempt, message, .. } = said;
    let (kind, state_name) = prefect_state(*state);
    let (before, message, at) = (before.map(|before| prefect_state(before.state)), cut(message), now.at.to_string());
    let mut run = json!({
        "name": name,
        "task_key": task.full_name(),
        "dynamic_key": number.to_string(),
        "run_count": attempt,
        "flow_run_run_count": 1,
        "tags": task.tags,
        "task_inputs": inputs,
        "empirical_policy": { "retries": task.retries, "retry_delay": 0 },
    });
    if let Some(started) = now.started {
        let took = if state.has_ended() { now.at.duration_since(started).as_secs_f64() } else { 0.0 };
        (run["start_time"], run["total_run_time"]) = (json!(started.to_string()), json!(took));
    }
    if state.has_ended() {
        run["end_time"] = json!(at);
    }
    let details = if *state == State::AwaitingRetry { json!({ "scheduled_time": at }) } else { json!({}) };
    let resource = |id: String, role| json!({ "prefect.resource.id": id, "prefect.resource.role": role });
    let flow = resource(format!("prefect.flow-run.{flow}"), "flow-run");
    let tags = task.tags.iter().map(|tag| resource(format!("prefect.tag.{tag}"), "tag"));
    json!({
        "id": event,
        "occurred": at,
        "event": format!("prefect.task-run.{state_name}"),
        "resource": {
            "prefect.resource.id": format!("prefect.task-run.{id}"),
            "prefect.resource.name": name,
            "prefect.run-count": attempt.to_string(),
            "prefect.state-message": message,
            "prefect.state-name": state_name,
            "prefect.state-timestamp": at,
            "prefect.state-type": kind,
            "prefect.orchestration": "client",
        },
        "related": once(flow).chain(tags).collect::<Vec<_>>(),
        "payload": {
            "intended": { "from": before.map(|(kind, _)| kind), "to": kind },
            "initial_state": before.map(|(kind, name)| json!({
                "type": kind, "name": name, "message": "", "state_details": {},
            })),
            "validated_state": {
                "type": kind, "name": state_name, "message": message, "state_details": details, "data": null,
            },
            "task_run": run,
        },
    })
}

/// Text that the server takes.
pub(super) fn cut(text: &str) -> Cow<'_, str> {
    if text.len() <= TEXT {
        return text.into();
    }
    let end = (0..=TEXT).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    format!("{} ..", &text[..end]).into()
}
