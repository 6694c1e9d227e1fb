//! Ctrl-C and SIGTERM: the first stops flow runs in order, the second at once.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, PoisonError};
use std::thread;
use std::time::Duration;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::run::engine;
use crate::run::flow_run::{ActiveFlow, Cancelled};
#[cfg(feature = "shell")]
use crate::run::shell;
use pipex_format::model::state::State;
use pipex_format::say::say;
use pipex_format::store;

/// The flow runs that have not ended, and how long each gives its tasks.
static FLOWS: Mutex<Vec<(Arc<ActiveFlow>, Duration)>> = Mutex::new(Vec::new());
/// There is one less.
static ENDED: Condvar = Condvar::new();

fn flows() -> MutexGuard<'static, Vec<(Arc<ActiveFlow>, Duration)>> {
    FLOWS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has signals cancel this flow run, until it has [`ended`].
pub(crate) fn watch(run: &Arc<ActiveFlow>, grace: Duration) {
    static LISTENS: Once = Once::new();
    flows().push((Arc::clone(run), grace));
    LISTENS.call_once(|| {
        let listening = Signals::new([SIGINT, SIGTERM]).and_then(|signals| {
            thread::Builder::new().name("pipex-signals".to_owned()).spawn(move || listen(signals)).map(drop)
        });
        if let Err(error) = listening {
            tracing::warn!(target: "pipex", "cannot listen for signals, which will stop the program at once: {error}");
        }
    });
}

/// The flow run has ended, or its future is gone. Where a signal ended it, the program ends as well.
pub(crate) fn ended(run: &Arc<ActiveFlow>) {
    let mut flows = flows();
    let Some(place) = flows.iter().position(|(other, _)| Arc::ptr_eq(other, run)) else { return };
    flows.swap_remove(place);
    drop(flows);
    ENDED.notify_all();
    if run.is_outermost() && matches!(run.cancelled(), Some(Cancelled::Signal(_))) {
        loop {
            thread::park();
        }
    }
}

fn listen(mut signals: Signals) {
    let mut stopping = false;
    for signal in signals.forever() {
        let longest = flows().iter().map(|(_, grace)| *grace).max();
        let Some(grace) = longest.filter(|_| !stopping) else {
            if stopping {
                exit(signal);
            }
            // No flow runs: as if nobody had listened.
            let _ = emulate_default_handler(signal);
            continue;
        };
        stopping = true;
        flows().iter().for_each(|(run, _)| run.cancel(Cancelled::Signal(signal)));
        say(&format!(
            "{}: no more tasks start; those that run have {grace:?} to end; a second signal stops them at once",
            name(signal)
        ));
        let waiting = thread::Builder::new().name("pipex-stop".to_owned()).spawn(move || {
            let waited = ENDED.wait_timeout_while(flows(), grace, |flows| !flows.is_empty());
            let still = waited.map_or(0, |(flows, _)| flows.len());
            if still > 0 {
                say("some tasks were still running: they are stopped");
            }
            exit(signal);
        });
        if waiting.is_err() {
            exit(signal);
        }
    }
}

fn name(signal: i32) -> &'static str {
    if signal == SIGINT { "SIGINT" } else { "SIGTERM" }
}

/// Ends the process, as shells expect it. What is complete is there; what is not goes.
fn exit(signal: i32) -> ! {
    #[cfg(feature = "shell")]
    shell::stop();
    engine::stop();
    flows()
        .iter()
        .filter_map(|(run, _)| run.shared.journal.as_ref())
        .for_each(|journal| journal.abandon(State::Cancelled));
    let _ending = store::end();
    std::process::exit(128 + signal)
}
