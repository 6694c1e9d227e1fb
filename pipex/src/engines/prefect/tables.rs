//! The task runs of a function in tables, by which outputs are found, and what became of runs that are not shown for
//! themselves. A table is an artifact: one for each task run would be a call for each.

use std::fmt::Write as _;
use std::time::Duration;
use std::{env, path};

use crate::{Location, State, TaskRun};
use pipex_format::model::target::url_scheme;
use pipex_format::model::task::Task;

/// The most rows of a table.
const PAGE: usize = 500;
/// The most tables of the runs of a function that failed, and of the others.
const PAGES: usize = 20;
/// The most characters of a cell.
const CELL: usize = 500;

/// A task run that has ended.
pub(super) struct TableRow {
    name: String,
    state: State,
    elapsed: Duration,
    target: Option<Location>,
    /// Whether the target is a path, or a URL.
    is_path: bool,
    error: String,
}

/// What of the runs of a function no table has yet.
#[derive(Default)]
pub(super) struct Tables {
    failed: Listed,
    others: Listed,
}

#[derive(Default)]
struct Listed {
    rows: Vec<TableRow>,
    /// How many tables there are.
    pages: usize,
    /// How many runs there was no room for.
    more: u64,
}

/// A table that the server has yet to be given.
pub(super) struct TablePage {
    rows: Vec<TableRow>,
    /// Whether it has nothing but runs that failed.
    failed: bool,
    /// Which one it is, counted from 0.
    number: usize,
    /// How many it does not have, and none after it.
    more: u64,
}

impl TableRow {
    /// `error` is why it did not end well.
    pub(super) fn new(run: &TaskRun<'_>, error: Option<&str>) -> Self {
        TableRow {
            name: run.name(),
            state: run.state,
            elapsed: run.elapsed,
            target: run.target.cloned(),
            is_path: run.store.is_empty(),
            error: error.unwrap_or_default().chars().take(CELL).collect(),
        }
    }
}

impl Tables {
    /// Takes a run down, if there is room. The table that was full before, if one was.
    pub(super) fn add(&mut self, failed: bool, row: impl FnOnce() -> TableRow) -> Option<TablePage> {
        let Listed { rows, pages, more } = if failed { &mut self.failed } else { &mut self.others };
        // The last one is given away at the end, when it is known how many it does not have.
        if rows.len() == PAGE && *pages + 1 == PAGES {
            *more += 1;
            return None;
        }
        let full = (rows.len() == PAGE).then(|| {
            *pages += 1;
            TablePage { rows: std::mem::take(rows), failed, number: *pages - 1, more: 0 }
        });
        rows.push(row());
        full
    }

    /// What is left: one table if there was none and it is not too long, the runs that failed first.
    pub(super) fn end(self) -> impl Iterator<Item = TablePage> {
        let Tables { mut failed, mut others } = self;
        if failed.pages + others.pages == 0 && failed.rows.len() + others.rows.len() <= PAGE {
            failed.rows.append(&mut others.rows);
            std::mem::swap(&mut failed.rows, &mut others.rows);
        }
        let page = |(Listed { rows, pages, more }, failed)| TablePage { rows, failed, number: pages, more };
        [(failed, true), (others, false)].map(page).into_iter().filter(|page| !page.rows.is_empty())
    }
}

impl TablePage {
    pub(super) fn len(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn has_targets(&self) -> bool {
        self.rows.iter().any(|row| row.target.is_some())
    }

    /// What the artifact is called; of later flow runs it is the same.
    pub(super) fn key(&self, task: &Task) -> String {
        let name = task.full_name().to_lowercase();
        let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
        let failed = self.failed.then_some("failed");
        let number = (self.number > 0).then(|| (self.number + 1).to_string());
        let words: Vec<_> = ["pipex"].into_iter().chain(words).chain(failed).chain(number.as_deref()).collect();
        words.join("-")
    }

    /// What it has.
    pub(super) fn description(&self, task: &Task) -> String {
        let failed = if self.failed { " that failed" } else { "" };
        let before = self.number * PAGE;
        format!("Task runs of `{}`{failed}: {} to {}", task.full_name(), before + 1, before + self.len())
    }

    pub(super) fn markdown(&self) -> String {
        let has_errors = self.rows.iter().any(|row| !row.error.is_empty());
        let has_targets = self.has_targets();
        let mut heads = vec!["task run", "state", "seconds"];
        heads.extend(has_targets.then_some("output"));
        heads.extend(has_errors.then_some("why"));
        let mut table = String::new();
        // A page may follow no links to files.
        if let (true, Ok(here)) = (self.rows.iter().any(TableRow::is_below_here), env::current_dir()) {
            let _ = writeln!(table, "Outputs are below {}.\n", escape(&here.to_string_lossy()));
        }
        let _ = writeln!(table, "| {} |\n|{}", heads.join(" | "), " --- |".repeat(heads.len()));
        for row in &self.rows {
            let seconds = row.elapsed.as_secs_f64();
            let _ = write!(table, "| {} | {:?} | {seconds:.3} |", escape(&row.name), row.state);
            if has_targets {
                let _ = write!(table, " {} |", row.output());
            }
            if has_errors {
                let _ = write!(table, " {} |", escape(&row.error));
            }
            table.push('\n');
        }
        if self.more > 0 {
            let _ = writeln!(table, "\nand {} more.", self.more);
        }
        table
    }
}

impl TableRow {
    fn is_below_here(&self) -> bool {
        let is_below = |target: &Location| url_scheme(target.as_str()).is_none() && target.path().is_relative();
        self.is_path && self.target.as_ref().is_some_and(is_below)
    }

    /// The target, and a link to it. What is not there has none.
    fn output(&self) -> String {
        let Some(target) = &self.target else { return String::new() };
        let text = escape(target.as_str());
        let link = match url_scheme(target.as_str()) {
            _ if !self.is_path || !self.state.is_success() => None,
            Some(_) => Some(encode(target.as_str())),
            None => {
                path::absolute(target.path()).ok().map(|path| format!("file://{}", encode(&path.to_string_lossy())))
            }
        };
        match link {
            Some(link) => format!("[{text}]({link})"),
            None => text,
        }
    }
}

/// As text of Markdown, in one cell of a table.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    for c in text.chars().take(CELL) {
        match c {
            '<' => escaped.push_str("&lt;"),
            '&' => escaped.push_str("&amp;"),
            c if c.is_control() => escaped.push(' '),
            c => {
                if c.is_ascii_punctuation() && !matches!(c, '/' | '.' | ',' | '-' | ':' | '=' | '"' | '\'' | ';') {
                    escaped.push('\\');
                }
                escaped.push(c);
            }
        }
    }
    escaped
}

/// As part of a link. What a URL has of its own stays.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"/:-._~@+=,".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            let _ = write!(encoded, "%{byte:02X}");
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, state: State) -> TableRow {
        let (elapsed, target) = (Duration::from_millis(1500), Some(Location::new("s3://bucket/a b(1).json")));
        TableRow { name: name.to_owned(), state, elapsed, target, is_path: true, error: String::new() }
    }

    fn all(failed: usize, others: usize) -> Vec<TablePage> {
        let mut tables = Tables::default();
        let failed = (0..failed).filter_map(|_| tables.add(true, || row("it", State::Failed))).collect::<Vec<_>>();
        let others = (0..others).filter_map(|_| tables.add(false, || row("it", State::Completed))).collect::<Vec<_>>();
        failed.into_iter().chain(others).chain(tables.end()).collect()
    }

    #[test]
    fn few_runs_are_one_table_and_those_that_failed_come_first() {
        let pages = all(1, 2);
        let [page] = &pages[..] else { panic!("{} tables", pages.len()) };
        assert!(!page.failed);
        assert_eq!(
            page.markdown(),
            "| task run | state | seconds | output |\n| --- | --- | --- | --- |\n\
             | it | Failed | 1.500 | s3://bucket/a b\\(1\\).json |\n\
             | it | Completed | 1.500 | [s3://bucket/a b\\(1\\).json](s3://bucket/a%20b%281%29.json) |\n\
             | it | Completed | 1.500 | [s3://bucket/a b\\(1\\).json](s3://bucket/a%20b%281%29.json) |\n"
        );
    }

    #[test]
    fn many_runs_are_tables_of_500_and_the_last_says_how_many_more_there_are() {
        let sizes = |pages: &[TablePage]| {
            pages.iter().map(|page| (page.failed, page.number, page.len(), page.more)).collect::<Vec<_>>()
        };
        assert_eq!(sizes(&all(0, PAGE)), [(false, 0, PAGE, 0)]);
        assert_eq!(sizes(&all(1, PAGE)), [(true, 0, 1, 0), (false, 0, PAGE, 0)]);
        assert_eq!(sizes(&all(0, PAGE + 1)), [(false, 0, PAGE, 0), (false, 1, 1, 0)]);
        let most = all(PAGE * PAGES + 7, 0);
        assert_eq!(most.len(), PAGES);
        assert_eq!(sizes(&most)[PAGES - 1], (true, PAGES - 1, PAGE, 7));
        assert!(most[PAGES - 1].markdown().ends_with("|\n\nand 7 more.\n"));
    }

    #[test]
    fn whatever_a_run_is_called_it_is_text_in_one_cell() {
        let text = escape("<img src=x onerror=alert(1)> | `a`\n[b](javascript:c) &amp; _d_");
        assert_eq!(text, r"&lt;img src=x onerror=alert\(1\)\> \| \`a\` \[b\]\(javascript:c\) &amp;amp; \_d\_");
    }
}
