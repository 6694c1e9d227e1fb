//! The claim on an object: another object, the lease, beside it.
//!
//! Who makes it (`If-None-Match: *`) holds the claim, and has it change (`If-Match`) as long as he lives. Whoever waits takes over
//! (`If-Match` again) what has not changed for the lease's time by his own clock: no two clocks are compared. A lease is a promise
//! that is kept nearly always; that what another has made since is not overwritten is seen to where the value is put in place.

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::join_all;
use object_store::{Error, ObjectStoreExt as _, PutMode, PutPayload, UpdateVersion};

use super::bucket::{Conditions, runtime, take_as_it_is};
use super::place::Object;
use super::put::{is_conflict, is_unknown, put_if, version, version_of};
use crate::environment::setting;
use crate::model::temporary;
use crate::store::error::StoreError;

/// After how many seconds of silence a holder counts as dead.
const SECONDS: u64 = 30;

/// A lease that is held. Dropped, it is removed.
pub(super) struct Lease {
    held: Arc<Held>,
    number: u64,
}

struct Held {
    object: Object,
    holder: Holder,
    /// Whoever changes the lease has this, so that it is removed behind the last change.
    state: tokio::sync::Mutex<State>,
    is_lost: AtomicBool,
    is_released: AtomicBool,
}

struct State {
    version: UpdateVersion,
    beat: u64,
    /// When it was last known to be held: before the request was sent.
    renewed: Instant,
}

/// Who holds a lease, as its object says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Holder {
    /// Those with whom the holder shares the claims on this machine.
    pub(super) domain: String,
    number: u64,
    seconds: u64,
}

impl Holder {
    fn new(domain: &str) -> Result<Self, StoreError> {
        let seconds = setting("PIPEX_LEASE", "a number of seconds, at least 1", |text| {
            text.parse().ok().filter(|seconds| *seconds > 0)
        });
        let seconds = seconds.map_err(|error| StoreError::Setting { source: error.into() })?.unwrap_or(SECONDS);
        Ok(Holder { domain: domain.to_owned(), number: random(), seconds })
    }

    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }

    /// What its object has: never the same twice, since there are servers to which the same content is the same version.
    fn text(&self, beat: u64) -> String {
        let Holder { domain, number, seconds } = self;
        format!("pipex lease\ndomain {domain}\nholder {number:016x}\nseconds {seconds}\nbeat {beat}\n")
    }

    fn parse(text: &str) -> Option<Self> {
        let field = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
        Some(Holder {
            domain: field("domain")?.to_owned(),
            number: u64::from_str_radix(field("holder")?, 16).ok()?,
            seconds: field("seconds")?.parse().ok()?,
        })
    }
}

/// A number that nobody else has.
pub(super) fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

/// What the object has, and its version; `None` if it is not there.
async fn get(object: &Object) -> object_store::Result<Option<(String, UpdateVersion)>> {
    match object.bucket.store().get(&object.path).await {
        Ok(got) => {
            let version = version_of(&got.meta);
            Ok(Some((String::from_utf8_lossy(&got.bytes().await?).into_owned(), version)))
        }
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

impl Lease {
    /// The lease, which others hold who are not of this `domain` if anybody does; `None` if somebody does and this is not to wait.
    pub(super) fn take(object: &Object, domain: &str, waits: bool) -> Result<Option<Self>, StoreError> {
        let holder = Holder::new(domain)?;
        let lease = object.clone();
        let taken = object.bucket.wait(async move {
            let taken = take(&lease, &holder, waits).await?;
            let Some((version, renewed)) = taken else { return Ok(None) };
            let state = State { version, beat: 0, renewed };
            let held = Arc::new(Held {
                object: lease,
                holder,
                state: tokio::sync::Mutex::new(state),
                is_lost: AtomicBool::new(false),
                is_released: AtomicBool::new(false),
            });
            held.find_conditions().await?;
            tokio::spawn(Arc::clone(&held).renew_while_held());
            Ok(Some(held))
        })?;
        let taken = taken.map_err(|error| object.refused("claim", error))?;
        Ok(taken.map(|held| {
            static LEASES: AtomicU64 = AtomicU64::new(0);
            let number = LEASES.fetch_add(1, Ordering::Relaxed);
            all().insert(number, Arc::clone(&held));
            Lease { held, number }
        }))
    }

    /// Whether it is held, as far as that can be known. One that has not been renewed for some while is: the process may have been
    /// stopped. With `now` it is renewed in any case.
    pub(super) fn is_held(&self, now: bool) -> Result<bool, StoreError> {
        let held = Arc::clone(&self.held);
        let renewed = self.held.object.bucket.wait(async move {
            let is_late = held.state.lock().await.renewed.elapsed() > held.holder.time() / 2;
            if is_late || now { held.renew().await } else { Ok(()) }
        })?;
        renewed.map_err(|error| self.held.object.refused("renew the claim", error))?;
        Ok(!self.held.is_lost.load(Ordering::Acquire))
    }

    /// Its URL.
    pub(super) fn name(&self) -> &str {
        &self.held.object.name
    }
}

async fn take(lease: &Object, holder: &Holder, waits: bool) -> object_store::Result<Option<(UpdateVersion, Instant)>> {
    let mut watched: Option<(String, Instant)> = None;
    let mut pause = Duration::from_millis(20);
    let payload = || PutPayload::from(holder.text(0));
    loop {
        let asked = Instant::now();
        let Some((text, version)) = (if watched.is_some() { get(lease).await? } else { None }) else {
            match put_if(lease, payload(), None).await {
                Ok(version) => return Ok(Some((version, asked))),
                Err(error) if is_conflict(&error) => {
                    watched.get_or_insert((String::new(), asked));
                    continue;
                }
                Err(error) => return Err(error),
            }
        };
        let other = Holder::parse(&text);
        if other.as_ref().is_some_and(|other| other.number == holder.number) {
            // It was made, and only the answer was lost.
            return Ok(Some((version, asked)));
        }
        // Who shares the claims on this machine, of which this is ours, has gone.
        let is_dead = other.as_ref().is_some_and(|other| other.domain == holder.domain);
        let time = other.map_or(holder.time(), |other| other.time().max(holder.time()));
        let is_silent = watched.as_ref().is_some_and(|(seen, since)| *seen == text && since.elapsed() >= time);
        if is_dead || is_silent {
            match put_if(lease, payload(), Some(version)).await {
                Ok(version) => return Ok(Some((version, asked))),
                Err(error) if is_conflict(&error) => continue,
                Err(error) => return Err(error),
            }
        }
        if !waits {
            return Ok(None);
        }
        if watched.as_ref().is_none_or(|(seen, _)| *seen != text) {
            watched = Some((text, asked));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1)).min(time / 4);
    }
}

impl Held {
    /// Finds out what the server sees to, once a bucket, on a lease that is held.
    async fn find_conditions(&self) -> object_store::Result<()> {
        if self.object.bucket.conditions.get().is_some() {
            return Ok(());
        }
        let before = self.state.lock().await.version.clone();
        self.renew().await?;
        let state = &mut *self.state.lock().await;
        let store = self.object.bucket.store();
        let mut refuses = async |mode: PutMode, beat| {
            let text = self.holder.text(beat);
            match store.put_opts(&self.object.path, text.into(), mode.into()).await {
                Ok(result) => {
                    state.version = version(result);
                    Ok(false)
                }
                Err(error) if is_conflict(&error) => Ok(true),
                Err(error) if is_unknown(&error) => Ok(false),
                Err(error) => Err(error),
            }
        };
        let create = refuses(PutMode::Create, 1_000_001).await?;
        let update = refuses(PutMode::Update(before), 1_000_002).await?;
        let conditions = Conditions { create, update };
        self.object.bucket.has_conditions(conditions);
        Ok(())
    }

    async fn renew_while_held(self: Arc<Self>) {
        loop {
            tokio::time::sleep(self.holder.time() / 3).await;
            // An error may be the last one; whoever needs to know asks again.
            let _ = self.renew().await;
            if self.is_lost.load(Ordering::Acquire) || self.is_released.load(Ordering::Acquire) {
                return;
            }
        }
    }

    /// Has it change; it is lost if another holds it by now.
    async fn renew(&self) -> object_store::Result<()> {
        let state = &mut *self.state.lock().await;
        if self.is_lost.load(Ordering::Acquire) || self.is_released.load(Ordering::Acquire) {
            return Ok(());
        }
        let asked = Instant::now();
        state.beat += 1;
        let text = self.holder.text(state.beat);
        match put_if(&self.object, text.into(), Some(state.version.clone())).await {
            Ok(version) => state.version = version,
            Err(error) if is_conflict(&error) => match get(&self.object).await? {
                Some((text, version)) if Holder::parse(&text).is_some_and(|there| there == self.holder) => {
                    state.version = version;
                }
                _ => {
                    self.is_lost.store(true, Ordering::Release);
                    return Ok(());
                }
            },
            Err(error) => return Err(error),
        }
        state.renewed = asked;
        Ok(())
    }

    /// Removes it, unless another may have it by now.
    async fn release(&self) -> object_store::Result<()> {
        let state = self.state.lock().await;
        let is_released = self.is_released.swap(true, Ordering::AcqRel);
        let is_ours = !self.is_lost.load(Ordering::Acquire) && state.renewed.elapsed() < self.holder.time();
        if is_released || !is_ours { Ok(()) } else { self.object.bucket.store().delete(&self.object.path).await }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        all().remove(&self.number);
        let held = Arc::clone(&self.held);
        // What stays is taken over by whoever comes next.
        let _ = self.held.object.bucket.wait(async move { held.release().await });
    }
}

/// The leases of this process.
fn all() -> std::sync::MutexGuard<'static, HashMap<u64, Arc<Held>>> {
    static ALL: LazyLock<Mutex<HashMap<u64, Arc<Held>>>> = LazyLock::new(Mutex::default);
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Removes all leases of this process, which is about to end. A server that does not answer is not waited for.
pub(in crate::store) fn end_leases() {
    let held: Vec<_> = all().values().cloned().collect();
    let (Some(first), Ok(runtime)) = (held.first(), runtime()) else { return };
    let bucket = Arc::clone(&first.object.bucket);
    let _ = bucket.wait(async move {
        let each = held.into_iter().map(|held| runtime.spawn(async move { held.release().await }));
        let _ = tokio::time::timeout(Duration::from_secs(5), join_all(each)).await;
        Ok(())
    });
}

/// Silence of so many times a lease's time is that of the dead, whatever the clocks of server and machine say.
const TIMES: u32 = 100;

impl Object {
    /// Removes the leases in this directory that nobody has renewed for long, and says which they are and how large. With `dry_run`
    /// it only says so.
    pub(in crate::store) fn sweep(
        &self,
        dry_run: bool,
        each: &mut dyn FnMut(Result<(PathBuf, u64), StoreError>),
    ) -> Result<(), StoreError> {
        let (bucket, directory) = (&self.bucket, self.path.as_ref());
        let oldest = SystemTime::now() - Holder::new("")?.time() * TIMES;
        for (path, seen) in bucket.list(directory)? {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
            if parent != directory || temporary::claimed_target(name).is_none() || seen.saved > oldest {
                continue;
            }
            let url = format!("{}/{path}", bucket.name);
            let object = Object { bucket: Arc::clone(bucket), path: take_as_it_is(&path), name: url.as_str().into() };
            let removed = if dry_run { Ok(()) } else { object.remove() };
            each(removed.map(|()| (url.into(), seen.bytes)));
        }
        Ok(())
    }
}
