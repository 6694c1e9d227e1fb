//! What a run needs while it runs: memory, threads, GPUs.

use std::sync::Arc;
use std::time::Duration;

use super::Plan;
use crate::graph::outcome::Failure;
use crate::graph::visitor::measure;
use crate::run::function::AnyCall;
use crate::runtime::panics::{Phase, guard};
use pipex_format::model::error::RunError;
use pipex_format::model::resources::Resources;

impl Plan<'_> {
    /// What it is to be given room for, now that all that it takes has ended.
    pub(super) fn measure(&mut self, job: &dyn AnyCall<'_>) -> Result<Resources, Arc<Failure>> {
        let run = &self.run;
        let is_skipped =
            || self.inputs.failure().is_some() || run.flow().is_some_and(|flow| flow.cancelled().is_some());
        if run.task.is_plain() || !run.mode.executes() || is_skipped() {
            return Ok(Resources::new());
        }
        let needs = match self.run.beside.as_ref().and_then(|beside| beside.needs) {
            Some(needs) => needs,
            None => self.compute_needs(job).map_err(|error| self.refuse(job, error))?,
        };
        self.run.beside.get_or_insert_default().needs = Some(needs);
        // There, it takes nothing here.
        if self.run.is_elsewhere() {
            return Ok(Resources::new());
        }
        let capacity = self.run.context.as_ref().and_then(|context| context.executor()?.capacity());
        match capacity.and_then(|capacity| needs.never_fits(&capacity)) {
            Some(problem) => Err(self.refuse(job, RunError::NeverFits { problem })),
            None => Ok(needs),
        }
    }

    fn compute_needs(&self, job: &dyn AnyCall<'_>) -> Result<Resources, RunError> {
        let task = self.run.task;
        if !task.measures {
            return Ok(task.resources);
        }
        match guard(|| measure(task.resources, |visitor| job.accept(visitor))) {
            Ok(needs) => needs.map_err(|source| RunError::Measure { source }),
            Err(panic) => Err(panic.error(Phase::Measuring)),
        }
    }

    fn refuse(&self, job: &dyn AnyCall<'_>, error: RunError) -> Arc<Failure> {
        self.run.failed(job.target(), error.into(), Duration::ZERO, self.describe_unstarted(job))
    }
}
