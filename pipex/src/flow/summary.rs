//! How many task runs ended how: the table at the end of a flow run.

use std::collections::HashMap;
use std::fmt;
use std::hash::BuildHasherDefault;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::run::report::{Reporter, TaskRun};
use pipex_format::journal::Counts;
use pipex_format::model::fingerprint::AsIs;
use pipex_format::model::task::Task;
use pipex_format::wire::NoticedTask;

/// Counts task runs by task function. Displayed, it is a table; clones count together.
///
/// ```
/// use pipex::{Config, Mode, Summary, task};
///
/// #[task]
/// fn double(x: u32) -> u32 {
///     2 * x
/// }
///
/// let out = tempfile::tempdir()?;
/// let summary = Summary::new();
/// Config::new().mode(Mode::Cache).path(out.path()).reporter(summary.clone()).scope(|| {
///     double(1).base("one").run()?;
///     double(1).base("one").run()
/// })?;
/// assert_eq!((summary.completed(), summary.cached()), (1, 1));
/// println!("{summary}");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Summary(Arc<Mutex<SummaryRows>>);

/// By the task functions' addresses.
#[derive(Debug, Default)]
struct SummaryRows(HashMap<usize, SummaryRow, BuildHasherDefault<AsIs>>);

#[derive(Debug)]
struct SummaryRow {
    task: &'static Task,
    /// Where it stands in the table: task functions in the order of their first runs.
    place: usize,
    counts: Counts,
    total: Duration,
    longest: Duration,
}

/// The place of its column.
const NOT_SAVED: usize = 2;

impl SummaryRows {
    /// The table, its head first. What is not saved is a column only where something is not.
    fn cells(&self) -> Vec<Vec<String>> {
        let mut rows: Vec<_> = self.0.values().collect();
        rows.sort_by_key(|row| row.place);
        let head = ["task", "ran", "not saved", "cached", "failed", "skipped", "total s", "longest s", "bytes"];
        let mut cells = vec![head.map(str::to_owned).to_vec()];
        cells.extend(rows.iter().map(|SummaryRow { task, counts, total, longest, .. }| {
            let Counts { completed, not_saved, cached, failed, skipped, bytes, .. } = counts;
            let mut row = vec![task.funcname.to_owned()];
            row.extend([completed, not_saved, cached, failed, skipped].map(u64::to_string));
            row.extend([total, longest].map(|time| format!("{:.3}", time.as_secs_f64())));
            row.push(bytes.to_string());
            row
        }));
        if rows.iter().all(|row| row.counts.not_saved == 0) {
            cells.iter_mut().for_each(|row| _ = row.remove(NOT_SAVED));
        }
        cells
    }
}

impl Summary {
    /// One that has counted nothing.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows().0.is_empty()
    }

    fn rows(&self) -> MutexGuard<'_, SummaryRows> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sum(&self, count: fn(&Counts) -> u64) -> usize {
        self.rows().0.values().map(|row| count(&row.counts) as usize).sum()
    }

    /// The task runs that ran and have an output.
    #[must_use]
    pub fn completed(&self) -> usize {
        self.sum(|counts| counts.completed)
    }

    /// The task runs that did not run, since their targets were there.
    #[must_use]
    pub fn cached(&self) -> usize {
        self.sum(|counts| counts.cached)
    }

    /// The task runs that ran and have no output: they failed, crashed or timed out.
    #[must_use]
    pub fn failed(&self) -> usize {
        self.sum(|counts| counts.failed)
    }

    /// The task runs that did not run, since an argument was not to be had or their flow run was cancelled.
    #[must_use]
    pub fn skipped(&self) -> usize {
        self.sum(|counts| counts.skipped)
    }

    /// The task runs that ran and whose outputs are held in memory and not saved.
    #[must_use]
    pub fn not_saved(&self) -> usize {
        self.sum(|counts| counts.not_saved)
    }

    /// What hooks are told, in the order of the table.
    pub(crate) fn noticed(&self) -> Vec<NoticedTask> {
        let rows = self.rows();
        let mut rows: Vec<_> = rows.0.values().collect();
        rows.sort_by_key(|row| row.place);
        let noticed = |row: &&SummaryRow| NoticedTask::new(row.task.funcname, row.counts, row.total.as_secs_f64());
        rows.iter().map(noticed).collect()
    }

    /// The table as Markdown.
    #[cfg(feature = "prefect-server")]
    pub(crate) fn markdown(&self) -> String {
        let rows = self.rows();
        let [head, body @ ..] = &*rows.cells() else { return String::new() };
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let ruler = format!("| ---{} |\n", " | ---:".repeat(head.len() - 1));
        [line(head), ruler].into_iter().chain(body.iter().map(|cells| line(cells))).collect()
    }
}

impl Reporter for Summary {
    fn task_run(&self, run: &TaskRun<'_>) {
        let mut rows = self.rows();
        let place = rows.0.len();
        let row = rows.0.entry(std::ptr::from_ref(run.task).addr()).or_insert(SummaryRow {
            task: run.task,
            place,
            counts: Counts::default(),
            total: Duration::ZERO,
            longest: Duration::ZERO,
        });
        row.counts.count(run.state, run.why, run.bytes);
        row.total += run.elapsed;
        row.longest = row.longest.max(run.elapsed);
    }
}

/// A line a task function: how many ran, were cached, failed, were skipped for what is upstream; the time they took together and the longest took, in seconds;
/// the bytes written. If outputs were held in memory, also how many.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows = self.rows().cells();
        let names = rows.iter().map(|cells| cells[0].len()).max().unwrap_or(0);
        for (number, cells) in rows.iter().enumerate() {
            write!(f, "{}{:names$}", if number > 0 { "\n" } else { "" }, cells[0])?;
            for (head, cell) in rows[0].iter().zip(cells).skip(1) {
                let width = match head.as_str() {
                    "bytes" => 12,
                    "total s" => 9,
                    head => head.len().max(7),
                };
                write!(f, " {cell:>width$}")?;
            }
        }
        Ok(())
    }
}
