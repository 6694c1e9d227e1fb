//! Runs as a Prefect server shows them.
//!
//! A reporter puts what happens into a bounded queue; a thread of its own brings it to the server: flow runs, logs and the
//! table by REST, the states of task runs as events, many at a time, which is what Prefect's own client does. Nothing waits
//! for the server but the end of the outermost flow run.

mod client;
mod sender;
mod states;

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Condvar, LazyLock, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, SystemTime};

use uuid::Uuid;

use self::client::Client;
use crate::run::engine::{Engine, LogLine, number, prefect_settings};
use crate::{FlowRun, Reporter, Summary, TaskRun};
use pipex_format::environment::env_text;
use pipex_format::journal::Counts;
use pipex_format::model::error::{Error, Result};
use pipex_format::model::fingerprint::fingerprint_process;
use pipex_format::model::state::State;
use pipex_format::model::task::Task;
use pipex_format::say::say;

/// The most states that wait for the server.
const ROOM: usize = 100_000;
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
        prefect.client.version().map_err(|error| {
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

/// What is to be said, and what has to be known for that.
#[derive(Default)]
struct Board {
    queue: VecDeque<Said>,
    /// What there was no room for.
    lost: u64,
    flows: HashMap<u64, ShownFlow>,
    functions: HashMap<(u64, usize), RolledFunction>,
    /// The runs under way that are shown for themselves.
    shown: HashSet<u64>,
    /// The runs that are shown with others of their function, by the number of that.
    rolled: HashMap<u64, u64>,
    /// The thread has news to take at once.
    urgent: bool,
}

/// A flow run that has not ended.
struct ShownFlow {
    outermost: u64,
    /// What the outermost has as its table.
    summary: Summary,
}

/// The task runs of a function in a flow run.
struct RolledFunction {
    task: &'static Task,
    flow: u64,
    /// What those that are not shown for themselves have as their number.
    number: u64,
    shown: usize,
    rolled: Rolled,
    /// Whether the server has yet to hear of it.
    changed: bool,
}

/// Those that are not shown for themselves: how many there are, and how they ended.
#[derive(Clone, Copy, Default)]
struct Rolled {
    all: u64,
    ended: Counts,
}

enum Said {
    FlowStarted(FlowStarted),
    Task(Box<TaskSaid>),
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
    table: Option<String>,
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
    at: SystemTime,
}

struct Log {
    level: tracing::Level,
    flow: u64,
    task: Option<u64>,
    message: String,
    at: SystemTime,
}

impl Board {
    fn is_full(&self) -> bool {
        self.queue.len() >= ROOM
    }

    fn put(&mut self, said: Said) {
        if self.is_full() { self.lost += 1 } else { self.queue.push_back(said) }
    }

    /// What lies here that the server has to hear of; and how many are rolled up, as far as that has changed.
    fn take(&mut self) -> (VecDeque<Said>, u64) {
        let at = SystemTime::now();
        let mut rolled = Vec::new();
        for function in self.functions.values_mut() {
            if std::mem::take(&mut function.changed) {
                rolled.push(function.said(at, false));
            }
        }
        rolled.into_iter().for_each(|said| self.queue.push_back(said));
        self.urgent = false;
        (std::mem::take(&mut self.queue), std::mem::take(&mut self.lost))
    }
}

impl RolledFunction {
    /// What is said of those that are not shown for themselves: as of one task run.
    fn said(&self, at: SystemTime, ended: bool) -> Said {
        let RolledFunction { task, flow, number, rolled, .. } = *self;
        let name = format!("{} ({} more)", task.funcname, rolled.all);
        let (state, message, inputs) = (rolled.state(ended), rolled.message(), Vec::new());
        Said::Task(Box::new(TaskSaid { number, flow, task, name, state, attempt: 1, message, inputs, at }))
    }
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
        let Some(flow) = board.flows.remove(&number) else { return };
        let rolled: Vec<_> = board.functions.extract_if(|(of, _), _| *of == number).collect();
        for (_, function) in rolled.into_iter().filter(|(_, function)| function.rolled.all > 0) {
            board.put(function.said(at, true));
        }
        let table = (flow.outermost == number && !flow.summary.is_empty()).then(|| flow.summary.markdown());
        // This one always has room: somebody waits for it.
        board.queue.push_back(Said::FlowEnded(FlowEnded { number, state, error, table, done }));
        if board.flows.is_empty() {
            board.rolled.clear();
            board.shown.clear();
        }
        board.urgent = true;
        self.news.notify_one();
    }

    /// A task run has come into a state.
    fn say(&self, run: &TaskRun<'_>) {
        let Some(flow) = run.flow else { return };
        let mut board = self.board();
        let Some(outermost) = board.flows.get(&flow).map(|flow| flow.outermost) else { return };
        if run.state.has_ended()
            && let Some(outermost) = board.flows.get(&outermost)
        {
            outermost.summary.task_run(run);
        }
        let known = board.shown.contains(&run.number);
        if !known && !self.shows(&mut board, flow, run) {
            return;
        }
        if run.state.has_ended() {
            board.shown.remove(&run.number);
        } else if !known {
            board.shown.insert(run.number);
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
            message: states::message(run),
            inputs: inputs.collect(),
            at: SystemTime::now(),
        };
        board.queue.push_back(Said::Task(Box::new(said)));
    }

    /// Whether a run is shown for itself; else it is counted.
    fn shows(&self, board: &mut Board, flow: u64, run: &TaskRun<'_>) -> bool {
        let function = board.functions.entry((flow, std::ptr::from_ref(run.task).addr()));
        let function = function.or_insert_with(|| RolledFunction {
            task: run.task,
            flow,
            number: number().get(),
            shown: 0,
            rolled: Rolled::default(),
            changed: false,
        });
        let is_new = !board.rolled.contains_key(&run.number);
        if is_new && function.shown < self.shown {
            function.shown += 1;
            return true;
        }
        if is_new {
            board.rolled.insert(run.number, function.number);
            function.rolled.all += 1;
        }
        function.rolled.ended.count(run.state, run.why, run.bytes);
        function.changed = true;
        false
    }
}

impl Prefect {
    /// Takes down a line of the log of a run that it shows.
    fn log(&self, level: tracing::Level, flow: u64, task: Option<u64>, message: &str) {
        let mut board = self.board();
        if board.flows.contains_key(&flow) {
            let task = task.filter(|task| !board.rolled.contains_key(task));
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
