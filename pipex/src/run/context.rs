//! What holds where a call is made: the mode, the flow run, who is told.

use std::borrow::Cow;
use std::cell::RefCell;
use std::future::{Future, poll_fn, ready};
use std::path::Path;
use std::pin::{Pin, pin};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::level_filters::LevelFilter;

use crate::graph::host::{Host, Permit, Ready};
use crate::graph::make::{self, Make};
use crate::graph::node::Node;
use crate::graph::outcome::{Failure, path_text};
use crate::graph::settle::{Within, is_in_run, set_within};
use crate::run::dry_run::DryRun;
use crate::run::executor::Executor;
use crate::run::flow_run::ActiveFlow;
use crate::run::hook::Hook;
use crate::run::listeners::{Journaling, Logging};
use crate::run::local::Local;
use crate::run::program;
use crate::run::report::{Event, Reporter};
use crate::run::time_limit::TimeLimit;
use crate::runtime::sync::thread_local;
use pipex_format::environment::{self, is_set};
use pipex_format::journal::Journal;
use pipex_format::model::error::{Error, Result};
use pipex_format::model::mode::Mode;
use pipex_format::model::resources::Resources;
use pipex_format::model::stale::Stale;
use pipex_format::model::target::Location;
use pipex_format::model::task::Task;
use pipex_format::root::{self, Root};
use pipex_format::store::Shared;

/// What holds in a scope: a flow run, a [`Config`](crate::Config)'s, a task's body. Each has what its outer one has, but
/// for what it sets itself.
#[derive(Clone)]
pub(crate) struct Context {
    mode: Result<Mode>,
    /// What a configuration says, else the environment.
    path: Option<Arc<str>>,
    /// What the flow says: a default.
    flow_path: Option<Arc<str>>,
    pub(crate) reporters: Arc<[Arc<dyn Reporter>]>,
    /// Whether one of them wants to know what runs take.
    pub(crate) wants_inputs: bool,
    pub(crate) flow: Option<Arc<ActiveFlow>>,
    pub(crate) settings: Settings,
    /// Where the journal is, if one is kept; `None` until it is set.
    journal: Option<Option<Arc<Path>>>,
    /// What is not set is what the environment says, and that has been read.
    has_read: bool,
    executor: Option<Arc<dyn Executor>>,
    /// The outputs that a team shares.
    pub(crate) shared: Option<Arc<Shared>>,
    /// Who is told when an outermost flow run ends.
    pub(crate) hooks: Arc<[Hook]>,
    /// The directory of the [test's scope](crate::testing) around here: nothing holds that the environment says.
    isolated: Option<Arc<Path>>,
    /// The targets that the bodies around here make, innermost first.
    making: Option<Arc<Making>>,
    /// Whether this is a task's body.
    pub(crate) within: Within,
    /// Until when this body may run.
    pub(crate) limit: Option<Arc<TimeLimit>>,
    /// The context of bodies that have no target and no time limit, and hold nothing: they can share one.
    body: BodyContext,
}

#[derive(Default)]
struct BodyContext(OnceLock<Arc<Context>>);

impl Clone for BodyContext {
    /// What is changed in a copy is to be seen in its bodies.
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// What the modes with an executor can be told, see [`Config`](crate::Config).
#[derive(Clone, Copy)]
pub(crate) struct Settings {
    pub(crate) fail_fast: bool,
    pub(crate) max_pending: usize,
    pub(crate) grace: Duration,
    pub(crate) keepalive: Duration,
    pub(crate) signals: bool,
    /// What is done with stale outputs where neither the task nor the flow says it.
    pub(crate) stale: Option<Stale>,
    /// Nothing runs; it is said what would.
    pub(crate) dry_run: Option<DryRun>,
    /// `None` until it is set.
    pub(crate) quiet: Option<bool>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            fail_fast: false,
            max_pending: usize::MAX,
            grace: Duration::from_secs(10),
            keepalive: Duration::from_secs(60),
            signals: program::is_taken_over(),
            stale: None,
            dry_run: DryRun::from_env(),
            quiet: None,
        }
    }
}

struct Making {
    target: Location,
    outer: Option<Arc<Making>>,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Context>>> = const { RefCell::new(None) };
}

impl Context {
    /// What holds here; outside everything, what the environment says now.
    pub(crate) fn current() -> Option<Arc<Self>> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// A context that begins here: a copy of the current one, or what the environment says now.
    pub(crate) fn begin() -> Self {
        match Self::current() {
            Some(context) => Context::clone(&context),
            None => Self::outermost(),
        }
    }

    /// What the environment says now, wherever this is.
    pub(crate) fn outermost() -> Self {
        Context {
            mode: environment::mode(),
            path: None,
            flow_path: None,
            reporters: Arc::new([]),
            wants_inputs: false,
            flow: None,
            settings: Settings::default(),
            journal: None,
            has_read: false,
            executor: None,
            shared: None,
            hooks: Arc::new([]),
            isolated: None,
            making: None,
            within: Within::Flow,
            limit: None,
            body: BodyContext::default(),
        }
    }

    /// What holds for a call that is made here; nothing does where the mode is `do_nothing`.
    pub(crate) fn for_call() -> Option<Arc<Self>> {
        let current = Self::current();
        let is_complete = match &current {
            Some(context) => context.executor.is_some() || !Self::executes(),
            None => Self::does_nothing(),
        };
        if is_complete {
            return current;
        }
        // Outside any flow run and any scope.
        let mut context = Self::begin();
        context.prepare();
        Some(Arc::new(context))
    }

    /// Sees to it that there is an executor if the mode needs one; whether it does.
    pub(crate) fn prepare(&mut self) -> bool {
        if self.settings.dry_run.is_some() {
            // What does not run needs nobody who runs it.
            self.mode = std::mem::replace(&mut self.mode, Ok(Mode::DoNothing)).map(Mode::without_executor);
        }
        self.read_environment();
        let executes = self.mode.as_ref().is_ok_and(|mode| mode.executes());
        if executes && self.executor.is_none() {
            match Local::for_process() {
                Ok(local) => self.executor = Some(Arc::new(local)),
                Err(error) => self.mode = Err(error),
            }
        }
        executes
    }

    /// Takes what is not set from the environment: once, and not where nothing is done.
    fn read_environment(&mut self) {
        if self.has_read || matches!(self.mode, Ok(Mode::DoNothing) | Err(_)) {
            return;
        }
        self.has_read = true;
        if self.path.is_none() {
            self.path = root::env_path();
        }
        self.journal.get_or_insert_with(|| root::env_journal().map(Arc::from));
        self.settings.quiet.get_or_insert_with(|| is_set("PIPEX_QUIET"));
        if let Err(error) = root::check_env_root() {
            self.mode = Err(error);
        }
        if self.shared.is_none() {
            match environment::setting("PIPEX_SHARED", Shared::EXPECTED, Shared::parse) {
                Ok(shared) => self.shared = shared.map(Arc::new),
                Err(error) => self.mode = Err(error),
            }
        }
        match environment::setting("PIPEX_NOTIFY", Hook::EXPECTED, Hook::parse) {
            Ok(hook) => hook.into_iter().for_each(|hook| self.add_hook(hook)),
            Err(error) => self.mode = Err(error),
        }
        if self.settings.stale.is_none() {
            match environment::stale() {
                Ok(stale) => self.settings.stale = stale,
                Err(error) => self.mode = Err(error),
            }
        }
    }

    /// Whether the mode here is one that has an executor.
    pub(crate) fn executes() -> bool {
        Self::holds_here(|mode, dry| mode.executes() && !dry)
    }

    /// What alone is to be made of what is called here, if that is not all. What a task's body calls is a part of its run.
    pub(crate) fn requested() -> Option<&'static Make> {
        make::requested().filter(|_| !is_in_run() && Self::holds_here(|mode, _| mode.caches()))
    }

    /// Whether the mode here is `do_nothing`, and functions are called.
    pub(crate) fn does_nothing() -> bool {
        Self::holds_here(|mode, dry| mode == Mode::DoNothing && !dry)
    }

    /// Asks of the mode here, and whether it is only said what would run.
    fn holds_here(is: impl Fn(Mode, bool) -> bool) -> bool {
        let of = |context: &Arc<Context>| {
            context.mode.as_ref().is_ok_and(|mode| is(*mode, context.settings.dry_run.is_some()))
        };
        let here = CURRENT.with_borrow(|context| context.as_ref().map(of));
        here.unwrap_or_else(|| environment::mode().is_ok_and(|mode| is(mode, DryRun::from_env().is_some())))
    }

    /// What is done with stale outputs of this task.
    pub(crate) fn policy(&self, task: &Task) -> Stale {
        task.stale.or(self.settings.stale).unwrap_or_default()
    }

    /// Who runs the calls that are made here.
    pub(crate) fn executor(&self) -> Option<&Arc<dyn Executor>> {
        self.executor.as_ref()
    }

    pub(crate) fn set_executor(&mut self, executor: Arc<dyn Executor>) {
        self.executor = Some(executor);
    }

    pub(crate) fn add_reporter(&mut self, reporter: Arc<dyn Reporter>) {
        self.wants_inputs |= reporter.wants_inputs();
        self.reporters = self.reporters.iter().cloned().chain([reporter]).collect();
    }

    pub(crate) fn add_hook(&mut self, hook: Hook) {
        self.hooks = self.hooks.iter().cloned().chain([hook]).collect();
    }

    /// Where the journal is, if one is kept.
    pub(crate) fn journal(&self) -> Option<&Arc<Path>> {
        self.journal.as_ref()?.as_ref()
    }

    pub(crate) fn set_journal(&mut self, directory: Option<&Path>) {
        self.journal = Some(directory.map(Arc::from));
    }

    /// Whether it is shown neither what goes on nor how it ended.
    pub(crate) fn is_quiet(&self) -> bool {
        self.settings.quiet.unwrap_or_default()
    }

    /// Nothing runs here, for this reason.
    pub(crate) fn refuse(&mut self, error: Error) {
        self.mode = Err(error);
    }

    pub(crate) fn set_mode(&mut self, mode: Mode) {
        self.mode = Ok(mode);
    }

    pub(crate) fn set_path(&mut self, path: &Path) {
        self.path = Some(path_text(path));
    }

    /// Sets the path that a flow says. In a test's scope it stays within that.
    pub(crate) fn set_flow_path(&mut self, path: &Path) {
        if self.isolated.as_ref().is_none_or(|directory| path.starts_with(directory)) {
            self.flow_path = Some(path_text(path));
        }
    }

    /// Takes nothing from the environment, and keeps outputs in this directory.
    pub(crate) fn isolate(&mut self, directory: &Path) {
        self.has_read = true;
        self.flow_path = Some(path_text(directory));
        self.isolated = Some(directory.into());
        self.settings.dry_run = None;
    }

    /// Whether a flow run that starts here is the program's own, so that it is the one that the environment is about.
    pub(crate) fn obeys_environment(&self) -> bool {
        self.flow.is_none() && !self.is_isolated()
    }

    pub(crate) fn is_isolated(&self) -> bool {
        self.isolated.is_some()
    }

    pub(crate) fn mode(&self) -> Result<Mode> {
        self.mode.clone()
    }

    /// The path of the configuration, else the environment's, else the flow's.
    pub(crate) fn path(context: Option<&Self>) -> Option<Arc<str>> {
        let Some(context) = context else { return root::env_path() };
        let path = context.path.clone();
        let path = if context.has_read { path } else { path.or_else(root::env_path) };
        path.or_else(|| context.flow_path.clone())
    }

    /// Where a target is that is named from the root of the project, for a store whose targets are paths.
    pub(crate) fn place_target(context: Option<&Self>, target: Location) -> Location {
        // A test's scope has nothing of what is around it.
        if context.is_some_and(Self::is_isolated) {
            return target;
        }
        match Root::of_program().to_here(target.as_str()) {
            Cow::Borrowed(_) => target,
            Cow::Owned(target) => Location::new(target),
        }
    }

    /// Runs `body` with this as what holds.
    pub(crate) fn enter<T>(self: &Arc<Self>, body: impl FnOnce() -> T) -> T {
        struct RestoreContext(Option<Arc<Context>>, Within);
        impl Drop for RestoreContext {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
                set_within(self.1);
            }
        }

        let outer = CURRENT.replace(Some(Arc::clone(self)));
        let _restore = RestoreContext(outer, set_within(self.within));
        body()
    }

    /// As [`enter`](Context::enter), whenever the future is polled.
    pub(crate) async fn enter_async<F: Future>(self: Arc<Self>, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| self.enter(|| future.as_mut().poll(context))).await
    }

    /// The context of a task's body, which may make `target`.
    pub(crate) fn within(
        context: Option<&Arc<Self>>,
        task: &Task,
        target: Option<&Location>,
        limit: Option<Arc<TimeLimit>>,
    ) -> Arc<Self> {
        let shares = target.is_none() && !task.is_limited() && limit.is_none();
        let inner = || {
            let mut inner = context.map_or_else(Context::begin, |context| Context::clone(context));
            let holds = task.is_limited() || inner.within == Within::HoldingRun;
            inner.within = if holds { Within::HoldingRun } else { Within::Run };
            inner.limit = limit;
            if let Some(target) = target {
                inner.making = Some(Arc::new(Making { target: target.clone(), outer: inner.making.take() }));
            }
            Arc::new(inner)
        };
        match context {
            Some(context) if shares => Arc::clone(context.body.0.get_or_init(inner)),
            _ => inner(),
        }
    }

    /// Whether a body around here makes `target`.
    pub(crate) fn makes(&self, target: &Location) -> bool {
        let mut making = self.making.as_ref();
        while let Some(this) = making {
            if this.target == *target {
                return true;
            }
            making = this.outer.as_ref();
        }
        false
    }

    /// Whether somebody listens here besides a journal.
    pub(crate) fn has_listeners(&self) -> bool {
        !self.reporters.is_empty() || LevelFilter::current() != LevelFilter::OFF
    }

    /// Tells all who listen here of an event, and this journal.
    pub(crate) fn emit(&self, event: &Event<'_>, journal: Option<&Journal>) {
        Logging { is_quiet: self.is_quiet() }.event(event);
        self.reporters.iter().for_each(|reporter| reporter.event(event));
        if let Some(journal) = journal {
            Journaling(journal).event(event);
        }
    }
}

impl Host for Context {
    fn has_executor(&self) -> bool {
        self.executor.is_some()
    }

    fn submit(&self, ready: Ready) {
        if let Some(executor) = &self.executor {
            executor.submit(ready);
        }
    }

    fn admit(
        &self,
        task: &'static Task,
        needs: Resources,
        within: Within,
    ) -> Pin<Box<dyn Future<Output = Permit> + Send>> {
        let waits = match within {
            Within::Flow => true,
            Within::Run => task.is_limited(),
            // Two of these could wait for each other.
            Within::HoldingRun => false,
        };
        match &self.executor {
            Some(executor) if waits => executor.admit_with(task, needs, within == Within::Run),
            _ => Box::pin(ready(Permit::default())),
        }
    }

    fn count_submitted(&self, node: &dyn Fn() -> Weak<dyn Node>) {
        self.flow.iter().for_each(|flow| flow.count_submitted(node));
    }

    fn count_failed(&self, failure: Arc<Failure>) {
        self.flow.iter().for_each(|flow| flow.count_failed(Arc::clone(&failure)));
    }

    fn count_ended(&self) {
        self.flow.iter().for_each(|flow| flow.count_ended());
    }

    fn is_cancelled(&self) -> bool {
        self.flow.as_ref().is_some_and(|flow| flow.cancelled().is_some())
    }

    fn cancellation(&self) -> Option<&CancellationToken> {
        self.flow.as_ref().map(|flow| &flow.cancellation)
    }
}
