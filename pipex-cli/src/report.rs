//! `pipex report`: the page of `pipex ui` with what it would ask for.

use std::path::Path;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::Serialize;

use crate::page::{Feed, Former, Overview, Page, Standing, Update, draw_secret, embed};
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
    former: Former<'p>,
    status: Standing<'p>,
}

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
        if let Err(error) = read(&run.path, |line| updates.extend(feed.apply(line))) {
            report_unreadable(&run.path, &error);
        }
        updates.extend(feed.find_critical_path());
        Ok(Report {
            live: false,
            run: &run.id,
            runs: Overview::of_runs(project, std::slice::from_ref(run)),
            updates,
            former: Former::new(project, number),
            status: Standing::new(project)?,
        })
    }
}
