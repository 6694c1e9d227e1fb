//! What holds where a call is made: the mode, the flow run, who is told.

use std::cell::RefCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::{Future, poll_fn};
use std::hash::{BuildHasherDefault, Hasher};
use std::panic;
use std::path::Path;
use std::pin::pin;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use crate::error::{Error, Result, RunError};
use crate::fingerprint::{Fingerprint, of_bytes};
use crate::flow::FlowRun;
use crate::mode::Mode;
use crate::report::{Reporter, TaskRun};
use crate::target::Location;
use crate::task::Task;

/// What holds in a scope: a flow run, a [`Config`](crate::Config)'s, a task's body. Each has what its outer one has, but
/// for what it sets itself.
#[derive(Clone)]
pub(crate) struct Context {
    mode: Result<Mode>,
    path: Option<Arc<str>>,
    pub(crate) reporters: Arc<[Arc<dyn Reporter>]>,
    pub(crate) flow: Option<Arc<FlowRun>>,
    /// The targets that the bodies around here make, innermost first.
    making: Option<Arc<Making>>,
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
            None => Context { mode: Mode::from_env(), path: None, reporters: Arc::new([]), flow: None, making: None },
        }
    }

    /// Whether the mode here is `do_nothing`.
    pub(crate) fn does_nothing() -> bool {
        let mode =
            CURRENT.with_borrow(|context| context.as_ref().map(|context| matches!(context.mode, Ok(Mode::DoNothing))));
        mode.unwrap_or_else(|| matches!(Mode::from_env(), Ok(Mode::DoNothing)))
    }

    pub(crate) fn set_mode(&mut self, mode: Mode) {
        self.mode = Ok(mode);
    }

    pub(crate) fn set_path(&mut self, path: &Path) {
        self.path = Some(text(path));
    }

    /// The mode, if it is one that there is an executor for.
    pub(crate) fn mode(&self) -> Result<Mode> {
        self.mode.clone().and_then(supported)
    }

    /// The path of the flow or of the configuration, else the environment's.
    pub(crate) fn path(context: Option<&Self>) -> Option<Arc<str>> {
        let set = context.and_then(|context| context.path.clone());
        set.or_else(|| std::env::var_os("PIPEX_PATH").map(|path| text(Path::new(&path))))
    }

    /// Runs `body` with this as what holds.
    pub(crate) fn enter<T>(self: &Arc<Self>, body: impl FnOnce() -> T) -> T {
        struct Restore(Option<Arc<Context>>);
        impl Drop for Restore {
            fn drop(&mut self) {
                CURRENT.set(self.0.take());
            }
        }

        let _restore = Restore(CURRENT.replace(Some(Arc::clone(self))));
        body()
    }

    /// As [`enter`](Context::enter), whenever the future is polled.
    pub(crate) async fn enter_async<F: Future>(self: Arc<Self>, future: F) -> F::Output {
        let mut future = pin!(future);
        poll_fn(|context| self.enter(|| future.as_mut().poll(context))).await
    }

    /// The context of a body that makes `target`.
    pub(crate) fn making(context: Option<&Arc<Self>>, target: &Location) -> Arc<Self> {
        let mut inner = context.map_or_else(Context::begin, |context| Context::clone(context));
        inner.making = Some(Arc::new(Making { target: target.clone(), outer: inner.making }));
        Arc::new(inner)
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

    pub(crate) fn report(&self, run: &TaskRun<'_>) {
        for reporter in &*self.reporters {
            reporter.task_run(run);
        }
    }
}

/// A path as it stands in a target. What is not UTF-8 becomes a character that no target may have, and is refused there.
pub(crate) fn text(path: &Path) -> Arc<str> {
    path.to_string_lossy().into()
}

/// The mode in which a call is made that is outside everything.
pub(crate) fn outside() -> Result<Mode> {
    Mode::from_env().and_then(supported)
}

fn supported(mode: Mode) -> Result<Mode> {
    if mode.executes() { Err(Error::NoExecutor { mode }) } else { Ok(mode) }
}

/// Who filled to which target: two calls that mean different things must not share one.
#[derive(Default)]
pub(crate) struct Targets(Mutex<HashMap<u128, Filled, BuildHasherDefault<AsIs>>>);

/// The targets of the calls outside any flow run.
pub(crate) static OUTSIDE: LazyLock<Targets> = LazyLock::new(Targets::default);

#[derive(Clone, Copy)]
pub(crate) struct Filled {
    pub(crate) task: &'static Task,
    pub(crate) arguments: Fingerprint,
    pub(crate) caller: &'static panic::Location<'static>,
}

impl Targets {
    /// Enters that `call` fills to `target`.
    pub(crate) fn enter(&self, target: &Location, call: Filled) -> Result<(), RunError> {
        let key = of_bytes(target.as_str().as_bytes()).get();
        let first = match self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(key) {
            Entry::Vacant(entry) => {
                entry.insert(call);
                return Ok(());
            }
            Entry::Occupied(entry) => *entry.get(),
        };
        let same_task = std::ptr::eq(first.task, call.task);
        if same_task && first.arguments == call.arguments {
            return Ok(());
        }
        let describe = |call: Filled| format!("task `{}` called at {}", call.task.funcname, call.caller);
        Err(RunError::Clash { first: describe(first), second: describe(call), same_task })
    }
}

/// A key that is a hash already.
#[derive(Default)]
struct AsIs(u64);

impl Hasher for AsIs {
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = key as u64;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

/// One moment for all that share it.
pub(crate) type Moment = OnceLock<jiff::ZonedDateTime>;
