//! Dry runs: nothing runs, and it is said what would.

use std::borrow::Cow;
use std::fmt;
use std::io::{self, Write as _};
use std::sync::{LazyLock, Mutex, PoisonError};

use crate::graph::dry::needed;
use pipex_format::environment::env_text;
use pipex_format::model::error::JobError;
use pipex_format::model::task::Task;
use pipex_format::say::say;
use pipex_format::wire::Order;

/// What a dry run says on stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DryRun {
    /// How many runs of each task function there would be, and why.
    Counts,
    /// Each run, too.
    Runs,
    /// Each run as a line that [`remote::command`](crate::remote::command) runs, and nothing else.
    Jobs,
}

impl DryRun {
    /// What the environment asks for.
    pub(crate) fn from_env() -> Option<Self> {
        static ASKED: LazyLock<Option<DryRun>> = LazyLock::new(|| match env_text("PIPEX_DRY_RUN")?.as_str() {
            "0" => None,
            "list" => Some(DryRun::Runs),
            "jobs" => Some(DryRun::Jobs),
            _ => Some(DryRun::Counts),
        });
        *ASKED
    }
}

/// What would run, counted.
#[derive(Debug, Default)]
pub(crate) struct Tally(Mutex<TallyState>);

#[derive(Debug, Default)]
struct TallyState {
    rows: Vec<TallyRow>,
    /// Jobs that are not listed: what they take has to be made first.
    waiting: usize,
    /// Jobs that are not listed, since their task is not `remote`.
    local: usize,
}

#[derive(Debug)]
struct TallyRow {
    task: &'static Task,
    why: Cow<'static, str>,
    count: usize,
}

impl Tally {
    /// Counts a run.
    pub(crate) fn count(&self, task: &'static Task, why: Cow<'static, str>) {
        let mut counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // There are few: a task function has few reasons.
        match counted.rows.iter_mut().find(|row| std::ptr::eq(row.task, task) && row.why == why) {
            Some(row) => row.count += 1,
            None => counted.rows.push(TallyRow { task, why, count: 1 }),
        }
    }

    /// Says, at the end of a flow run, what has been counted; and which data it needs, if it `ends` for want of them.
    pub(crate) fn end(&self, dry: DryRun, ends: bool) {
        match dry {
            DryRun::Jobs => self.say_unlisted(),
            DryRun::Counts | DryRun::Runs => {
                let mut out = io::stdout().lock();
                let _ = writeln!(out, "{self}");
                if let Some(needed) = needed().filter(|_| ends) {
                    let _ = writeln!(out, "{needed}");
                }
            }
        }
    }

    fn say_unlisted(&self) {
        let counted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let count = |count: usize, why: &str| match count {
            0 => {}
            1 => say(&format!("1 more task run is missing, which {why}")),
            count => say(&format!("{count} more task runs are missing, which {why}")),
        };
        count(counted.waiting, "can be listed when what they take has been made");
        count(counted.local, "are not of tasks marked `#[task(remote)]`: the program itself runs them");
    }
}

/// Lists a job, or counts why it is not listed: `None` if its task is not `remote`, an error if what it takes is missing.
pub(crate) fn list(job: Option<Result<Order, JobError>>, tally: Option<&Tally>) {
    let counted = tally.map(|tally| tally.0.lock().unwrap_or_else(PoisonError::into_inner));
    match (job, counted) {
        (Some(Ok(order)), _) => {
            let line = order.into_line();
            // Written at once: what reads it may not wait for the end.
            let _ = writeln!(io::stdout(), "{line}");
        }
        (Some(Err(_)), Some(mut counted)) => counted.waiting += 1,
        (None, Some(mut counted)) => counted.local += 1,
        (_, None) => {}
    }
}

/// A line for each task function and reason.
impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let TallyState { rows, .. } = &*self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if rows.is_empty() {
            return f.write_str("nothing would run");
        }
        let width = rows.iter().map(|row| row.task.funcname.len()).max().unwrap_or(0).max(4);
        write!(f, "{:width$} {:>9}  why", "task", "would run")?;
        for TallyRow { task, why, count } in rows {
            write!(f, "\n{:width$} {count:>9}  {why}", task.funcname)?;
        }
        Ok(())
    }
}
