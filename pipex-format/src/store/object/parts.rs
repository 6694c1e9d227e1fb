//! Values that go to a bucket in parts: several requests, none of which has to take long, and which are nothing until the last one.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use object_store::multipart::{MultipartStore, PartId};
use object_store::{Error, PutResult};
use tokio::task::JoinHandle;

use super::place::Object;
use crate::say::say;
use crate::store::error::StoreError;

/// How many parts of an object are under way at a time.
const AT_ONCE: usize = 4;

/// An upload in parts. Dropped before its end, it is aborted: its parts go.
pub(super) struct Parts {
    object: Object,
    store: Arc<dyn MultipartStore>,
    pub(super) id: String,
    sent: Vec<PartId>,
    under_way: VecDeque<JoinHandle<object_store::Result<PartId>>>,
    is_ended: bool,
}

impl Parts {
    /// Begins one. Nothing is left of it if the process is killed now.
    pub(super) fn begin(object: &Object) -> Result<Self, StoreError> {
        let Some(store) = object.bucket.parts() else {
            let source = "its server takes no parts".into();
            return Err(object.refused("write", Error::NotSupported { source }));
        };
        let (begins, path) = (Arc::clone(&store), object.path.clone());
        let begun = object.bucket.wait(async move { begins.create_multipart(&path).await })?;
        let id = begun.map_err(|error| object.refused("write", error))?;
        let object = object.clone();
        Ok(Parts { object, store, id, sent: Vec::new(), under_way: VecDeque::new(), is_ended: false })
    }

    /// Sends a part, once there are few enough under way.
    pub(super) fn add(&mut self, bytes: Bytes) -> Result<(), StoreError> {
        self.wait_for(AT_ONCE - 1)?;
        let number = self.sent.len() + self.under_way.len();
        let (store, path, id) = (Arc::clone(&self.store), self.object.path.clone(), self.id.clone());
        let bucket = Arc::clone(&self.object.bucket);
        self.under_way.push_back(super::bucket::runtime()?.spawn(async move {
            let _permit = bucket.parts_at_once.acquire().await;
            store.put_part(&path, &id, number, bytes.into()).await
        }));
        Ok(())
    }

    /// Waits until no more than so many are under way.
    fn wait_for(&mut self, most: usize) -> Result<(), StoreError> {
        while self.under_way.len() > most {
            let Some(part) = self.under_way.pop_front() else { break };
            let sent = self.object.bucket.wait(async move { part.await.unwrap_or_else(|error| Err(error.into())) })?;
            self.sent.push(sent.map_err(|error| self.object.refused("write", error))?);
        }
        Ok(())
    }

    /// Waits for all parts that are under way.
    pub(super) fn wait(&mut self) -> Result<(), StoreError> {
        self.wait_for(0)
    }

    /// Makes them the object.
    pub(super) fn complete(mut self) -> Result<object_store::Result<PutResult>, StoreError> {
        self.wait()?;
        let (store, path, id) = (Arc::clone(&self.store), self.object.path.clone(), self.id.clone());
        let sent = std::mem::take(&mut self.sent);
        let completed = self.object.bucket.wait(async move { store.complete_multipart(&path, &id, sent).await })?;
        self.is_ended = completed.is_ok();
        Ok(completed)
    }
}

impl Drop for Parts {
    fn drop(&mut self) {
        if self.is_ended {
            return;
        }
        let (object, id) = (self.object.clone(), std::mem::take(&mut self.id));
        let under_way = std::mem::take(&mut self.under_way);
        // Where it fails, it stands in the lease.
        let _ = self.object.bucket.wait(async move {
            for part in under_way {
                part.abort();
                let _ = part.await;
            }
            abort(&object, &id).await
        });
    }
}

/// Aborts an upload of this object. One that has ended is none any more; and one that may not be aborted holds up nobody.
pub(super) async fn abort(object: &Object, id: &str) -> object_store::Result<()> {
    let Some(store) = object.bucket.parts() else { return Ok(()) };
    match store.abort_multipart(&object.path, &id.to_owned()).await {
        Err(Error::NotFound { .. } | Error::Generic { store: "InMemory", .. }) => Ok(()),
        Err(Error::PermissionDenied { .. } | Error::Unauthenticated { .. }) => {
            say(&format!(
                "parts of {} that are never put together stay in its bucket: the server does not allow pipex to abort uploads",
                object.name
            ));
            Ok(())
        }
        aborted => aborted,
    }
}
