//! `pipex report`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use pipex_format::journal::Counts;
use pipex_format::journal::{self, Cached, Line, Why};
use pipex_format::model::state::State;
use serde::Serialize;
use tinytemplate::TinyTemplate;

use crate::graph::Graph;
use crate::project::{Project, clamp_seconds};
use crate::reading::report_unreadable;
use crate::runs::describe_state;
use crate::{CommandError, CommandStatus, print};

/// What stands on the page.
#[derive(Serialize)]
struct Page {
    run: String,
    flow: String,
    state: &'static str,
    started: String,
    took: String,
    facts: Vec<(&'static str, String)>,
    functions: Vec<FunctionRow>,
    failures: Vec<FailureRow>,
    more_failures: usize,
    bars: usize,
    /// How many task runs took too little time to be drawn.
    undrawn: usize,
    timeline_svg: String,
    graph_svg: String,
}

/// A task function.
#[derive(Serialize, Default)]
struct FunctionRow {
    name: String,
    color: String,
    #[serde(skip)]
    counts: Counts,
    ran: u64,
    cached: u64,
    failed: u64,
    skipped: u64,
    seconds: f64,
    seconds_text: String,
    longest: f64,
    longest_text: String,
    bytes: u64,
    bytes_text: String,
    /// Of the longest of all functions, in percent.
    share: f64,
}

#[derive(Serialize)]
struct FailureRow {
    name: String,
    state: String,
    error: String,
}

/// A task run on the timeline.
struct TimelineBar {
    worker: u32,
    function: usize,
    name: String,
    at: f64,
    elapsed: f64,
    failed: bool,
}

/// More than that no page shows well.
const MAX_BARS: usize = 5_000;
const MAX_FAILURES: usize = 100;

pub fn report(
    project: &Project,
    run: Option<&str>,
    output: Option<&Path>,
    json: bool,
) -> Result<CommandStatus, CommandError> {
    let page = Page::build(project, project.find_run_or_last(run)?)?;
    if json {
        print::json(&page)?;
        return Ok(CommandStatus::Clean);
    }
    let mut templates = TinyTemplate::new();
    templates.add_template("report", include_str!("report.html"))?;
    let html = templates.render("report", &page)?;
    print::to_output(output, html)?;
    Ok(CommandStatus::Clean)
}

impl Page {
    fn build(project: &Project, number: usize) -> Result<Self, CommandError> {
        let run = &project.runs[number];
        let mut rows: BTreeMap<usize, FunctionRow> = BTreeMap::new();
        let mut bars = Vec::new();
        let mut failures = Vec::new();
        let mut failed = 0;
        let mut row = |task: u32, count: &mut dyn FnMut(&mut FunctionRow)| {
            let function = run.functions.get(task as usize).copied().unwrap_or_default() as usize;
            count(rows.entry(function).or_default());
            function
        };
        let read = journal::read(&run.path, |line| match line {
            Line::Cached(Cached { is_part: true, .. }) => {}
            Line::Ended(ended) if ended.is_part => {}
            Line::Cached(cached) => _ = row(cached.task, &mut |row| row.counts.count(State::Cached, Why::There, 0)),
            Line::Ended(ended) => {
                let (at, elapsed) = (clamp_seconds(ended.at), clamp_seconds(ended.elapsed));
                let is_bad = matches!(ended.state, State::Failed | State::Crashed | State::TimedOut);
                let function = row(ended.task, &mut |row| {
                    row.counts.count(ended.state, ended.why, ended.bytes);
                    row.seconds += elapsed;
                    row.longest = row.longest.max(elapsed);
                });
                if is_bad {
                    failed += 1;
                    if failures.len() < MAX_FAILURES {
                        let error = ended.error.as_deref().unwrap_or_default().to_owned();
                        let (name, state) = (ended.name.to_string(), format!("{:?}", ended.state));
                        failures.push(FailureRow { name, state, error });
                    }
                }
                if elapsed > 0.0 {
                    let name = ended.name.into_owned();
                    bars.push(TimelineBar { worker: ended.worker, function, name, at, elapsed, failed: is_bad });
                }
            }
            _ => {}
        });
        if let Err(error) = read {
            report_unreadable(&run.path, &error);
        }
        let drawn = bars.len().min(MAX_BARS);
        let undrawn = bars.len() - drawn;
        bars.sort_by(|a, b| b.elapsed.total_cmp(&a.elapsed));
        bars.truncate(drawn);
        let longest = rows.values().map(|row| row.seconds).fold(0.0, f64::max);
        for (function, row) in &mut rows {
            row.name = project.functions.get(*function).map(|function| function.name.to_string()).unwrap_or_default();
            row.color = pick_color(*function);
            Counts {
                completed: row.ran,
                cached: row.cached,
                failed: row.failed,
                skipped: row.skipped,
                bytes: row.bytes,
                ..
            } = row.counts;
            row.share = if longest > 0.0 { 100.0 * row.seconds / longest } else { 0.0 };
            row.seconds_text = print::format_seconds(row.seconds);
            row.longest_text = print::format_seconds(row.longest);
            row.bytes_text = print::format_bytes(row.bytes);
        }
        let head = run.head.as_ref();
        let fact = |name, value: Option<String>| value.filter(|value| !value.is_empty()).map(|value| (name, value));
        let facts = [
            fact("mode", head.map(|head| head.mode.to_string())),
            fact(
                "program",
                head.map(|head| format!("{} {}", head.program, head.version.as_deref().unwrap_or_default())),
            ),
            fact("pipex", head.map(|head| head.pipex.to_string())),
            fact("host", head.map(|head| head.host.to_string())),
            fact("process", head.map(|head| head.process.to_string())),
            fact("directory", head.map(|head| head.directory.to_string())),
        ];
        let until = bars.iter().map(|bar| bar.at + bar.elapsed).fold(run.elapsed.unwrap_or(0.0), f64::max);
        Ok(Page {
            run: run.id.clone(),
            flow: run.flow_name().to_owned(),
            state: describe_state(run),
            started: run.started.to_string(),
            took: run.elapsed.map_or_else(|| "has not ended".to_owned(), print::format_seconds),
            facts: facts.into_iter().flatten().collect(),
            functions: rows.into_values().collect(),
            more_failures: failed - failures.len(),
            failures,
            bars: drawn,
            undrawn,
            timeline_svg: draw_timeline(&bars, until),
            graph_svg: Graph::from_functions(project).draw_svg()?,
        })
    }
}

/// A bar for each task run, a row for each worker.
fn draw_timeline(bars: &[TimelineBar], until: f64) -> String {
    const WIDTH: f64 = 1_100.0;
    const ROW: usize = 26;
    let mut workers: Vec<u32> = bars.iter().map(|bar| bar.worker).collect();
    workers.sort_unstable();
    workers.dedup();
    let height = ROW * workers.len() + 24;
    let until = until.max(f64::MIN_POSITIVE);
    let mut svg = format!("<svg id=\"timeline\" viewBox=\"0 0 {} {height}\" role=\"img\">", WIDTH + 80.0);
    for (row, worker) in workers.iter().enumerate() {
        let _ = write!(svg, "<text x=\"0\" y=\"{}\">worker {worker}</text>", row * ROW + 17);
    }
    for bar in bars {
        let row = workers.iter().position(|worker| *worker == bar.worker).unwrap_or_default();
        let (x, width) = (80.0 + WIDTH * bar.at / until, (WIDTH * bar.elapsed / until).max(0.5));
        let failed = if bar.failed { " class=\"failed\"" } else { "" };
        let _ = write!(
            svg,
            "<rect{failed} x=\"{x:.2}\" y=\"{}\" width=\"{width:.2}\" height=\"{}\" fill=\"{}\"><title>{}: {}</title></rect>",
            row * ROW + 2,
            ROW - 4,
            pick_color(bar.function),
            escape(&bar.name),
            print::format_seconds(bar.elapsed)
        );
    }
    let _ = write!(
        svg,
        "<text x=\"80\" y=\"{y}\">0 s</text><text x=\"{}\" y=\"{y}\" text-anchor=\"end\">{}</text></svg>",
        WIDTH + 80.0,
        print::format_seconds(until),
        y = height - 6
    );
    svg
}

/// Far from those before it, for as many functions as there are.
fn pick_color(function: usize) -> String {
    format!("hsl({:.0}, 55%, 60%)", (function as f64 * 137.508) % 360.0)
}

fn escape(text: &str) -> String {
    let mut escaped = String::new();
    tinytemplate::escape(text, &mut escaped);
    escaped
}
