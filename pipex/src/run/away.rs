//! Bodies that go on away from the thread that started them.

use std::sync::Arc;

use crate::run::body::{BodyFuture, Deferred, Started};
use crate::run::context::Context;
use crate::run::record;
use crate::runtime::{spawn, spawn_blocking};
use pipex_format::store::Draft;

/// How a body goes on away from the thread that started it.
pub(crate) type Away<'a> = fn(Work<'a>, Arc<Context>) -> BodyFuture<'a>;

/// What there is to be done of a call.
pub(crate) enum Work<'a> {
    /// To call the function; if nobody waits for it any longer, what it wrote goes with its drafts.
    Body(Deferred<'a>, Vec<Draft>),
    /// To see its future through.
    Future(BodyFuture<'a>),
}

/// Calls a function on a thread where it may take its time, and sees futures through on the runtime.
pub(crate) fn away(work: Work<'static>, context: Arc<Context>) -> BodyFuture<'static> {
    Box::pin(async move {
        let future = match work {
            Work::Future(future) => future,
            Work::Body(body, drafts) => {
                let inside = Arc::clone(&context);
                // If nobody waits for it any longer when it returns, the drafts go with what it gave.
                let called = spawn_blocking(move || record::carry(|| (inside.enter(body), drafts))).await?;
                let (body, drafts) = record::arrive(called);
                drafts.into_iter().for_each(Draft::keep);
                match body {
                    Started::Done(called) => return called,
                    Started::Future(future) => future,
                }
            }
        };
        record::arrive(spawn(record::carry_async(context.enter_async(future))).await?)
    })
}
