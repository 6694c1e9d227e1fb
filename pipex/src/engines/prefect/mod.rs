//! Runs as a Prefect server shows them.
//!
//! A reporter puts what happens into a bounded queue; a thread of its own brings it to the server: flow runs, logs and
//! tables by REST, the states of task runs as events, many at a time, which is what Prefect's own client does. Nothing waits
//! for the server but the end of the outermost flow run.

mod board;
mod client;
mod sender;
mod states;
mod tables;

use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use uuid::Uuid;

use self::board::{Board, ShownFlow};
use self::client::Client;
use self::tables::TablePage;
use crate::run::engine::{Engine, LogLine, prefect_settings};
use crate::{FlowRun, Reporter, Summary, TaskRun};
use pipex_format::environment::env_text;
use pipex_format::model::error::{Error, Result};
use pipex_format::model::fingerprint::fingerprint_process;
use pipex_format::model::state::State;
use pipex_format::model::task::Task;
use pipex_format::say::say;

/// So many task runs of a function are shown for themselves, if nothing else is said.
const SHOWN: usize = 500;
/// How long the end of a flow run waits until the server has all.
const LAST: Duration = Duration::from_secs(60);
/// How long the end of the process does, after a signal.
const STOP: Duration = Duration::from_secs(5);

/// The reporter to the server that the environment names, if it names one. A server that is not there is an error only
/// with `PIPEX_PREFECT=required`.
fn reporter() -> Result<Option<Arc<dyn Reporter>>> {
    let Some(prefect) = &*PREFECT else { return Ok(None) };
    let prefect = prefect.as_ref().map_err(Clone::clone)?;
    if prefect_settings()?.required {
        prefect.client.version(Instant::now()).map_err(|error| {
            let engine = format!("the Prefect server at {}", prefect.client.named());
            let advice = "start it, set PREFECT_API_URL to where it is, or unset it".to_owned();
            Error::Engine { engine, advice, source: error.into() }
        })?;
    }
    Ok(Some(Arc::clone(prefect) as _))
}

inventory::submit! {
    Engine { reporter: Some(reporter), log: Some(log), stop: Some(stop), ..Engine::NONE }
}

/// A log line of a run.
fn log(line: &LogLine<'_>) {
    if let (Some(Ok(prefect)), Some(flow)) = (&*PREFECT, line.flow) {
        prefect.log(line.level, flow, line.task, line.located);
    }
}

/// The process is about to end: what has been said is brought to the server, if that does not take long.
fn stop() {
    let Some(Ok(prefect)) = &*PREFECT else { return };
    let open: Vec<_> = prefect.board().flows.keys().copied().collect();
    if open.is_empty() {
        return;
    }
    let (done, ended) = sync_channel(1);
    for (place, number) in open.iter().enumerate() {
        let done = (place + 1 == open.len()).then(|| done.clone());
        let error = Some("the process was stopped".to_owned());
        prefect.end(*number, State::Cancelled, error, done);
    }
    let _ = ended.recv_timeout(STOP);
}

/// What runs in this process are reported by.
static PREFECT: LazyLock<Option<Result<Arc<Prefect>>>> = LazyLock::new(|| {
    let url = env_text("PREFECT_API_URL")?;
    Some(prefect_settings().map(|settings| Prefect::start(&url, settings.max_runs.unwrap_or(SHOWN))))
});

struct Prefect {
    client: Client,
    /// So many task runs of a function are shown for themselves.
    shown: usize,
    board: Mutex<Board>,
    /// There is something to be said, at once.
    news: Condvar,
    /// What the ids of this process begin with.
    base: u64,
}

enum Said {
    FlowStarted(FlowStarted),
    Task(Box<TaskSaid>),
    Table(TableSaid),
    Log(Log),
    FlowEnded(FlowEnded),
}

struct FlowStarted {
    number: u64,
    name: &'static str,
    outer: Option<u64>,
    parameters: Vec<(&'static str, String)>,
    at: SystemTime,
    cancel: Box<dyn Fn(&'static str) + Send + Sync>,
}

struct FlowEnded {
    number: u64,
    state: State,
    error: Option<String>,
    summary: Option<String>,
    tables: Vec<TableSaid>,
    /// Told when the server has it.
    done: Option<SyncSender<()>>,
}

struct TaskSaid {
    number: u64,
    flow: u64,
    task: &'static Task,
    name: String,
    state: State,
    attempt: u32,
    message: String,
    /// The parameters, and the numbers that the runs which made what they took are shown under.
    inputs: Vec<(&'static str, u64)>,
    /// The others, and the beginnings of what they took.
    parameters: Vec<(&'static str, String)>,
    at: SystemTime,
}

/// A table of task runs of a function.
struct TableSaid {
    task: &'static Task,
    flow: u64,
    /// The number of those that are not shown for themselves, if there are such.
    rolled: Option<u64>,
    page: TablePage,
}

struct Log {
    level: tracing::Level,
    flow: u64,
    task: Option<u64>,
    message: String,
    at: SystemTime,
}

impl Prefect {
    fn start(url: &str, shown: usize) -> Arc<Self> {
        let base = fingerprint_process().half();
        let client = Client::new(url, format!("pipex-{base:016x}"));
        let prefect = Arc::new(Prefect { client, shown, board: Mutex::default(), news: Condvar::new(), base });
        let sender = Arc::clone(&prefect);
        let started = thread::Builder::new().name("pipex-prefect".to_owned()).spawn(move || sender.send());
        if let Err(error) = started {
            say(&format!("nothing is reported to Prefect, since a thread cannot be started: {error}"));
        }
        prefect
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The id that a run is shown under.
    fn id(&self, number: u64) -> Uuid {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.base.to_be_bytes());
        bytes[8..].copy_from_slice(&number.to_be_bytes());
        Uuid::new_v8(bytes)
    }

    fn end(&self, number: u64, state: State, error: Option<String>, done: Option<SyncSender<()>>) {
        let at = SystemTime::now();
        let mut board = self.board();
        let Some((flow, tables)) = board.end_flow(number, at) else { return };
        let summary = (flow.outermost == number && !flow.summary.is_empty()).then(|| flow.summary.markdown());
        // This one always has room: somebody waits for it.
        board.queue.push_back(Said::FlowEnded(FlowEnded { number, state, error, summary, tables, done }));
        board.urgent = true;
        self.news.notify_one();
    }

    /// A task run has come into a state.
    fn say(&self, run: &TaskRun<'_>) {
        let Some(flow) = run.flow else { return };
        let error = run.error.map(|error| format!("{error:?}"));
        let mut board = self.board();
        let Some(outermost) = board.flows.get(&flow).map(|flow| flow.outermost) else { return };
        if run.state.has_ended()
            && let Some(outermost) = board.flows.get(&outermost)
        {
            outermost.summary.task_run(run);
        }
        if !board.shows(self.shown, flow, run, error.as_deref()) {
            return;
        }
        if board.is_full() {
            board.lost += 1;
            return;
        }
        let inputs = run.inputs.iter().map(|(name, number)| (*name, *board.rolled.get(number).unwrap_or(number)));
        let said = TaskSaid {
            number: run.number,
            flow,
            task: run.task,
            name: run.name(),
            state: run.state,
            attempt: run.attempt,
            message: error.unwrap_or_else(|| states::message(run)),
            inputs: inputs.collect(),
            parameters: run.parameters.to_vec(),
            at: SystemTime::now(),
        };
        board.queue.push_back(Said::Task(Box::new(said)));
    }
}

impl Prefect {
    /// Takes down a line of the log of a run that it shows.
    fn log(&self, level: tracing::Level, flow: u64, task: Option<u64>, message: &str) {
        let mut board = self.board();
        if board.flows.contains_key(&flow) {
            let task = task.map(|task| *board.rolled.get(&task).unwrap_or(&task));
            board.put(Said::Log(Log { level, flow, task, message: message.to_owned(), at: SystemTime::now() }));
        }
    }
}

impl Reporter for Prefect {
    fn task_run(&self, run: &TaskRun<'_>) {
        self.say(run);
    }

    fn changed(&self, run: &TaskRun<'_>) {
        self.say(run);
    }

    fn still_running(&self, run: &TaskRun<'_>) {
        if let Some(flow) = run.flow {
            let message = format!("it has been running for {:.0?}", run.elapsed);
            self.log(tracing::Level::INFO, flow, Some(run.number), &message);
        }
    }

    fn wants_inputs(&self) -> bool {
        true
    }

    fn flow_started(&self, run: &FlowRun<'_>) {
        let mut board = self.board();
        let outermost = run.outer.and_then(|outer| board.flows.get(&outer)).map_or(run.number, |outer| outer.outermost);
        board.flows.insert(run.number, ShownFlow { outermost, summary: Summary::new() });
        board.queue.push_back(Said::FlowStarted(FlowStarted {
            number: run.number,
            name: run.flow.name,
            outer: run.outer,
            parameters: run.parameters.to_vec(),
            at: SystemTime::now(),
            cancel: Box::new(run.canceller()),
        }));
        board.urgent = true;
        self.news.notify_one();
    }

    fn flow_ended(&self, run: &FlowRun<'_>) {
        let (done, ended) = sync_channel(1);
        let state = run.state.unwrap_or(State::Completed);
        self.end(run.number, state, run.error.map(str::to_owned), Some(done));
        if run.outer.is_none() && ended.recv_timeout(LAST).is_err() {
            say("the Prefect server takes long: what it has not heard by now it will not hear");
        }
    }
}
