//! Tasks on many machines: jobs in a NATS JetStream work queue.
//!
//! A flow publishes jobs, each under the name and the code of its task; workers pull those that they have the same code of.
//! A worker claims the target, calls the function, commits, says so to the flow, and then acknowledges the job. If it dies
//! before that, the server gives the job to another worker, which finds what is there already.
//!
//! | subject | what goes there |
//! | --- | --- |
//! | `pipex.PROJECT.task.TASK.CODE` | jobs: kept in the stream `pipex-PROJECT` until they are acknowledged |
//! | `pipex.PROJECT.done.FLOW` | to a flow: that jobs have started, what came of them; all that has come up since the last message |
//! | `pipex.PROJECT.again.FLOW` | to a flow: that a job has been delivered again, and whether it is still wanted |
//! | `pipex.PROJECT.can.TASK.CODE` | to workers: is there one that can do this? Each says its name |
//!
//! What a job needs and what a worker has are headers, as `Resources` in JSON: who does not know them takes a job for one that needs
//! nothing, and a worker for one that has enough. A worker pulls no jobs of tasks that never fit on it, and gives back
//! those of others for which that turns out.

mod carrier;
mod hand;
mod settings;
mod size;
mod worker;

use std::borrow::Cow;
use std::iter;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, PullConsumer, pull};
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::stream::{Config as StreamConfig, RetentionPolicy, Stream};
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{Client, ConnectOptions, Event};
use bytes::Bytes;
use tokio::sync::Notify;

use self::carrier::NatsCarrier;
use self::settings::NatsSettings;
use crate::run::engine::Engine;
use pipex_format::model::error::Result;
use pipex_format::model::task::Task;
use pipex_format::say::say;

inventory::submit! {
    Engine {
        carrier: Some(|| Ok(NatsCarrier::from_env()?.map(|carrier| Arc::new(carrier) as _))),
        serve: Some(worker::serve),
        #[cfg(feature = "logging")]
        log: Some(worker::log),
        ..Engine::NONE
    }
}

/// What there is to operate, and how.
const GUIDE: &str = "https://github.com/pipex-rs/pipex/blob/main/docs/src/scaling.md";
/// How long the server keeps what no worker takes.
const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);
/// What belongs to the server's message beside the payload.
const ROOM_FOR_HEADERS: usize = 512;

impl NatsSettings {
    async fn connect(&self) -> Result<Connection> {
        let reconnected = Arc::new(Notify::new());
        let mut options = ConnectOptions::new()
            .name("pipex")
            .max_reconnects(None)
            // So long a connection may be dead before it is noticed.
            .ping_interval(Duration::from_secs(5))
            .reconnect_delay_callback(|tries| Duration::from_millis((50 << tries.min(6)).min(2000)))
            .subscription_capacity(1 << 20);
        let (server, told) = (self.named(), Arc::clone(&reconnected));
        options = options.event_callback(move |event| {
            match event {
                Event::Disconnected => say(&format!("the connection to {server} is lost; it is tried again and again")),
                Event::Connected => told.notify_waiters(),
                Event::SlowConsumer(_) | Event::ServerError(_) | Event::ClientError(_) => {
                    tracing::warn!(target: "pipex", "{server}: {event}");
                    told.notify_waiters();
                }
                _ => {}
            }
            async {}
        });
        options = self.authenticate(options).await?;
        let client = options.connect(&self.servers[..]).await.map_err(|error| {
            self.failed(&format!("start it (`nats-server -js`) or unset PIPEX_NATS_URL; see {GUIDE}"), error)
        })?;
        let jetstream =
            ContextBuilder::new().max_ack_inflight(1000).ack_timeout(Duration::from_secs(5)).build(client.clone());
        let connection = Connection { settings: self.clone(), client, jetstream, reconnected };
        connection.stream().await?;
        Ok(connection)
    }
}

/// A connection, and the project's stream on it.
#[derive(Clone)]
struct Connection {
    settings: NatsSettings,
    client: Client,
    jetstream: jetstream::Context,
    /// Told whenever the connection is there again.
    reconnected: Arc<Notify>,
}

impl Connection {
    /// The project's stream. Several processes may make it at the same instant: all but one are refused, and find it then.
    async fn stream(&self) -> Result<Stream> {
        let config = StreamConfig {
            name: self.settings.stream(),
            subjects: vec![self.settings.subject("task", ">")],
            retention: RetentionPolicy::WorkQueue,
            max_age: KEPT,
            num_replicas: self.settings.replicas,
            ..StreamConfig::default()
        };
        let mut tries = 0;
        loop {
            let error = match self.jetstream.get_or_create_stream(config.clone()).await {
                Ok(stream) => return Ok(stream),
                Err(error) => error,
            };
            tries += 1;
            if tries > 6 {
                return Err(self.settings.failed("start the server with JetStream: `nats-server -js`", error));
            }
            tokio::time::sleep(Duration::from_millis(20 << tries)).await;
        }
    }

    /// The consumer of a task's jobs.
    async fn consumer(&self, task: &Task) -> Result<PullConsumer, async_nats::Error> {
        let subject = subject(task);
        let config = pull::Config {
            durable_name: Some(subject.replace('.', "-")),
            filter_subject: self.settings.subject("task", &subject),
            ack_policy: AckPolicy::Explicit,
            ack_wait: self.settings.ack_wait,
            // The flow counts.
            max_deliver: -1,
            max_ack_pending: 10_000,
            inactive_threshold: KEPT,
            ..pull::Config::default()
        };
        let stream = self.stream().await?;
        Ok(stream.create_consumer(config).await?)
    }

    /// The most bytes that a message may have.
    fn most_bytes(&self) -> usize {
        self.client.server_info().max_payload.saturating_sub(ROOM_FOR_HEADERS)
    }
}

/// What stands for a task of this code in subjects.
fn subject(task: &Task) -> String {
    format!("{}.{}", name(task), &task.code.to_string()[..16])
}

/// What stands for the task whatever its code.
fn name(task: &Task) -> String {
    task.full_name().replace("::", "_").replace(|c: char| !c.is_ascii_alphanumeric() && c != '_', "")
}

/// Whether the server says that there is no such message.
fn is_gone(error: &jetstream::stream::RawMessageError) -> bool {
    use jetstream::stream::RawMessageErrorKind as Kind;
    match error.kind() {
        Kind::NoMessageFound => true,
        Kind::JetStream(error) => error.error_code() == ErrorCode::NO_MESSAGE_FOUND,
        _ => false,
    }
}

/// Adds what is said of a job of a flow, by its number among these, to what is said of others.
fn add_said(number: u64, said: &[u8], message: &mut Vec<u8>) {
    message.extend_from_slice(format!("{number} {} ", said.len()).as_bytes());
    message.extend_from_slice(said);
}

/// The same, of this job alone.
fn said_of(number: u64, said: &[u8]) -> Bytes {
    let mut message = Vec::new();
    add_said(number, said, &mut message);
    message.into()
}

/// What a message says, of each job by its number.
fn read_said(mut message: &[u8]) -> impl Iterator<Item = (u64, &[u8])> {
    let number = |text: &mut &[u8]| {
        let end = text.iter().position(|byte| *byte == b' ')?;
        let number: u64 = str::from_utf8(&text[..end]).ok()?.parse().ok()?;
        *text = &text[end + 1..];
        Some(number)
    };
    iter::from_fn(move || {
        let (job, length) = (number(&mut message)?, number(&mut message)?);
        let (said, rest) = message.split_at_checked(usize::try_from(length).ok()?)?;
        message = rest;
        Some((job, said))
    })
}

/// What a log line begins with that a worker says; an outcome is a JSON object.
const LOG: u8 = b'L';

/// A log line on its way.
#[derive(serde::Serialize, serde::Deserialize)]
struct Logged<'l> {
    level: Cow<'l, str>,
    message: Cow<'l, str>,
    file: Cow<'l, str>,
    line: u64,
}

impl Logged<'_> {
    /// Says it here.
    fn say(&self) {
        let Logged { message, file, line, .. } = self;
        let file = &**file;
        match &*self.level {
            "ERROR" => tracing::error!(target: "pipex::worker", file, line, "{message}"),
            "WARN" => tracing::warn!(target: "pipex::worker", file, line, "{message}"),
            "INFO" => tracing::info!(target: "pipex::worker", file, line, "{message}"),
            "DEBUG" => tracing::debug!(target: "pipex::worker", file, line, "{message}"),
            _ => tracing::trace!(target: "pipex::worker", file, line, "{message}"),
        }
    }
}

/// What a worker says of a job that it starts.
const STARTED: &[u8] = b"";
/// What a flow answers about a job that was delivered again.
const RUN: &[u8] = b"run";
const RUN_ALONE: &[u8] = b"alone";
const DROP: &[u8] = b"drop";
