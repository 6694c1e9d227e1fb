//! What ran, what did not, and who is told.

use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use pipex_format::journal::{Given, Recorded, There, Why};
use pipex_format::model::error::Error;
use pipex_format::model::fingerprint::Fingerprint;
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
    /// The parameters that took values, and the beginnings of these, as JSON; of a value that can only be compared the text is
    /// empty, and so is all of it unless a reporter [wants it](Reporter::wants_inputs).
    pub parameters: &'r [(&'static str, String)],
    /// Why it ran, or did not.
    pub why: Why,
    /// Why the output that was there was stale, if it was.
    pub stale: Reasons,
    pub(crate) name: &'r Name,
    /// Whether its call was lazy.
    pub(crate) is_lazy: bool,
    /// The address of its store, if targets are no paths to it.
    pub(crate) store: &'r str,
    /// The targets of its other outputs, and the addresses of their stores.
    pub(crate) more: &'r [(Location, Box<str>)],
    /// When it was started.
    pub(crate) started: Option<Instant>,
    pub(crate) timing: Timing,
    /// The process that it ran in, if that is another.
    pub(crate) elsewhere: &'r str,
    /// Its number among those that the journal knows to make a target; 0 if it does not.
    pub(crate) began: u64,
    pub(crate) details: &'r Details,
}

/// When a task run was submitted, and on what besides its function it spent its time.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Timing {
    pub(crate) submitted: Option<Instant>,
    /// Seconds, of the last attempt.
    pub(crate) loading: f32,
    pub(crate) saving: f32,
}

/// What of a task run is for the journal and the log alone.
#[derive(Debug, Default)]
pub(crate) struct Details {
    /// What the call would make a stale output from now: the fingerprints of its arguments and inputs.
    pub(crate) now: Option<(Fingerprint, Option<Fingerprint>)>,
    /// And how it would write it, where that is another.
    pub(crate) format: Option<Fingerprint>,
    pub(crate) there: Option<There>,
    /// The same of the other outputs.
    pub(crate) more: Vec<Option<There>>,
    /// The arguments; the journal takes them.
    pub(crate) given: Mutex<Vec<Given<'static>>>,
    /// What the function has recorded.
    pub(crate) recorded: Vec<Recorded<'static>>,
    /// Nothing but the journal would know.
    pub(crate) urgent: bool,
    /// What another run's end is the reason of this one's: that one's target, or its name.
    pub(crate) root: Option<String>,
    /// How long until it is tried again.
    pub(crate) delay: Duration,
}

/// What nearly all events have: nothing to be said besides.
pub(crate) static NO_DETAILS: Details = Details {
    now: None,
    format: None,
    there: None,
    more: Vec::new(),
    given: Mutex::new(Vec::new()),
    recorded: Vec::new(),
    urgent: false,
    root: None,
    delay: Duration::ZERO,
};

impl TaskRun<'_> {
    /// Its name: what `.name(..)` or the template says, else the function's name and `base`.
    #[must_use]
    pub fn name(&self) -> String {
        self.name.for_task(self.task)
    }
}

/// What can be cancelled.
pub(crate) trait Cancel: std::fmt::Debug + Send + Sync {
    fn cancel(&self, why: &'static str);
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
    pub(crate) handle: Option<&'r Arc<dyn Cancel>>,
}

impl FlowRun<'_> {
    /// What cancels it, as long as it goes on: no more of its task runs start. `why` follows "the flow run was cancelled:".
    pub fn canceller(&self) -> impl Fn(&'static str) + Send + Sync + 'static {
        let run = self.handle.map(Arc::downgrade);
        move |why| {
            if let Some(run) = run.as_ref().and_then(Weak::upgrade) {
                run.cancel(why);
            }
        }
    }
}

/// What has happened to a run.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub enum Event<'e> {
    /// A task run has come into a state, its last or another: it was submitted, runs, waits to be tried again.
    TaskRun(&'e TaskRun<'e>),
    /// A task run is still running after `elapsed`: told again and again, so that silence is not taken for death.
    StillRunning(&'e TaskRun<'e>),
    /// A flow run has started.
    FlowStarted(&'e FlowRun<'e>),
    /// A flow run has ended, and all its task runs with it.
    FlowEnded(&'e FlowRun<'e>),
}

/// Somebody who is told what becomes of task runs and flow runs, on the thread where it happens: be quick.
///
/// Everything is an [`Event`]; who wants only some of them has a method for each kind. The journal, the table at a flow run's end,
/// the progress, the log and Prefect are told in the same way.
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
    /// Something has happened. Unless it is written otherwise, it calls the method below for what has.
    fn event(&self, event: &Event<'_>) {
        match event {
            Event::TaskRun(run) if run.state.has_ended() => self.task_run(run),
            Event::TaskRun(run) => self.changed(run),
            Event::StillRunning(run) => self.still_running(run),
            Event::FlowStarted(run) => self.flow_started(run),
            Event::FlowEnded(run) => self.flow_ended(run),
        }
    }

    /// A task run has ended: its state is one of those that [have ended](State::has_ended).
    fn task_run(&self, run: &TaskRun<'_>) {
        let _ = run;
    }

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
