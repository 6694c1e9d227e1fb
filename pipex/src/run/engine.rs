//! Engines: what brings task runs to other processes, or tells others of runs. Each registers itself; where one is to be had
//! only with a cargo feature, that is said when the environment asks for it.

use std::sync::{Arc, Once};

#[cfg(feature = "prefect-server")]
pub(crate) use crate::graph::outcome::number;
use crate::run::carrier::Carrier;
use crate::run::report::Reporter;
use pipex_format::environment::{env_text, setting};
use pipex_format::model::error::{Error, Result};
use pipex_format::say::say;

/// Gives somebody, if the environment asks for that.
type Asked<T> = fn() -> Result<Option<Arc<T>>>;

/// An engine, by what it can do.
pub(crate) struct Engine {
    /// Who is told of the runs.
    pub(crate) reporter: Option<Asked<dyn Reporter>>,
    /// Who brings runs to other processes.
    pub(crate) carrier: Option<Asked<dyn Carrier>>,
    #[cfg_attr(not(feature = "remote"), expect(dead_code, reason = "only jobs for other processes ask for it"))]
    /// Does here what flows elsewhere ask for.
    pub(crate) serve: Option<fn() -> Result<()>>,
    /// Takes down a line of the log.
    #[cfg(feature = "logging")]
    pub(crate) log: Option<fn(&LogLine<'_>)>,
    /// The process is about to end.
    pub(crate) stop: Option<fn()>,
}

#[cfg(any(feature = "nats", feature = "otel", feature = "prefect-server"))]
inventory::collect!(Engine);

#[cfg_attr(
    not(any(feature = "nats", feature = "otel", feature = "prefect-server")),
    expect(dead_code, reason = "there is no engine")
)]
impl Engine {
    /// One that can do nothing.
    pub(crate) const NONE: Self = Engine {
        reporter: None,
        carrier: None,
        serve: None,
        #[cfg(feature = "logging")]
        log: None,
        stop: None,
    };
}

/// A line of the log, and what it is about.
#[cfg(feature = "logging")]
#[allow(dead_code, reason = "what of it is read goes by which engines there are")]
pub(crate) struct LogLine<'l> {
    pub(crate) level: tracing::Level,
    pub(crate) message: &'l str,
    /// The message, and where it comes from.
    pub(crate) located: &'l str,
    /// The numbers of the flow run and the task run.
    pub(crate) flow: Option<u64>,
    pub(crate) task: Option<u64>,
    /// What another process asked for, and its number there.
    pub(crate) job: Option<(&'l str, u64)>,
    pub(crate) file: Option<&'l str>,
    pub(crate) line: Option<u64>,
}

#[cfg(any(feature = "nats", feature = "otel", feature = "prefect-server"))]
fn all() -> impl Iterator<Item = &'static Engine> {
    inventory::iter::<Engine>.into_iter()
}

#[cfg(not(any(feature = "nats", feature = "otel", feature = "prefect-server")))]
fn all() -> impl Iterator<Item = &'static Engine> {
    std::iter::empty()
}

/// Those who are told of runs, as the environment says.
pub(crate) fn reporters() -> Result<Vec<Arc<dyn Reporter>>> {
    let asked: Vec<_> = all().filter_map(|engine| engine.reporter).collect();
    if asked.is_empty() && env_text("PREFECT_API_URL").is_some() {
        let error = Error::Feature { feature: "prefect-server", what: "PREFECT_API_URL asks for reports to Prefect" };
        if prefect_settings()?.required {
            return Err(error);
        }
        static SAID: Once = Once::new();
        SAID.call_once(|| say(&format!("{error}; the run goes on")));
    }
    #[cfg(not(feature = "otel"))]
    if env_text("OTEL_EXPORTER_OTLP_ENDPOINT").or_else(|| env_text("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")).is_some() {
        // It may be set for others: no more than a word at the level of details.
        tracing::debug!(target: "pipex", "no spans are sent: pipex is built without its cargo feature `otel`");
    }
    asked.into_iter().filter_map(|reporter| reporter().transpose()).collect()
}

/// What `PIPEX_PREFECT` says.
#[derive(Default)]
pub(crate) struct PrefectSettings {
    /// A server that is not there is an error.
    pub(crate) required: bool,
    /// So many task runs of a function are shown for themselves.
    #[cfg_attr(not(feature = "prefect-server"), expect(dead_code, reason = "there is no engine that shows them"))]
    pub(crate) max_runs: Option<usize>,
}

/// What is set of how runs are reported to Prefect.
pub(crate) fn prefect_settings() -> Result<PrefectSettings> {
    let parse = |text: &str| {
        text.split(',').map(str::trim).try_fold(PrefectSettings::default(), |settings, word| {
            match word.split_once('=') {
                None if word == "required" => Some(PrefectSettings { required: true, ..settings }),
                Some(("max_runs", runs)) => {
                    Some(PrefectSettings { max_runs: Some(runs.trim().parse().ok()?), ..settings })
                }
                _ => None,
            }
        })
    };
    let expected = "required, max_runs=500 (a number of task runs), or both, separated by a comma";
    Ok(setting("PIPEX_PREFECT", expected, parse)?.unwrap_or_default())
}

/// Who brings runs to other processes, if the environment names somebody.
pub(crate) fn carrier() -> Result<Option<Arc<dyn Carrier>>> {
    let mut asked = all().filter_map(|engine| engine.carrier).peekable();
    if asked.peek().is_none() && env_text("PIPEX_NATS_URL").is_some() {
        return Err(Error::Feature { feature: "nats", what: "PIPEX_NATS_URL asks for NATS" });
    }
    asked.find_map(|carrier| carrier().transpose()).transpose()
}

#[cfg(feature = "remote")]
/// Does what flows in other processes ask for, until it is told to stop.
pub(crate) fn serve() -> Result<()> {
    match all().find_map(|engine| engine.serve) {
        Some(serve) => serve(),
        None => Err(Error::Feature { feature: "nats", what: "a worker takes tasks from NATS" }),
    }
}

/// Tells engines a line of the log.
#[cfg(feature = "logging")]
pub(crate) fn log(line: &LogLine<'_>) {
    all().filter_map(|engine| engine.log).for_each(|log| log(line));
}

/// Tells engines that the process is about to end.
pub(crate) fn stop() {
    all().filter_map(|engine| engine.stop).for_each(|stop| stop());
}
