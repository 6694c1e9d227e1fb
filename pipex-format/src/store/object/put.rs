//! Writing an object only if what is there is what is expected.

use std::time::Duration;

use object_store::{Error, ObjectStoreExt as _, PutMode, PutPayload, PutResult, UpdateVersion};

use super::bucket::{Conditions, is_unanswered, join_sources};
use super::place::Object;

pub(super) fn version(result: PutResult) -> UpdateVersion {
    result.into()
}

pub(super) fn version_of(meta: &object_store::ObjectMeta) -> UpdateVersion {
    UpdateVersion { e_tag: meta.e_tag.clone(), version: meta.version.clone() }
}

/// What is at the place is another thing than was to be replaced.
pub(super) fn is_conflict(error: &Error) -> bool {
    matches!(error, Error::AlreadyExists { .. } | Error::Precondition { .. } | Error::NotModified { .. })
}

/// The server knows nothing of conditions.
pub(super) fn is_unknown(error: &Error) -> bool {
    let said = || join_sources(error);
    matches!(error, Error::NotImplemented { .. } | Error::NotSupported { .. }) || said().contains("NotImplemented")
}

/// How often a write is tried again of which it is not known whether it was done.
const TRIES: u32 = 5;

/// Writes an object if what is there is what is expected to be: nothing, or this version. Who is told of a conflict finds out whether it
/// is one with himself: an answer may have been lost.
pub(super) async fn put_if(
    object: &Object,
    payload: PutPayload,
    expected: Option<UpdateVersion>,
) -> object_store::Result<UpdateVersion> {
    let mut tries = 0;
    loop {
        match try_put_if(object, payload.clone(), expected.clone()).await {
            Err(error) if is_unanswered(&error) && tries < TRIES => {
                tokio::time::sleep(Duration::from_millis(100 << tries)).await;
                tries += 1;
            }
            put => return put,
        }
    }
}

/// Where the server does not see to that, it is looked at before.
async fn try_put_if(
    object: &Object,
    payload: PutPayload,
    expected: Option<UpdateVersion>,
) -> object_store::Result<UpdateVersion> {
    let (store, path) = (object.bucket.store(), &object.path);
    let Conditions { create, update } = object.bucket.conditions();
    let honoured = if expected.is_some() { update } else { create };
    if honoured {
        let mode = expected.clone().map_or(PutMode::Create, PutMode::Update);
        match store.put_opts(path, payload.clone(), mode.into()).await {
            Err(error) if is_unknown(&error) => {
                let neither = Conditions { create: false, update: false };
                object.bucket.has_conditions(neither);
            }
            put => return put.map(version),
        }
    }
    let there = match store.head(path).await {
        Ok(meta) => Some(version_of(&meta)),
        Err(Error::NotFound { .. }) => None,
        Err(error) => return Err(error),
    };
    if there.as_ref().map(|there| &there.e_tag) != expected.as_ref().map(|expected| &expected.e_tag) {
        let source = "it is another by now".into();
        return Err(Error::Precondition { path: path.to_string(), source });
    }
    store.put_opts(path, payload, PutMode::Overwrite.into()).await.map(version)
}
