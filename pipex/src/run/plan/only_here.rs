//! In place of calls whose functions run in another process, without the feature `remote`: all run here.

use std::time::Instant;

use super::attempt::Done;
use super::{Plan, Run};
use crate::run::body::Raised;
use crate::run::dry_run;
use crate::run::function::AnyCall;
use pipex_format::store::Record;

impl Plan<'_> {
    pub(super) async fn make_elsewhere(
        &mut self,
        _: &mut dyn AnyCall<'_>,
        _: Option<Record>,
        _: Instant,
    ) -> Result<Option<Done>, Raised> {
        Ok(None)
    }

    pub(super) fn list_job(&self, _: &dyn AnyCall<'_>) {
        dry_run::list(None, self.run.flow().map(|flow| &flow.shared.would_run));
    }
}

impl Run {
    pub(super) fn is_elsewhere(&self) -> bool {
        false
    }
}
