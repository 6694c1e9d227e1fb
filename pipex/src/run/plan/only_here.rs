//! In place of calls whose functions run in another process, without the feature `remote`: all run here.

use std::time::Instant;

use super::attempt::Done;
use super::{Known, Plan, Run};
use crate::graph::place::{AnyPlace, Place};
use crate::run::call::{AnyCall, Raised};
use crate::run::dry_run;
use pipex_format::store::Record;

impl<R: Send> Plan<'_, R> {
    pub(super) async fn make_elsewhere(
        &mut self,
        _: Option<(&Place<R>, Record)>,
        _: Instant,
    ) -> Result<Option<Done<R>>, Raised> {
        Ok(None)
    }
}

impl Known {
    pub(super) fn list_job(&self, _: &dyn AnyCall, _: Option<&dyn AnyPlace>) {
        dry_run::list(None, self.run.flow().map(|flow| &flow.shared.would_run));
    }
}

impl Run {
    pub(super) fn is_elsewhere(&self) -> bool {
        false
    }
}
