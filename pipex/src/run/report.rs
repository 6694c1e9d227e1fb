//! What ran, what did not, and who is told.

use std::sync::{Arc, Weak};
use std::time::Duration;

use crate::run::flow_run::Cancelled;
use pipex_format::journal::Why;
use pipex_format::model::error::Error;
use pipex_format::model::flow::Flow;
use pipex_format::model::name::Name;
use pipex_format::model::provenance::Reasons;
use pipex_format::model::state::State;
use pipex_format::model::target::Location;
use pipex_format::model::task::Task;

/// A task run, as a [`Reporter`] is told of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct TaskRun<'r> {
    /// The task function.
    pub task: &'static Task,
    /// Where it stands.
    pub state: State,
    /// Its target, if it has one.
    pub target: Option<&'r Location>,
    /// How long the function ran, arguments loaded and output saved included; zero if it did not.
    pub elapsed: Duration,
    /// The bytes that its output takes where it is saved.
    pub bytes: u64,
    /// Why it failed.
    pub error: Option<&'r Error>,
    /// How often it has been started: 1 in its first run.
    pub attempt: u32,
    /// What tells it from all other runs of this process.
    pub number: u64,
    /// The number of its flow run, if it is within one.
    pub flow: Option<u64>,
    /// The parameters that took outputs, and the numbers of the runs that made these; empty unless a reporter
    /// [wants them](Reporter::wants_inputs).
    pub inputs: &'r [(&'static str, u64)],
    /// Why it ran, or did not.
    pub why: Why,
    /// Why the output that was there was stale, if it was.
    pub stale: Reasons,
    pub(crate) name: &'r Name,
}

impl TaskRun<'_> {
    /// Its name: what `.name(..)` or the template says, else the function's name and `base`.
    #[must_use]
    pub fn name(&self) -> String {
        self.name.for_task(self.task)
    }
}

/// A flow run, as a [`Reporter`] is told of it.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct FlowRun<'r> {
    /// The flow function.
    pub flow: &'static Flow,
    /// How deep it is: 0 for a flow that no other flow called.
    pub depth: usize,
    /// What tells it from all other runs of this process.
    pub number: u64,
    /// The number of the flow run that it is within.
    pub outer: Option<u64>,
    /// The beginnings of the arguments, as JSON; empty unless a reporter [wants them](Reporter::wants_inputs).
    pub parameters: &'r [(&'static str, String)],
    /// How it ended: `None` while it goes on.
    pub state: Option<State>,
    /// Why it did not end well.
    pub error: Option<&'r str>,
    pub(crate) handle: Option<&'r Arc<crate::run::flow_run::FlowRun>>,
}

impl FlowRun<'_> {
    /// What cancels it, as long as it goes on: no more of its task runs start. `why` follows "the flow run was cancelled:".
    pub fn canceller(&self) -> impl Fn(&'static str) + Send + Sync + 'static {
        let run = self.handle.map(Arc::downgrade);
        move |why| {
            if let Some(run) = run.as_ref().and_then(Weak::upgrade) {
                run.cancel(Cancelled::Asked(why));
            }
        }
    }
}

/// Somebody who is told what becomes of task runs and flow runs, on the thread where it happens: be quick.
///
/// Given to [`Config::reporter`](crate::Config::reporter). In mode `do_nothing` nothing is reported, and without an executor
/// only what has ended.
///
/// ```
/// use pipex::{Reporter, State, TaskRun};
///
/// struct Failures;
///
/// impl Reporter for Failures {
///     fn task_run(&self, run: &TaskRun<'_>) {
///         if run.state == State::Failed {
///             eprintln!("{} failed: {:?}", run.name(), run.error);
///         }
///     }
/// }
/// ```
pub trait Reporter: Send + Sync {
    /// A task run has ended: its state is one of those that [have ended](State::has_ended).
    fn task_run(&self, run: &TaskRun<'_>);

    /// A task run has come into a state that is not its last: it was submitted, runs, waits to be tried again.
    fn changed(&self, run: &TaskRun<'_>) {
        let _ = run;
    }

    /// A task run is still running after `run.elapsed`: told again and again, so that silence is not taken for death.
    fn still_running(&self, run: &TaskRun<'_>) {
        let _ = run;
    }

    /// Whether it is to be told what task runs take and what flows are given. It costs a little.
    fn wants_inputs(&self) -> bool {
        false
    }

    /// A flow run has started.
    fn flow_started(&self, run: &FlowRun<'_>) {
        let _ = run;
    }

    /// A flow run has ended, and all its task runs with it.
    fn flow_ended(&self, run: &FlowRun<'_>) {
        let _ = run;
    }
}
