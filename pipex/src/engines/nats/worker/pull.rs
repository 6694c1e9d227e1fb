//! Pulls jobs while there is room for them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::consumer::PullConsumer;
use async_nats::jetstream::{AckKind, Message};
use futures_util::StreamExt as _;

use super::{TakenJob, Worker};
use crate::engines::nats::size::{NEEDS, read_size};
use pipex_format::model::task::Task;

/// How long a pull waits for a job.
const PULL: Duration = Duration::from_secs(5);
/// How long no more is pulled of a task of which a job was given back that never fits here: so that another worker gets it.
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

impl Worker {
    /// Takes jobs of a task while there is room.
    pub(super) async fn take(self: Arc<Self>, task: &'static Task) {
        let mut warned = false;
        while !self.stops.load(Ordering::Acquire) {
            let error: async_nats::Error = match self.connection.consumer(task).await {
                Ok(consumer) => match self.take_from(task, &consumer).await {
                    Ok(()) => continue,
                    Err(error) => error,
                },
                Err(error) => error,
            };
            if !std::mem::replace(&mut warned, true) {
                tracing::debug!(target: "pipex", "{}: {error}; it is tried again and again", task.funcname);
            }
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn take_from(&self, task: &'static Task, consumer: &PullConsumer) -> Result<(), async_nats::Error> {
        let is_plain = !task.measures && task.resources.is_plain();
        let mut pause = SHORTEST_PAUSE;
        loop {
            self.wait_until(|| self.room() > 0).await;
            if self.stops.load(Ordering::Acquire) {
                return Ok(());
            }
            // One at a time as long as there is none; then as many as there is room for.
            let mut batch = consumer.batch().max_messages(1).expires(PULL).messages().await?;
            let first = tokio::select! {
                first = tokio::time::timeout(PULL + Duration::from_secs(2), batch.next()) => first.ok().flatten(),
                () = self.connection.reconnected.notified() => return Ok(()),
            };
            let Some(first) = first else { continue };
            if !is_plain {
                // Always one at a time: what waits here may have room elsewhere.
                self.receive_sized(task, first?, &mut pause).await;
                continue;
            }
            self.receive(task, first?, pause).await;
            loop {
                self.wait_until(|| self.room() > 0).await;
                if self.stops.load(Ordering::Acquire) {
                    return Ok(());
                }
                let mut more = consumer.fetch().max_messages(self.room().max(1)).messages().await?;
                let mut received = 0;
                while let Some(message) = more.next().await {
                    self.receive(task, message?, pause).await;
                    received += 1;
                }
                if received == 0 {
                    break;
                }
            }
        }
    }

    /// Takes a job that may have to wait for room, and waits with it.
    async fn receive_sized(&self, task: &'static Task, message: Message, pause: &mut Duration) {
        let is_back = message.info().is_ok_and(|info| info.delivered > 1);
        if let Some(key) = self.receive(task, message, *pause / 2).await {
            *pause = SHORTEST_PAUSE;
            self.wait_until(|| !self.hand().waits(key)).await;
        } else if is_back {
            // It was given back before, maybe by this one.
            tokio::time::sleep(*pause).await;
            *pause = (*pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Waits for this, or for the worker's end.
    async fn wait_until(&self, is_so: impl Fn() -> bool) {
        loop {
            let room = self.room.notified();
            if is_so() || self.stops.load(Ordering::Acquire) {
                return;
            }
            // What is told while nobody waits is told to nobody.
            let _ = tokio::time::timeout(Duration::from_millis(100), room).await;
        }
    }

    /// Takes a job, and says under which key; one that never fits is given back for a while.
    async fn receive(&self, task: &'static Task, message: Message, given_back_for: Duration) -> Option<u64> {
        let header = |name: &str| message.headers.as_ref().and_then(|headers| headers.get(name)).map(|id| id.as_str());
        let parts = header(NATS_MESSAGE_ID.as_ref()).and_then(|id| {
            let mut parts = id.split('.');
            Some((parts.next()?.to_owned(), parts.next()?.parse().ok()?))
        });
        let info = message.info().map(|info| (info.stream_sequence, info.delivered));
        let (Some((flow, number)), Ok((key, delivered))) = (parts, info) else {
            // Nobody's.
            let _ = message.ack_with(AckKind::Term).await;
            return None;
        };
        let needs = read_size(message.headers.as_ref(), NEEDS).unwrap_or(task.resources);
        if needs.never_fits(&self.capacity).is_some() {
            let _ = message.ack_with(AckKind::Nak(Some(given_back_for))).await;
            return None;
        }
        let taken = TakenJob { key, message, flow, number, again: delivered > 1 };
        self.hand().take(key, Arc::new(taken), needs);
        self.start_threads();
        Some(key)
    }
}
