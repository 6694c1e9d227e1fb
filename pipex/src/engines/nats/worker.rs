//! The worker's side: pulls jobs, does them, says what came of them.

mod pull;

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock};
use std::thread;
use std::time::{Duration, Instant};

use async_nats::jetstream::{AckKind, Message};
use bytes::Bytes;
use futures_util::StreamExt as _;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use tokio::runtime::Handle;
use tokio::sync::{Notify, mpsc};

use super::hand::Hand;
use super::size::{CAPACITY, size_header};
use super::{Connection, DROP, NatsSettings, RUN, RUN_ALONE, STARTED, add_said, name, said_of, subject};
#[cfg(feature = "logging")]
use super::{LOG, Logged};
use crate::Local;
use crate::remote::{refusal, registered, without_value, work};
#[cfg(feature = "logging")]
use crate::run::engine::LogLine;
use crate::runtime::{self, block_on};
use pipex_format::model::error::{Error, JobError, Result};
use pipex_format::model::resources::Resources;
use pipex_format::model::task::Task;
use pipex_format::say::say;
use pipex_format::store;

/// So much work is taken ahead, so that no time is lost between jobs.
const AHEAD: Duration = Duration::from_millis(100);
const MOST_AHEAD: usize = 256;
/// How long running tasks may go on after SIGTERM.
const GRACE: Duration = Duration::from_secs(10);

/// Does what flows ask for, until SIGTERM or Ctrl-C.
pub(crate) fn serve() -> Result<()> {
    let Some(settings) = NatsSettings::from_env()? else {
        return Err(Error::Setting {
            name: "PIPEX_NATS_URL",
            value: String::new(),
            expected: "the address of a NATS server, such as nats://127.0.0.1:4222, where a worker finds its tasks",
        });
    };
    let capacity = Local::from_env()?.resources();
    let runtime = runtime::handle().map_err(|error| settings.failed("it needs a runtime", error))?;
    let served = runtime.spawn(async move { Worker::serve(settings, capacity).await });
    block_on(served).unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
}

/// How what tasks log gets to their flows.
#[cfg(feature = "logging")]
static LOGS: std::sync::OnceLock<Connection> = std::sync::OnceLock::new();

/// Brings a log line to the flow whose job it is about.
#[cfg(feature = "logging")]
pub(super) fn log(line: &LogLine<'_>) {
    let Some((flow, number)) = line.job else { return };
    let Some(connection) = LOGS.get() else { return };
    let logged = Logged {
        level: line.level.as_str().into(),
        message: line.message.into(),
        file: line.file.unwrap_or_default().into(),
        line: line.line.unwrap_or_default(),
    };
    let Ok(mut said) = serde_json::to_vec(&logged) else { return };
    said.insert(0, LOG);
    if said.len() > connection.most_bytes() {
        return;
    }
    let _ = block_on(connection.client.publish(connection.settings.subject("done", flow), said_of(number, &said)));
}

struct Worker {
    connection: Connection,
    runtime: Handle,
    /// What it calls itself.
    name: String,
    /// What there is for all that runs at a time.
    capacity: Resources,
    /// What was taken and has not ended.
    hand: Mutex<Hand<Arc<TakenJob>>>,
    /// Something can be started.
    work: Condvar,
    /// There is room for more.
    room: Notify,
    stops: AtomicBool,
    stop: Notify,
    /// How long a job takes, in microseconds: a moving mean.
    takes: AtomicU64,
    /// Jobs run together; one that was started before, and whose worker died, runs alone.
    alone: RwLock<()>,
}

/// A job that was taken.
struct TakenJob {
    key: u64,
    message: Message,
    /// Where its flow listens.
    flow: String,
    number: u64,
    /// It was delivered before.
    again: bool,
}

/// What is to be said of a job to its flow.
struct Saying {
    taken: Arc<TakenJob>,
    /// What came of it; it has just started if nothing has yet.
    outcome: Option<Vec<u8>>,
}

impl Saying {
    /// Whether there is room for it in a message of at most so many bytes. What is first always has: it is made to fit.
    fn fits(&self, message: &[u8], most: usize) -> bool {
        message.is_empty() || message.len() + self.outcome.as_ref().map_or(0, Vec::len) <= most
    }
}

/// The outcome, or what can be said of it in so many bytes.
fn limit(outcome: Vec<u8>, most: usize) -> Vec<u8> {
    let bytes = outcome.len();
    if bytes <= most {
        return outcome;
    }
    let problem = format!("it takes {bytes} bytes, and a message at most {most}");
    let lighter = without_value(&outcome).filter(|outcome| outcome.len() <= most);
    lighter.unwrap_or_else(|| refusal(JobError::Output { problem }))
}

impl Worker {
    async fn serve(settings: NatsSettings, capacity: Resources) -> Result<()> {
        let mut tries = 0;
        let connection = loop {
            match settings.connect().await {
                Ok(connection) => break connection,
                Err(error) if tries == 0 => say(&format!("{error:?}; it is tried again and again")),
                Err(_) => {}
            }
            tries += 1;
            tokio::time::sleep(Duration::from_millis(200 << tries.min(4))).await;
        };
        let name = format!("{}:{}", gethostname::gethostname().to_string_lossy(), std::process::id());
        let worker = Arc::new(Worker {
            connection,
            runtime: Handle::current(),
            name,
            capacity,
            hand: Mutex::new(Hand::new(capacity)),
            work: Condvar::new(),
            room: Notify::new(),
            stops: AtomicBool::new(false),
            stop: Notify::new(),
            takes: AtomicU64::new(0),
            alone: RwLock::new(()),
        });
        worker.listen_for_signals();
        #[cfg(feature = "logging")]
        {
            crate::flow::logging::init();
            registered().for_each(|task| crate::flow::logging::own(task.module));
            let _ = LOGS.set(worker.connection.clone());
        }
        let (sayings, said) = mpsc::unbounded_channel();
        for place in 0..capacity.threads {
            let (worker, sayings) = (Arc::clone(&worker), sayings.clone());
            let thread = thread::Builder::new().name(format!("pipex-worker-{place}"));
            let started = thread.spawn(move || worker.work(&sayings));
            started.map_err(|error| settings.failed("a worker needs threads", error))?;
        }
        drop(sayings);
        tokio::spawn(Arc::clone(&worker).say_all(said));
        tokio::spawn(Arc::clone(&worker).stay_alive());
        let mut tasks = 0;
        for task in registered() {
            tokio::spawn(Arc::clone(&worker).be_there(task));
            if task.resources.never_fits(&capacity).is_none() {
                tasks += 1;
                tokio::spawn(Arc::clone(&worker).take(task));
            } else {
                say(&format!("{} never fits here: it needs {}", task.funcname, task.resources));
            }
        }
        say(&format!(
            "worker {} does {tasks} tasks, {} at a time, with {}, of project {} at {}",
            worker.name,
            capacity.threads,
            capacity.threads(0),
            settings.project,
            settings.named()
        ));
        worker.stop.notified().await;
        worker.finish().await;
        Ok(())
    }

    fn listen_for_signals(self: &Arc<Self>) {
        let worker = Arc::clone(self);
        let Ok(mut signals) = Signals::new([SIGINT, SIGTERM]) else { return };
        let _ = thread::Builder::new().name("pipex-signals".to_owned()).spawn(move || {
            for _ in signals.forever() {
                if worker.stops.swap(true, Ordering::AcqRel) {
                    let _ending = store::end();
                    std::process::exit(130);
                }
                say("no more tasks start; those that run are waited for; a second signal stops them at once");
                worker.stop.notify_one();
            }
        });
    }

    fn hand(&self) -> MutexGuard<'_, Hand<Arc<TakenJob>>> {
        self.hand.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many more may be taken.
    fn room(&self) -> usize {
        let takes = Duration::from_micros(self.takes.load(Ordering::Relaxed));
        let workers = self.capacity.threads as usize;
        let ahead = if takes.is_zero() { 0 } else { (AHEAD.as_micros() / takes.as_micros()) as usize * workers };
        self.hand().count_wanted(ahead.min(MOST_AHEAD))
    }

    /// Gives back what has not been started, and waits for what has.
    async fn finish(&self) {
        let unstarted = self.hand().let_go_of_unstarted();
        for taken in unstarted {
            let _ = taken.message.ack_with(AckKind::Nak(None)).await;
        }
        let until = Instant::now() + GRACE;
        while !self.hand().is_empty() && Instant::now() < until {
            let _ = tokio::time::timeout(Duration::from_millis(50), self.room.notified()).await;
        }
        let _ = tokio::time::timeout(Duration::from_secs(2), self.connection.client.flush()).await;
        drop(store::end());
    }

    /// Answers who asks whether somebody can do this.
    async fn be_there(self: Arc<Self>, task: &'static Task) {
        let settings = &self.connection.settings;
        for subject in [subject(task), name(task)] {
            let worker = Arc::clone(&self);
            let asked = self.connection.client.subscribe(settings.subject("can", &subject)).await;
            let Ok(mut asked) = asked else { continue };
            tokio::spawn(async move {
                while let Some(message) = asked.next().await {
                    if let Some(reply) = message.reply {
                        let (name, capacity) = (worker.name.clone().into(), size_header(CAPACITY, worker.capacity));
                        let _ = worker.connection.client.publish_with_headers(reply, capacity, name).await;
                    }
                }
            });
        }
    }

    /// Wakes threads for what can be started.
    fn start_threads(&self) {
        let ready = self.hand().count_ready();
        (0..ready).for_each(|_| self.work.notify_one());
    }

    /// Asks the flow what is to become of a job that was delivered before: another had it, and died or was cut off.
    fn ask(&self, taken: &TakenJob) -> Bytes {
        let subject = self.connection.settings.subject("again", &taken.flow);
        let asked = self.runtime.block_on(self.connection.client.request(subject, said_of(taken.number, STARTED)));
        // Where no flow listens, or it is cut off, it is done: what it saves is there for the next.
        asked.map_or(Bytes::from_static(RUN_ALONE), |answer| answer.payload)
    }

    /// A worker thread.
    fn work(&self, sayings: &mpsc::UnboundedSender<Saying>) {
        loop {
            let hand = self.work.wait_while(self.hand(), |hand| hand.count_ready() == 0);
            let Some((taken, share)) = hand.unwrap_or_else(PoisonError::into_inner).start() else { continue };
            let outcome = self.run(&taken, sayings);
            self.hand().give_back(share);
            self.start_threads();
            self.room.notify_waiters();
            if outcome.is_none() {
                self.let_go(&taken);
            } else if sayings.send(Saying { taken, outcome }).is_err() {
                return;
            }
        }
    }

    /// Does a job that has room, if it is still wanted.
    fn run(&self, taken: &Arc<TakenJob>, sayings: &mpsc::UnboundedSender<Saying>) -> Option<Vec<u8>> {
        if self.stops.load(Ordering::Acquire) {
            let _ = block_on(taken.message.ack_with(AckKind::Nak(None)));
            return None;
        }
        let answer = if taken.again { self.ask(taken) } else { Bytes::from_static(RUN) };
        if answer == DROP {
            let _ = block_on(taken.message.ack());
            return None;
        }
        if !taken.again {
            let _ = sayings.send(Saying { taken: Arc::clone(taken), outcome: None });
        }
        let started = Instant::now();
        // What is logged within goes to the flow, too.
        let job = tracing::info_span!(target: "pipex", "job", name = taken.flow, number = taken.number);
        let work = || job.in_scope(|| block_on(work(&taken.message.payload)));
        let outcome = if answer == RUN_ALONE {
            let _alone = self.alone.write().unwrap_or_else(PoisonError::into_inner);
            work()
        } else {
            let _together = self.alone.read().unwrap_or_else(PoisonError::into_inner);
            work()
        };
        let took = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX).max(1);
        let before = self.takes.load(Ordering::Relaxed);
        self.takes.store(if before == 0 { took } else { before - before / 8 + took / 8 }, Ordering::Relaxed);
        Some(outcome)
    }

    /// Says what there is to be said, as much of it together as has come up meanwhile; then that jobs are done.
    async fn say_all(self: Arc<Self>, mut sayings: mpsc::UnboundedReceiver<Saying>) {
        let mut next = Vec::new();
        while sayings.recv_many(&mut next, MOST_AHEAD).await > 0 {
            let most = self.connection.most_bytes();
            let mut sayings = next.drain(..).peekable();
            while let Some(first) = sayings.peek() {
                let (flow, mut message, mut done) = (first.taken.flow.clone(), Vec::new(), Vec::new());
                while let Some(Saying { taken, outcome }) =
                    sayings.next_if(|it| it.taken.flow == flow && it.fits(&message, most))
                {
                    match outcome {
                        None => add_said(taken.number, STARTED, &mut message),
                        Some(outcome) => {
                            add_said(taken.number, &limit(outcome, most), &mut message);
                            done.push(taken);
                        }
                    }
                }
                let subject = self.connection.settings.subject("done", &flow);
                let _ = self.connection.client.publish(subject, message.into()).await;
                for taken in done {
                    let _ = taken.message.ack().await;
                    self.let_go(&taken);
                }
            }
        }
    }

    /// It is done; there is room for another.
    fn let_go(&self, taken: &TakenJob) {
        self.hand().let_go(taken.key);
        self.room.notify_waiters();
    }

    /// Renews the claim on what is in hand, so that it is given to nobody else.
    async fn stay_alive(self: Arc<Self>) {
        let interval = self.connection.settings.ack_wait / 3;
        loop {
            tokio::time::sleep(interval).await;
            let jobs: Vec<_> = self.hand().jobs().cloned().collect();
            for taken in jobs {
                let _ = taken.message.ack_with(AckKind::Progress).await;
            }
        }
    }
}
