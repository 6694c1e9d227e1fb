//! What is to be said, and what has to be known for that.

use std::collections::{HashMap, HashSet, VecDeque};
use std::time::SystemTime;

use super::tables::{TablePage, TableRow, Tables};
use super::{Said, TableSaid, TaskSaid};
use crate::run::engine::number;
use crate::{Summary, TaskRun};
use pipex_format::journal::Counts;
use pipex_format::model::state::State;
use pipex_format::model::task::Task;

/// The most states, log lines and rows of tables that wait for the server.
const ROOM: usize = 100_000;
/// The most characters that are said of the first failure of runs that are not shown for themselves.
const FIRST_FAILURE: usize = 500;

/// What is to be said, and what has to be known for that.
#[derive(Default)]
pub(super) struct Board {
    pub(super) queue: VecDeque<Said>,
    /// What there was no room for.
    pub(super) lost: u64,
    pub(super) flows: HashMap<u64, ShownFlow>,
    functions: HashMap<(u64, usize), ShownFunction>,
    /// How many rows the tables in the queue have.
    rows: usize,
    /// The runs under way that are shown for themselves.
    shown: HashSet<u64>,
    /// The runs that are shown with others of their function, by the number of that.
    pub(super) rolled: HashMap<u64, u64>,
    /// The thread has news to take at once.
    pub(super) urgent: bool,
}

/// A flow run that has not ended.
pub(super) struct ShownFlow {
    pub(super) outermost: u64,
    /// What the outermost has as its table.
    pub(super) summary: Summary,
}

/// The task runs of a function in a flow run.
struct ShownFunction {
    task: &'static Task,
    flow: u64,
    /// What those that are not shown for themselves have as their number.
    number: u64,
    shown: usize,
    rolled: Rolled,
    /// The first of these that failed, and why.
    first_failure: String,
    /// Whether the server has yet to hear of them.
    changed: bool,
    tables: Tables,
}

/// Those that are not shown for themselves: how many there are, and how they ended.
#[derive(Clone, Copy, Default)]
struct Rolled {
    all: u64,
    ended: Counts,
}

impl Board {
    pub(super) fn is_full(&self) -> bool {
        self.queue.len() + self.rows >= ROOM
    }

    pub(super) fn put(&mut self, said: Said) {
        if self.is_full() { self.lost += 1 } else { self.queue.push_back(said) }
    }

    /// A table of a function is full.
    fn put_table(&mut self, table: TableSaid) {
        match table.page.len() {
            rows if self.is_full() => self.lost += rows as u64,
            rows => {
                self.rows += rows;
                self.queue.push_back(Said::Table(table));
            }
        }
    }

    /// Takes down that a run has come into a state. Whether it is shown for itself, as the first `most` of its function are.
    pub(super) fn shows(&mut self, most: usize, flow: u64, run: &TaskRun<'_>, error: Option<&str>) -> bool {
        let Board { functions, shown, rolled, .. } = self;
        let function = functions.entry((flow, std::ptr::from_ref(run.task).addr()));
        let function = function.or_insert_with(|| ShownFunction::new(run.task, flow));
        let is_new = !shown.contains(&run.number) && !rolled.contains_key(&run.number);
        if is_new && function.shown < most {
            function.shown += 1;
            shown.insert(run.number);
        } else if is_new {
            function.rolled.all += 1;
            rolled.insert(run.number, function.number);
        }
        let is_shown = shown.contains(&run.number);
        if !is_shown {
            function.count(run, error);
        }
        if run.state.has_ended() {
            shown.remove(&run.number);
            let table = function
                .tables
                .add(run.state.is_failure(), || TableRow::new(run, error))
                .and_then(|page| function.table(page));
            table.into_iter().for_each(|table| self.put_table(table));
        }
        is_shown
    }

    /// The flow run has ended: the last that is said of the functions in it, and what is left of their tables.
    pub(super) fn end_flow(&mut self, flow: u64, at: SystemTime) -> Option<(ShownFlow, Vec<TableSaid>)> {
        let ended = self.flows.remove(&flow)?;
        let functions: Vec<_> = self.functions.extract_if(|(of, _), _| *of == flow).collect();
        let mut tables = Vec::new();
        for (_, mut function) in functions {
            if function.rolled.all > 0 {
                self.put(function.said(at, true));
            }
            let left = std::mem::take(&mut function.tables).end();
            tables.extend(left.filter_map(|page| function.table(page)));
        }
        if self.flows.is_empty() {
            self.rolled.clear();
            self.shown.clear();
        }
        Some((ended, tables))
    }

    /// What lies here that the server has to hear of; and how many are rolled up, as far as that has changed.
    pub(super) fn take(&mut self) -> (VecDeque<Said>, u64) {
        let at = SystemTime::now();
        let mut rolled = Vec::new();
        for function in self.functions.values_mut() {
            if std::mem::take(&mut function.changed) {
                rolled.push(function.said(at, false));
            }
        }
        rolled.into_iter().for_each(|said| self.queue.push_back(said));
        (self.urgent, self.rows) = (false, 0);
        (std::mem::take(&mut self.queue), std::mem::take(&mut self.lost))
    }
}

impl ShownFunction {
    fn new(task: &'static Task, flow: u64) -> Self {
        ShownFunction {
            task,
            flow,
            number: number().get(),
            shown: 0,
            rolled: Rolled::default(),
            first_failure: String::new(),
            changed: false,
            tables: Tables::default(),
        }
    }

    /// Counts one that is not shown for itself.
    fn count(&mut self, run: &TaskRun<'_>, error: Option<&str>) {
        self.rolled.ended.count(run.state, run.why, run.bytes);
        if let (true, Some(error)) = (run.state.is_failure() && self.first_failure.is_empty(), error) {
            self.first_failure = format!("{:?}: {}", run.name(), error.chars().take(FIRST_FAILURE).collect::<String>());
        }
        self.changed = true;
    }

    /// What is said of those that are not shown for themselves: as of one task run.
    fn said(&self, at: SystemTime, ended: bool) -> Said {
        let ShownFunction { task, flow, number, rolled, .. } = *self;
        let name = format!("{} ({} more)", task.funcname, rolled.all);
        let (state, message) = (rolled.state(ended), rolled.message(&self.first_failure));
        let (inputs, parameters) = (Vec::new(), Vec::new());
        Said::Task(Box::new(TaskSaid { number, flow, task, name, state, attempt: 1, message, inputs, parameters, at }))
    }

    /// A table of it, if there is anything in it that the task runs themselves do not show.
    fn table(&self, page: TablePage) -> Option<TableSaid> {
        let ShownFunction { task, flow, number, .. } = *self;
        let rolled = (self.rolled.all > 0).then_some(number);
        (rolled.is_some() || page.has_targets()).then_some(TableSaid { task, flow, rolled, page })
    }
}

impl Rolled {
    fn state(self, ended: bool) -> State {
        match (ended, self.ended.failed + self.ended.skipped) {
            (false, _) => State::Running,
            (true, 0) => State::Completed,
            (true, _) => State::Failed,
        }
    }

    /// How they ended; which was the first that failed, if one did.
    fn message(self, first_failure: &str) -> String {
        let Rolled { all, ended: Counts { completed, cached, failed, skipped, .. } } = self;
        let first = if failed > 0 { format!("; the first that failed: {first_failure}") } else { String::new() };
        format!(
            "{all} more task runs, listed in the artifacts: {completed} completed, {cached} cached, {failed} failed, {skipped} skipped{first}"
        )
    }
}
