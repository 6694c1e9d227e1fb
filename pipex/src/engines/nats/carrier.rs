//! The flow's side: publishes jobs, waits for what comes of them, and notices what does not come.

use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::{StatusCode, Subject};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tracing::Span;

use super::size::{CAPACITY, NEEDS, read_size, size_header};
use super::{
    Connection, DROP, LOG, Logged, NatsSettings, RUN, RUN_ALONE, STARTED, is_gone, name, read_said,
    subject as subject_of,
};
use crate::remote::{self, Job, Reply};
use crate::runtime;
use pipex_format::model::error::{Cause, JobError, Result, RunError};
use pipex_format::model::fingerprint::fingerprint_process;
use pipex_format::model::resources::Resources;
use pipex_format::model::task::Task;
use pipex_format::say::say;

/// How long a job may be silent before the server is asked whether it still has it.
const SILENT: Duration = Duration::from_secs(5);
/// How long a result may be on its way when the server has the job no more.
const ON_ITS_WAY: Duration = Duration::from_secs(3);
/// The most jobs that are asked about in one look.
const LOOKS: usize = 200;
/// How long workers may take to say that they are there.
const ANSWER: Duration = Duration::from_secs(1);
/// So often nobody says that it has room for a job, before that is told: the worker that has may have been busy.
const TELLING: u32 = 2;

/// Brings jobs to workers through NATS.
#[derive(Clone)]
pub(crate) struct NatsCarrier(Arc<CarrierState>);

struct CarrierState {
    connection: Connection,
    /// What tells this process's jobs from others'.
    id: String,
    next: AtomicU64,
    jobs: Mutex<HashMap<u64, WaitingJob>>,
    publish: mpsc::UnboundedSender<u64>,
    runtime: Handle,
}

/// A job that has not ended.
struct WaitingJob {
    task: &'static Task,
    payload: Bytes,
    needs: Resources,
    reply: oneshot::Sender<Result<Vec<u8>, Cause>>,
    /// The task run's.
    span: Span,
    /// How often a worker has started it.
    starts: u64,
    /// How often it has been published: each time is another message.
    published: u32,
    /// Its place in the stream.
    sequence: Option<u64>,
    /// When it was last heard of.
    heard: Instant,
    /// Since when the server has it no more.
    gone: Option<Instant>,
}

/// What a task's jobs wait for that is not there.
#[derive(Clone, Copy, PartialEq)]
enum Missing {
    Worker,
    /// There are workers, and each is too small for one of them: in so many looks.
    Room {
        looks: u32,
    },
}

/// Which workers there are for a task's jobs.
enum Answers {
    /// For each job one that it fits on.
    Fit,
    Nobody,
    /// For this one, none is large enough.
    TooSmall {
        needs: Resources,
        worker: String,
        capacity: Resources,
    },
}

impl NatsCarrier {
    /// The carrier that the environment names.
    pub(crate) fn from_env() -> Result<Option<Self>> {
        let Some(settings) = NatsSettings::from_env()? else { return Ok(None) };
        let runtime = runtime::handle().map_err(|error| settings.failed("it needs a runtime", error))?;
        // The caller may be within a runtime of its own.
        let connect = runtime.spawn(async move { Self::connect(settings).await });
        let connected = runtime::block_on(connect);
        connected.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic())).map(Some)
    }

    async fn connect(settings: NatsSettings) -> Result<Self> {
        let connection = settings.connect().await?;
        let id = fingerprint_process().to_string()[..16].to_owned();
        let failed = |error: async_nats::SubscribeError| settings.failed("the server refuses subscriptions", error);
        let done = connection.client.subscribe(settings.subject("done", &id)).await.map_err(failed)?;
        let again = connection.client.subscribe(settings.subject("again", &id)).await.map_err(failed)?;
        let (publish, to_publish) = mpsc::unbounded_channel();
        let (next, jobs, runtime) = (AtomicU64::new(1), Mutex::default(), Handle::current());
        let shared = Arc::new(CarrierState { connection, id, next, jobs, publish, runtime });
        tokio::spawn(Arc::clone(&shared).publish(to_publish));
        tokio::spawn(Arc::clone(&shared).listen(done));
        tokio::spawn(Arc::clone(&shared).arbitrate(again));
        tokio::spawn(Arc::clone(&shared).watch());
        Ok(NatsCarrier(shared))
    }
}

impl remote::Carrier for NatsCarrier {
    fn carry(&self, job: Job) -> Reply {
        let shared = Arc::clone(&self.0);
        Box::pin(async move {
            let (bytes, most) = (job.payload.len(), shared.connection.most_bytes());
            if bytes > most {
                let problem = format!(
                    "take {bytes} bytes together, and a message at most {most}: with PIPEX=prefect.cache outputs travel as \
                     locations"
                );
                return Err(JobError::Argument { parameter: job.task.parameters.join(", "), problem }.into());
            }
            let (reply, replied) = oneshot::channel();
            let number = shared.next.fetch_add(1, Ordering::Relaxed);
            let waiting = WaitingJob {
                task: job.task,
                payload: job.payload.into(),
                needs: job.needs,
                reply,
                span: Span::current(),
                starts: 0,
                published: 0,
                sequence: None,
                heard: Instant::now(),
                gone: None,
            };
            shared.jobs().insert(number, waiting);
            let _unwanted = Unwanted { shared: &shared, number };
            let _ = shared.publish.send(number);
            replied.await.unwrap_or_else(|_| Err(RunError::Interrupted.into()))
        })
    }
}

/// A job that nobody waits for any longer is taken out of the stream.
struct Unwanted<'s> {
    shared: &'s Arc<CarrierState>,
    number: u64,
}

impl Drop for Unwanted<'_> {
    fn drop(&mut self) {
        let Some(WaitingJob { sequence: Some(sequence), .. }) = self.shared.jobs().remove(&self.number) else { return };
        let shared = Arc::clone(self.shared);
        self.shared.runtime.spawn(async move { shared.remove(sequence).await });
    }
}

impl CarrierState {
    fn jobs(&self) -> MutexGuard<'_, HashMap<u64, WaitingJob>> {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn settings(&self) -> &NatsSettings {
        &self.connection.settings
    }

    async fn remove(&self, sequence: u64) {
        if let Ok(stream) = self.connection.jetstream.get_stream_no_info(self.settings().stream()).await {
            let _ = stream.delete_message(sequence).await;
        }
    }

    /// Publishes what is to be published; no more than the connection's window is on its way at a time.
    async fn publish(self: Arc<Self>, mut numbers: mpsc::UnboundedReceiver<u64>) {
        let mut subjects: HashMap<usize, Subject> = HashMap::new();
        while let Some(number) = numbers.recv().await {
            let job = self.jobs().get(&number).map(|job| (job.task, job.payload.clone(), job.needs, job.published));
            let Some((task, payload, needs, published)) = job else { continue };
            let subject = subjects.entry(std::ptr::from_ref(task).addr());
            let subject = subject.or_insert_with(|| self.settings().subject("task", &subject_of(task)).into()).clone();
            let mut headers = size_header(NEEDS, needs);
            // What is published twice, since nobody knows whether it was, is one message.
            headers.insert(NATS_MESSAGE_ID, format!("{}.{number}.{published}", self.id).as_str());
            let sent = self.connection.jetstream.publish_with_headers(subject, headers, payload).await;
            let shared = Arc::clone(&self);
            tokio::spawn(async move {
                let acknowledged = match sent {
                    Ok(sent) => sent.await.map(|ack| ack.sequence),
                    Err(error) => Err(error),
                };
                match acknowledged {
                    Ok(sequence) => {
                        if let Some(job) = shared.jobs().get_mut(&number) {
                            job.sequence = Some(sequence);
                            return;
                        }
                        // It has ended, or nobody waits for it any longer; which, the server knows.
                        shared.remove(sequence).await;
                    }
                    Err(error) => {
                        tracing::debug!(target: "pipex", "job {number} is published again: {error}");
                        tokio::time::sleep(Duration::from_millis(300)).await;
                        let _ = shared.publish.send(number);
                    }
                }
            });
        }
    }

    /// Takes what workers say.
    async fn listen(self: Arc<Self>, mut done: async_nats::Subscriber) {
        while let Some(message) = done.next().await {
            read_said(&message.payload).for_each(|(number, said)| self.hear(number, said));
        }
    }

    fn hear(&self, number: u64, said: &[u8]) {
        if said == STARTED {
            if let Some(job) = self.jobs().get_mut(&number) {
                job.starts += 1;
                job.heard = Instant::now();
            }
        } else if let Some(line) = said.strip_prefix(&[LOG]) {
            let span = self.jobs().get(&number).map(|job| job.span.clone());
            if let (Some(span), Ok(line)) = (span, serde_json::from_slice::<Logged<'_>>(line)) {
                span.in_scope(|| line.say());
            }
        } else {
            let job = self.jobs().remove(&number);
            job.into_iter().for_each(|job| _ = job.reply.send(Ok(said.to_vec())));
        }
    }

    /// Says what is to become of a job that was delivered again, to the worker that is about to start it: whoever had it
    /// died, or was cut off. In its last try it runs alone, so that whatever kills the worker then is this job; after that it
    /// is given up.
    async fn arbitrate(self: Arc<Self>, mut again: async_nats::Subscriber) {
        while let Some(message) = again.next().await {
            let (Some((number, _)), Some(reply)) = (read_said(&message.payload).next(), message.reply) else {
                continue;
            };
            let most = self.settings().starts;
            let (answer, given_up) = {
                let mut jobs = self.jobs();
                match jobs.get_mut(&number) {
                    None => (DROP, None),
                    Some(job) if job.starts >= most => (DROP, jobs.remove(&number)),
                    Some(job) => {
                        job.starts += 1;
                        job.heard = Instant::now();
                        (if job.starts == most && most > 1 { RUN_ALONE } else { RUN }, None)
                    }
                }
            };
            if let Some(job) = given_up {
                let _ = job.reply.send(Err(RunError::Lost { times: job.starts }.into()));
            }
            let _ = self.connection.client.publish(reply, Bytes::from_static(answer)).await;
        }
    }

    /// Sees to it that nobody waits for what does not come: that there are workers, and that the server has the jobs.
    async fn watch(self: Arc<Self>) {
        let mut without = HashMap::new();
        loop {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_secs(1)) => {}
                () = self.connection.reconnected.notified() => {
                    // What was said meanwhile was said to nobody.
                    let long_ago = Instant::now().checked_sub(SILENT);
                    self.jobs().values_mut().for_each(|job| job.heard = long_ago.unwrap_or(job.heard));
                }
            }
            self.look_for_workers(&mut without).await;
            self.look_for_jobs().await;
        }
    }

    /// Says which tasks wait for workers that are not there; `without` has those of the last look.
    async fn look_for_workers(&self, without: &mut HashMap<String, Missing>) {
        let mut tasks: HashMap<String, (&'static Task, usize, HashSet<Resources>)> = HashMap::new();
        for job in self.jobs().values().filter(|job| job.starts == 0) {
            let entry = tasks.entry(subject_of(job.task)).or_insert_with(|| (job.task, 0, HashSet::new()));
            entry.1 += 1;
            entry.2.insert(job.needs);
        }
        without.retain(|subject, _| tasks.contains_key(subject));
        for (subject, (task, count, needs)) in tasks {
            let Ok(answers) = self.ask_workers(&subject, needs).await else { continue };
            let before = without.get(&subject).copied();
            let missing = match &answers {
                Answers::Fit => None,
                Answers::Nobody => Some(Missing::Worker),
                Answers::TooSmall { .. } => match before {
                    Some(Missing::Room { looks }) => Some(Missing::Room { looks: looks.saturating_add(1) }),
                    _ => Some(Missing::Room { looks: 1 }),
                },
            };
            match (missing, &answers) {
                (Some(Missing::Worker), _) if before != missing => self.say_that_none_is_there(task, count).await,
                (Some(Missing::Room { looks: TELLING }), Answers::TooSmall { needs, worker, capacity }) => {
                    say(&format!(
                        "no worker has room for {}: it needs {needs}, and the largest worker, {worker}, has {capacity}: start one \
                     that is large enough, or set PIPEX_RESOURCES=memory=..,gpu=.. there if that is wrong",
                        task.funcname
                    ))
                }
                _ => {}
            }
            match missing {
                Some(missing) => _ = without.insert(subject, missing),
                None => _ = without.remove(&subject),
            }
        }
    }

    async fn say_that_none_is_there(&self, task: &'static Task, count: usize) {
        let other = self.connection.client.request(self.settings().subject("can", &name(task)), Bytes::new()).await;
        let other = other.ok().map(|message| String::from_utf8_lossy(&message.payload).into_owned());
        let why = match other {
            Some(worker) => format!("{worker} has other code of it: start workers from this executable"),
            None => format!(
                "start workers, with the same executable: PIPEX_NATS_URL=nats://..?project={} PROGRAM pipex worker",
                self.settings().project
            ),
        };
        say(&format!("no worker can take {} ({count} waiting): {why}", task.funcname));
    }

    /// Asks who is there for jobs that have these needs, until there is somebody for each of them.
    async fn ask_workers(&self, subject: &str, mut needs: HashSet<Resources>) -> Result<Answers, async_nats::Error> {
        let client = &self.connection.client;
        let inbox = client.new_inbox();
        let mut answers = client.subscribe(inbox.clone()).await?;
        client.publish_with_reply(self.settings().subject("can", subject), inbox, Bytes::new()).await?;
        let end = tokio::time::Instant::now() + ANSWER;
        let mut largest: Option<(Resources, String)> = None;
        while let Ok(Some(answer)) = tokio::time::timeout_at(end, answers.next()).await {
            if answer.status == Some(StatusCode::NO_RESPONDERS) {
                return Ok(Answers::Nobody);
            }
            // One that says nothing of it takes whatever comes.
            let Some(capacity) = read_size(answer.headers.as_ref(), CAPACITY) else { return Ok(Answers::Fit) };
            needs.retain(|needs| needs.never_fits(&capacity).is_some());
            if needs.is_empty() {
                return Ok(Answers::Fit);
            }
            let order = |capacity: &Resources| (capacity.memory, capacity.gpus, capacity.threads);
            if largest.as_ref().is_none_or(|(largest, _)| order(largest) < order(&capacity)) {
                largest = Some((capacity, String::from_utf8_lossy(&answer.payload).into_owned()));
            }
        }
        let neediest = needs.into_iter().max_by_key(|needs| (needs.memory, needs.gpus));
        Ok(match (neediest, largest) {
            (Some(needs), Some((capacity, worker))) => Answers::TooSmall { needs, worker, capacity },
            // Those there are have not answered yet.
            _ => Answers::Fit,
        })
    }

    async fn look_for_jobs(&self) {
        let silent: Vec<_> = {
            let jobs = self.jobs();
            let silent = jobs.iter().filter(|(_, job)| job.gone.is_some() || job.heard.elapsed() >= SILENT);
            silent.filter_map(|(number, job)| Some((*number, job.sequence?))).take(LOOKS).collect()
        };
        if silent.is_empty() {
            return;
        }
        let Ok(stream) = self.connection.jetstream.get_stream_no_info(self.settings().stream()).await else { return };
        for (number, sequence) in silent {
            let gone = match stream.get_raw_message(sequence).await {
                Ok(_) => false,
                Err(error) if is_gone(&error) => true,
                // The server is not to be had: another time.
                Err(_) => return,
            };
            let mut jobs = self.jobs();
            let Some(job) = jobs.get_mut(&number) else { continue };
            job.heard = Instant::now();
            match job.gone {
                _ if !gone => job.gone = None,
                None => job.gone = Some(Instant::now()),
                Some(since) if since.elapsed() < ON_ITS_WAY => {}
                Some(_) => {
                    // It was done, and what was said of it is lost; where it was saved, it will be found.
                    (job.gone, job.sequence, job.starts) = (None, None, 0);
                    job.published += 1;
                    let _ = self.publish.send(number);
                }
            }
        }
    }
}
