//! `pipex report`: the page of `pipex ui` with what it would ask for.

use std::collections::BTreeMap;
use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use pipex_format::journal::Line;
use pipex_format::model::target::url_scheme;
use serde::Serialize;

use crate::logged::{LoggedLine, key_of};
use crate::page::{Earlier, Feed, Limits, Overview, Page, Preview, Standing, Update, draw_secret, embed};
use crate::project::Project;
use crate::reading::{read, report_unreadable};
use crate::{CommandError, CommandStatus, print};

/// What the page shows.
#[derive(Serialize)]
struct Report<'p> {
    live: bool,
    run: &'p str,
    runs: Overview<'p>,
    updates: Vec<Update>,
    earlier: Earlier<'p>,
    status: Standing<'p>,
    /// What its outputs have, by their targets.
    contents: BTreeMap<String, Preview>,
    /// What its task runs have logged, by their targets; by their names, if they have none.
    logged: BTreeMap<String, Vec<LoggedLine>>,
}

/// What is shown of an output.
const LIMITS: Limits = Limits { bytes: 4 << 20, rows: 20, text: 8 << 10, picture: Some(200 << 10) };
/// How many bytes of JSON that is, of one output and of all; and how many bytes are read for it.
const MAX_SHOWN: usize = 400 << 10;
const MAX_ALL: usize = 5 << 20;
const MAX_READ: u64 = 256 << 20;
/// How many lines that task runs have logged.
const MAX_LINES: usize = 10_000;

pub fn report(
    project: &Project,
    run: Option<&str>,
    output: Option<&Path>,
    json: bool,
) -> Result<CommandStatus, CommandError> {
    let number = project.find_run_or_last(run)?;
    let report = Report::new(project, number)?;
    if json {
        print::json(&report)?;
        return Ok(CommandStatus::Clean);
    }
    let nonce = draw_secret()?;
    let policy = format!(
        "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src data:; base-uri 'none'; form-action 'none'"
    );
    let title = format!("{}: {}", project.runs[number].flow_name(), report.run);
    let module = |_: &str, text: &str| format!("data:text/javascript;base64,{}", BASE64_STANDARD.encode(text));
    let data = embed(&report)?;
    let page = Page { title: &title, nonce: &nonce, policy: Some(&policy), style: None, module: &module, data };
    print::to_output(output, page.render()?)?;
    Ok(CommandStatus::Clean)
}

impl<'p> Report<'p> {
    fn new(project: &'p Project, number: usize) -> Result<Self, CommandError> {
        let run = &project.runs[number];
        let mut feed = Feed::new(project.root.clone());
        let mut updates = Vec::new();
        let mut logged: BTreeMap<String, Vec<LoggedLine>> = BTreeMap::new();
        let mut room = MAX_LINES;
        let each = |line: Line<'static>| {
            if let Line::Ended(ended) = &line
                && !ended.logged.is_empty()
            {
                let lines = LoggedLine::of(ended).take(room).collect::<Vec<_>>();
                room -= lines.len();
                logged.entry(key_of(project, number as u32, ended)).or_default().extend(lines);
            }
            updates.extend(feed.apply(line));
        };
        if let Err(error) = read(&run.path, each) {
            report_unreadable(&run.path, &error);
        }
        updates.extend(feed.find_critical_path());
        let contents = read_contents(project, &updates);
        Ok(Report {
            live: false,
            run: &run.id,
            runs: Overview::of_runs(project, std::slice::from_ref(run)),
            updates,
            earlier: Earlier::new(project, number),
            status: Standing::new(project)?,
            contents,
            logged,
        })
    }
}

/// What the outputs of these updates have: those that were made last before others, as far as there is room for them. What is in a
/// bucket is left there.
fn read_contents(project: &Project, updates: &[Update]) -> BTreeMap<String, Preview> {
    let mut contents = BTreeMap::new();
    let (mut room, mut unread) = (MAX_ALL, MAX_READ);
    for name in updates.iter().rev().filter_map(Update::target) {
        let target = project.find_target(name).map(|index| project.targets.get(index));
        let Some(target) = target.ok().filter(|_| url_scheme(name).is_none() && !contents.contains_key(name)) else {
            continue;
        };
        let bytes = target.made().map_or(0, |made| made.bytes.min(LIMITS.bytes));
        // What cannot be read is told where it is looked at.
        let (true, Ok(shown)) = (bytes <= unread, Preview::read(project, target, 0, LIMITS)) else { continue };
        unread -= bytes;
        let length = serde_json::to_string(&shown).map_or(usize::MAX, |json| json.len());
        if length > MAX_SHOWN || matches!(shown, Preview::Nothing) {
            continue;
        }
        let Some(left) = room.checked_sub(length) else { break };
        room = left;
        contents.insert(name.to_owned(), shown);
    }
    contents
}
