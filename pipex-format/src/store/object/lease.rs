//! The claim on an object: another object, the lease, beside it.
//!
//! Who makes it (`If-None-Match: *`) holds the claim, and has it change (`If-Match`) as long as he lives. Whoever waits takes over
//! (`If-Match` again) what has not changed for the lease's time by his own clock: no two clocks are compared. A lease is a promise
//! that is kept nearly always; that what another has made since is not overwritten is seen to where the value is put in place.
//!
//! Uploads in parts stand in the lease before their first part is sent. Who takes it over aborts them before he does anything else: no parts
//! are left, and none of them can become the object any more.

use std::collections::HashMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use object_store::{Error, ObjectMeta, ObjectStoreExt as _, PutMode, PutPayload, UpdateVersion};

use super::bucket::{Conditions, runtime};
use super::holder::{Holder, parse_uploads};
use super::parts::abort;
use super::place::Object;
use super::put::{is_conflict, is_unknown, put_if, version, version_of};
use super::seen::Seen;
use crate::model::temporary;
use crate::store::error::StoreError;
use crate::store::stamp::Stamp;

/// A lease that is held. Dropped, it is removed.
pub(super) struct Lease {
    held: Arc<Held>,
    number: u64,
}

struct Held {
    object: Object,
    target: Object,
    holder: Holder,
    /// Whoever changes the lease has this, so that it is removed behind the last change.
    state: tokio::sync::Mutex<State>,
    is_lost: AtomicBool,
    is_released: AtomicBool,
}

struct State {
    version: UpdateVersion,
    beat: u64,
    /// The uploads of the target in parts that have begun, and not ended.
    uploads: Vec<String>,
    /// When it was last known to be held: before the request was sent.
    renewed: Instant,
}

/// What becomes of a lease that another holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Other {
    /// Until it is free, it is waited.
    IsWaitedFor,
    /// It stays.
    Stays,
    /// It is taken over if it is this one: its holder has been gone for long.
    IsGone(Stamp),
}

/// What the object has, and what it is; `None` if it is not there.
pub(super) async fn get(object: &Object) -> object_store::Result<Option<(String, ObjectMeta)>> {
    match object.bucket.store().get(&object.path).await {
        Ok(got) => {
            let meta = got.meta.clone();
            Ok(Some((String::from_utf8_lossy(&got.bytes().await?).into_owned(), meta)))
        }
        Err(Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The lease of this target: an object beside it.
pub(super) fn lease_of(target: &Object) -> Object {
    let name = temporary::claim(Path::new(&*target.name));
    target.beside(name.file_name().and_then(|name| name.to_str()).unwrap_or_default())
}

impl Lease {
    /// The lease of this target, which others hold who have not the `holder`'s lock if anybody does; `None` if somebody does and it is to stay his.
    pub(super) fn take(target: &Object, holder: Holder, other: Other) -> Result<Option<Self>, StoreError> {
        let (lease, object) = (lease_of(target), target.clone());
        let taken = target.bucket.wait(async move {
            let Some(state) = take(&lease, &holder, &other).await? else { return Ok(None) };
            let held = Arc::new(Held {
                object: lease,
                target: object,
                holder,
                state: tokio::sync::Mutex::new(state),
                is_lost: AtomicBool::new(false),
                is_released: AtomicBool::new(false),
            });
            held.state.lock().await.abort_uploads(&held.target).await?;
            held.find_conditions().await?;
            tokio::spawn(Arc::clone(&held).renew_while_held());
            Ok(Some(held))
        })?;
        let taken = taken.map_err(|error| target.refused("claim", error))?;
        Ok(taken.map(|held| {
            static LEASES: AtomicU64 = AtomicU64::new(0);
            let number = LEASES.fetch_add(1, Ordering::Relaxed);
            all().insert(number, Arc::clone(&held));
            Lease { held, number }
        }))
    }

    /// Writes down that an upload has begun, so that whoever comes next aborts it if this one ends before it does. Whether it is held.
    pub(super) fn has_begun(&self, upload: &str) -> Result<bool, StoreError> {
        let (held, upload) = (Arc::clone(&self.held), upload.to_owned());
        let noted = self.held.object.bucket.wait(async move {
            held.state.lock().await.uploads.push(upload);
            Ok(())
        })?;
        noted.map_err(|error| self.held.object.refused("renew the claim", error))?;
        self.is_held(true)
    }

    /// It has become the object.
    pub(super) fn has_ended(&self, upload: String) -> Result<(), StoreError> {
        let held = Arc::clone(&self.held);
        let noted = self.held.object.bucket.wait(async move {
            held.state.lock().await.uploads.retain(|begun| *begun != upload);
            Ok(())
        })?;
        noted.map_err(|error| self.held.object.refused("renew the claim", error))
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

    /// That it is held no longer.
    pub(super) fn lost(&self, target: &Object) -> StoreError {
        StoreError::ClaimLost { target: target.name.to_string(), claim: self.name().into() }
    }

    /// Its URL.
    pub(super) fn name(&self) -> &str {
        &self.held.object.name
    }
}

async fn take(lease: &Object, holder: &Holder, other: &Other) -> object_store::Result<Option<State>> {
    let mut watched: Option<(String, Instant)> = None;
    let mut pause = Duration::from_millis(20);
    let state = |version, renewed, uploads| State { version, beat: 0, uploads, renewed };
    let payload = |uploads: &[String]| PutPayload::from(holder.text(0, uploads));
    loop {
        let asked = Instant::now();
        let Some((text, meta)) = (if watched.is_some() { get(lease).await? } else { None }) else {
            match put_if(lease, payload(&[]), None).await {
                Ok(version) => return Ok(Some(state(version, asked, Vec::new()))),
                Err(error) if is_conflict(&error) => {
                    watched.get_or_insert((String::new(), asked));
                    continue;
                }
                Err(error) => return Err(error),
            }
        };
        let (there, version) = (Holder::parse(&text), version_of(&meta));
        if there.as_ref().is_some_and(|there| there.number == holder.number) {
            // It was made, and only the answer was lost.
            return Ok(Some(state(version, asked, parse_uploads(&text))));
        }
        // Who has had the lock that is ours now has gone.
        let is_dead = there.as_ref().is_some_and(|there| there.lock == holder.lock)
            || *other == Other::IsGone(Seen::from_meta(&meta).stamp);
        let time = there.map_or(holder.time(), |there| there.time().max(holder.time()));
        let is_silent = watched.as_ref().is_some_and(|(seen, since)| *seen == text && since.elapsed() >= time);
        if is_dead || is_silent {
            // They stand there until they have been aborted, whoever does it.
            let uploads = parse_uploads(&text);
            match put_if(lease, payload(&uploads), Some(version)).await {
                Ok(version) => return Ok(Some(state(version, asked, uploads))),
                Err(error) if is_conflict(&error) => continue,
                Err(error) => return Err(error),
            }
        }
        if *other != Other::IsWaitedFor {
            return Ok(None);
        }
        if watched.as_ref().is_none_or(|(seen, _)| *seen != text) {
            watched = Some((text, asked));
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1)).min(time / 4);
    }
}

impl State {
    /// Aborts what has begun and not ended.
    async fn abort_uploads(&mut self, target: &Object) -> object_store::Result<()> {
        while let Some(upload) = self.uploads.last() {
            abort(target, upload).await?;
            self.uploads.pop();
        }
        Ok(())
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
            let text = self.holder.text(beat, &state.uploads);
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
        let text = self.holder.text(state.beat, &state.uploads);
        match put_if(&self.object, text.into(), Some(state.version.clone())).await {
            Ok(version) => state.version = version,
            Err(error) if is_conflict(&error) => match get(&self.object).await? {
                Some((text, meta)) if Holder::parse(&text).is_some_and(|there| there == self.holder) => {
                    state.version = version_of(&meta);
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
        let mut state = self.state.lock().await;
        let is_released = self.is_released.swap(true, Ordering::AcqRel);
        let is_ours = !self.is_lost.load(Ordering::Acquire) && state.renewed.elapsed() < self.holder.time();
        if is_released || !is_ours {
            return Ok(());
        }
        // What cannot be aborted is left to whoever finds the lease.
        state.abort_uploads(&self.target).await?;
        self.object.bucket.store().delete(&self.object.path).await
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
