//! `pipex trace`: a run as a trace that Perfetto and Chrome show.
//!
//! The format is that of the Trace Event Format's JSON object: a complete event (`X`) for each attempt, with what it spent on
//! its arguments and its output inside of it, and a flow (`s`, `f`) for each edge. Times are microseconds.

use std::path::Path;

use serde::Serialize;
use serde_json::{Value, json};

use crate::project::Project;
use crate::runs::describe_state;
use crate::timeline::Timeline;
use crate::{CommandError, CommandStatus, print};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Trace<'p> {
    trace_events: Vec<Value>,
    display_time_unit: &'static str,
    other_data: Value,
    #[serde(skip)]
    timeline: &'p Timeline,
}

/// The process of all lanes; the lane of the critical path, which others follow.
const PROCESS: u32 = 1;
const CRITICAL: usize = 0;

pub fn trace(project: &Project, run: Option<&str>, output: Option<&Path>) -> Result<CommandStatus, CommandError> {
    let run = &project.runs[project.find_run_or_last(run)?];
    let timeline = Timeline::read(run);
    let other_data = json!({
        "run": run.id,
        "flow": run.flow_name(),
        "state": describe_state(run),
        "started": run.started.to_string(),
        "mode": run.head.as_ref().map(|head| &head.mode),
        "cached": run.counts.cached,
        "pipex": run.head.as_ref().map(|head| &head.pipex),
    });
    let mut trace = Trace { trace_events: Vec::new(), display_time_unit: "ms", other_data, timeline: &timeline };
    trace.name("process_name", CRITICAL, run.flow_name());
    trace.draw();
    print::to_output(output, print::escape_json(&serde_json::to_string(&trace)?).into_owned())?;
    Ok(CommandStatus::Clean)
}

fn microseconds(seconds: f64) -> f64 {
    (seconds * 1e9).round() / 1e3
}

impl Trace<'_> {
    fn draw(&mut self) {
        let path = self.timeline.critical_path();
        self.name("thread_name", CRITICAL, "critical path");
        for run in &path {
            (0..self.timeline.runs[*run].attempts.len()).for_each(|it| self.draw_attempt(CRITICAL, (*run, it), true));
        }
        let mut places = vec![Vec::new(); self.timeline.runs.len()];
        for (lane, it) in (1..).zip(self.timeline.lanes()) {
            self.name("thread_name", lane, &it.name);
            for (run, attempt) in it.attempts {
                places[run].push(lane);
                self.draw_attempt(lane, (run, attempt), path.binary_search(&run).is_ok());
            }
        }
        for (number, run) in self.timeline.runs.iter().enumerate() {
            for input in &run.inputs {
                self.draw_edge((*input, places[*input].last()), (number, places[number].first()));
            }
        }
        let time = |event: &Value| event["ts"].as_f64().unwrap_or(0.0);
        // What begins at the same time as what is within it stands before that.
        self.trace_events.sort_by(|a, b| time(a).total_cmp(&time(b)));
    }

    fn name(&mut self, what: &str, lane: usize, name: &str) {
        let name = json!({ "name": what, "ph": "M", "ts": 0, "pid": PROCESS, "tid": lane, "args": { "name": name } });
        self.trace_events.push(name);
        if what == "thread_name" {
            let args = json!({ "sort_index": lane });
            let order =
                json!({ "name": "thread_sort_index", "ph": "M", "ts": 0, "pid": PROCESS, "tid": lane, "args": args });
            self.trace_events.push(order);
        }
    }

    fn draw_attempt(&mut self, lane: usize, place: (usize, usize), is_critical: bool) {
        let (run, attempt) = (&self.timeline.runs[place.0], self.timeline.attempt(place));
        let (start, end) = (microseconds(attempt.at), microseconds(self.timeline.end_of(attempt)));
        let function = self.timeline.function_name(run);
        let event = |name: &str, start: f64, end: f64| {
            let dur = ((end - start).max(0.0) * 1e3).round() / 1e3;
            json!({ "name": name, "cat": function, "ph": "X", "ts": start, "dur": dur, "pid": PROCESS, "tid": lane })
        };
        let mut whole = event(&run.name, start, end);
        whole["args"] = json!({
            "key": run.target,
            "state": attempt.state,
            "why": run.why,
            "stale": run.stale,
            "attempt": place.1 + 1,
            "error": attempt.error,
            "bytes": run.bytes,
            "memory": attempt.memory,
            "waited": self.timeline.waited(run),
            "critical": is_critical,
        });
        if !(attempt.state.is_success() || attempt.elapsed.is_none()) {
            whole["cname"] = "terrible".into();
        }
        self.trace_events.push(whole);
        let (loaded, saves) = (microseconds(attempt.loading), microseconds(attempt.saving));
        if loaded > 0.0 {
            self.trace_events.push(event("load arguments", start, (start + loaded).min(end)));
        }
        if saves > 0.0 {
            self.trace_events.push(event("save output", (end - saves).max(start + loaded).min(end), end));
        }
    }

    /// From the last attempt of what was made to the first of what takes it, if both ran.
    fn draw_edge(&mut self, from: (usize, Option<&usize>), to: (usize, Option<&usize>)) {
        let ((from, Some(from_lane)), (to, Some(to_lane))) = (from, to) else { return };
        let runs = &self.timeline.runs;
        let (Some(made), Some(taken)) = (runs[from].attempts.last(), runs[to].attempts.first()) else { return };
        let id = self.trace_events.len();
        let edge = |phase: &str, at: f64, lane: usize| {
            json!({
                "name": "takes", "cat": "edge", "ph": phase, "id": id, "ts": microseconds(at), "pid": PROCESS, "tid": lane,
            })
        };
        let mut end = edge("f", taken.at, *to_lane);
        // To the slice that begins there.
        end["bp"] = "e".into();
        // Within the slice that ends there, and not at the beginning of the next.
        let at = (self.timeline.end_of(made).min(taken.at) - 1e-6).max(made.at);
        self.trace_events.extend([edge("s", at, *from_lane), end]);
    }
}
