//! Log lines: of pipex, of tasks, and of crates that log by `log`.

use crate::run::engine::{self, LogLine};
use crate::run::logged::{self, LoggedLine};
use pipex_format::environment::env_text;
use std::fmt::{self, Write as _};
use std::io::{self, Write as _};
use std::sync::{PoisonError, RwLock};

use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_log::NormalizeEvent as _;
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, Filter, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Writes log lines to stderr, as Prefect's users know them:
///
/// ```text
/// 14:03:07.482 | INFO    | Task run 'clean EWR-7' - 3 rows dropped  (src/steps.rs:41)
/// ```
///
/// What is logged in a task's body, by `tracing` or by `log`, carries the name of its run, on whatever thread it runs. The
/// environment variable `PIPEX_LOG` has a level (`error`, `warn`, `info`, `debug`, `trace`, `off`; without it `info`), which
/// holds for pipex and for the program's own crate; other crates only warn, until they are named:
/// `PIPEX_LOG=debug,hyper=info`.
///
/// The first and last lines of each task run are in the [journal](crate::journal) as well, where `pipex show` and `pipex ui` find
/// them.
///
/// If the program has set a subscriber already, it stays, and nothing happens; see [`layer`].
///
/// ```
/// pipex::logging::init();
/// tracing::info!("ready");
/// ```
pub fn init() {
    let _ = tracing_subscriber::registry().with(layer()).try_init();
}

/// The same as a layer, for programs that put their own subscriber together.
#[must_use]
pub fn layer<S: Subscriber + for<'s> LookupSpan<'s>>() -> impl Layer<S> {
    let setting = env_text("PIPEX_LOG").unwrap_or_default();
    let levels = Levels::parse(&setting).unwrap_or_else(|mistake| {
        let what = "a level (error, warn, info, debug, trace, off), crates with levels (hyper=info), or both";
        write(&format!("pipex: PIPEX_LOG={setting}: {mistake:?} is no level: write {what}, separated by commas\n"));
        Levels::default()
    });
    Lines { write }.with_filter(levels)
}

/// The crates that belong to the program: those whose flows have started.
static OWN: RwLock<Vec<&'static str>> = RwLock::new(Vec::new());

/// Makes known that this module's crate belongs to the program.
pub(crate) fn own(module: &'static str) {
    let name = crate_name(module);
    if is_own(name) {
        return;
    }
    OWN.write().unwrap_or_else(PoisonError::into_inner).push(name);
    tracing::callsite::rebuild_interest_cache();
}

fn is_own(name: &str) -> bool {
    name == "pipex" || OWN.read().unwrap_or_else(PoisonError::into_inner).contains(&name)
}

fn crate_name(module: &str) -> &str {
    module.split("::").next().unwrap_or(module)
}

/// The crate that is named like the executable: `target/debug/deps/my_crate-0123456789abcdef` is `my_crate`.
fn executable() -> Option<String> {
    let path = std::env::current_exe().ok()?;
    let name = path.file_stem()?.to_str()?.replace('-', "_");
    let hashed = |(_, hash): &(&str, &str)| hash.len() == 16 && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
    Some(name.rsplit_once('_').filter(hashed).map_or(name.clone(), |(name, _)| name.to_owned()))
}

/// Which lines are written.
struct Levels {
    own: LevelFilter,
    executable: Option<String>,
    named: Vec<(String, LevelFilter)>,
}

impl Default for Levels {
    fn default() -> Self {
        Levels { own: LevelFilter::INFO, executable: executable(), named: Vec::new() }
    }
}

impl Levels {
    /// What cannot be read is the error.
    fn parse(setting: &str) -> Result<Self, String> {
        let mut levels = Levels::default();
        for part in setting.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, level) = part.split_once('=').map_or((None, part), |(name, level)| (Some(name.trim()), level));
            let level = level.trim().parse().map_err(|_| part.to_owned())?;
            match name {
                Some(name) => levels.named.push((name.replace('-', "_"), level)),
                None => levels.own = level,
            }
        }
        Ok(levels)
    }

    fn allows(&self, target: &str, level: Level) -> bool {
        let name = crate_name(target);
        let limit = match self.named.iter().rev().find(|(named, _)| named == name) {
            Some((_, limit)) => *limit,
            None if self.executable.as_deref() == Some(name) || is_own(name) => self.own,
            None => self.own.min(LevelFilter::WARN),
        };
        level <= limit
    }

    /// The spans of runs are always needed: lines take their names from them.
    fn shows(&self, metadata: &Metadata<'_>) -> bool {
        is_run(metadata) || self.allows(metadata.target(), *metadata.level())
    }
}

impl<S> Filter<S> for Levels {
    fn enabled(&self, metadata: &Metadata<'_>, _: &Context<'_, S>) -> bool {
        self.shows(metadata)
    }

    fn callsite_enabled(&self, metadata: &'static Metadata<'static>) -> Interest {
        if metadata.target() == "log" {
            // What comes by `log` all comes from one place.
            Interest::sometimes()
        } else if self.shows(metadata) {
            Interest::always()
        } else {
            Interest::never()
        }
    }
}

struct Lines {
    write: fn(&str),
}

/// The run that a span of pipex is about.
struct SpanRun {
    kind: &'static str,
    name: String,
    number: u64,
    file: Option<String>,
    line: Option<u64>,
}

/// What an event happened in.
#[derive(Default)]
#[cfg_attr(not(any(feature = "nats", feature = "prefect-server")), allow(dead_code))]
struct EventScope {
    named: Option<String>,
    place: Option<(Option<String>, Option<u64>)>,
    task: Option<u64>,
    flow: Option<u64>,
    /// The job of a flow in another process: that one's name, and its number there.
    job: Option<(String, u64)>,
}

impl EventScope {
    fn read<S: Subscriber + for<'s> LookupSpan<'s>>(event: &Event<'_>, context: &Context<'_, S>) -> Self {
        let mut around = EventScope::default();
        for span in context.event_scope(event).into_iter().flatten() {
            let extensions = span.extensions();
            let Some(SpanRun { kind, name, number, file, line }) = extensions.get() else { continue };
            match *kind {
                "job" => around.job = Some((name.clone(), *number)),
                "task" => _ = around.task.get_or_insert(*number),
                _ => _ = around.flow.get_or_insert(*number),
            }
            if around.named.is_none() && *kind != "job" {
                let kind = if *kind == "task" { "Task" } else { "Flow" };
                around.named = Some(format!("{kind} run '{name}'"));
                around.place = Some((file.clone(), *line));
            }
        }
        around
    }
}

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id).filter(|span| is_run(span.metadata())) else { return };
        let mut fields = FieldVisitor::default();
        attributes.record(&mut fields);
        let FieldVisitor { name, number, file, line, .. } = fields;
        span.extensions_mut().insert(SpanRun { kind: span.name(), name, number, file, line });
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let normalized = event.normalized_metadata();
        let metadata = normalized.as_ref().unwrap_or_else(|| event.metadata());
        let mut fields = FieldVisitor::default();
        event.record(&mut fields);
        let mut text = jiff::ZonedDateTime::now().strftime("%H:%M:%S%.3f").to_string();
        let _ = write!(text, " | {:<7} | ", level(*metadata.level()));
        let mut place = (metadata.file().map(str::to_owned), metadata.line().map(u64::from));
        let around = EventScope::read(event, &context);
        // What pipex says of a run is about the user's function.
        if let (Some(of_run), "pipex" | "pipex::shell") = (around.place, metadata.target()) {
            place = of_run;
        }
        if fields.file.is_some() {
            place = (fields.file, fields.line);
        }
        text.push_str(around.named.as_deref().unwrap_or_else(|| crate_name(metadata.target())));
        let begins = text.len() + " - ".len();
        text.push_str(" - ");
        // No message can make itself look like another line.
        for (number, part) in fields.message.trim_end().split('\n').enumerate() {
            text.push_str(if number == 0 { "" } else { "\n    " });
            text.extend(part.chars().filter(|c| !c.is_control() || *c == '\t'));
        }
        text.extend(fields.others.chars().map(|c| if c.is_control() { ' ' } else { c }));
        let ends = text.len();
        let (file, line) = place;
        if let (Some(file), Some(line)) = (&file, line) {
            let _ = write!(text, "  ({file}:{line})");
        }
        engine::log(&LogLine {
            level: *metadata.level(),
            message: &text[begins..ends],
            located: &text[begins..],
            flow: around.flow,
            task: around.task,
            job: around.job.as_ref().map(|(flow, number)| (flow.as_str(), *number)),
            file: file.as_deref(),
            line,
        });
        // What pipex says of a run, the journal has anyway.
        if let (Some(task), true) = (around.task, metadata.target() != "pipex") {
            let place = file.as_deref().zip(line).map(|(file, line)| format!("{file}:{line}"));
            logged::keep(task, LoggedLine::new(*metadata.level(), &text[begins..ends], place));
        }
        text.push('\n');
        (self.write)(&text);
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        // What is logged when the journal has its line, after a timeout for example, nobody takes.
        let Some(span) = context.span(&id).filter(|span| is_run(span.metadata())) else { return };
        if let Some(SpanRun { kind: "task", number, .. }) = span.extensions().get() {
            logged::take(*number).for_each(drop);
        }
    }
}

fn is_run(metadata: &Metadata<'_>) -> bool {
    metadata.is_span() && metadata.target() == "pipex" && matches!(metadata.name(), "task" | "flow" | "job")
}

/// A level as Prefect's users know it.
fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "ERROR",
        Level::WARN => "WARNING",
        Level::INFO => "INFO",
        Level::DEBUG => "DEBUG",
        Level::TRACE => "TRACE",
    }
}

/// Writes a whole line at once; a closed stderr is no reason to stop.
fn write(line: &str) {
    pipex_format::say::write_aside(|| _ = io::stderr().write_all(line.as_bytes()));
}

#[derive(Default)]
struct FieldVisitor {
    message: String,
    name: String,
    number: u64,
    file: Option<String>,
    line: Option<u64>,
    others: String,
}

impl Visit for FieldVisitor {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "line" => self.line = Some(value),
            "number" => self.number = value,
            _ => self.record_debug(field, &value),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => value.clone_into(&mut self.message),
            "name" => value.clone_into(&mut self.name),
            "file" => self.file = Some(value.to_owned()),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        match field.name() {
            "message" => self.message = format!("{value:?}"),
            // Of `log`'s records these have been told.
            name if name.starts_with("log.") => {}
            name => _ = write!(self.others, "  {name}={value:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    static WRITTEN: Mutex<String> = Mutex::new(String::new());

    fn lines(log: impl FnOnce()) -> Vec<String> {
        let write = |line: &str| WRITTEN.lock().unwrap().push_str(line);
        let levels = Levels::parse("debug,quiet=off,other=info").unwrap();
        let subscriber = tracing_subscriber::registry().with(Lines { write }.with_filter(levels));
        tracing::subscriber::with_default(subscriber, log);
        let written = std::mem::take(&mut *WRITTEN.lock().unwrap());
        // Without the time.
        written.lines().map(|line| line.get(15..).unwrap_or(line).to_owned()).collect()
    }

    #[test]
    fn a_line_has_level_run_message_and_place() {
        let here = lines(|| {
            let flow = tracing::info_span!(target: "pipex", "flow", name = "year");
            let task = tracing::info_span!(target: "pipex", parent: &flow, "task", name = "clean EWR-7");
            flow.in_scope(|| tracing::info!("begins"));
            task.in_scope(|| {
                tracing::warn!(rows = 3, "dropped");
                tracing::error!(target: "pipex", file = "src/steps.rs", line = 41_u32, "failed\n12:00:00 | INFO\x1b[2J");
            });
            tracing::debug!(target: "other::module", "not this");
            tracing::info!(target: "other::module", "this");
            tracing::error!(target: "quiet", "nor this");
            tracing::info!(target: "unnamed", "nor this");
            tracing::warn!(target: "unnamed", "but this");
        });
        let file = file!();
        assert!(here[0].starts_with(&format!("INFO    | Flow run 'year' - begins  ({file}:")), "{here:?}");
        assert!(here[1].starts_with("WARNING | Task run 'clean EWR-7' - dropped  rows=3  ("), "{here:?}");
        assert_eq!(here[2], "ERROR   | Task run 'clean EWR-7' - failed");
        assert!(here[3].ends_with("INFO[2J  (src/steps.rs:41)") && !here[3].contains('\x1b'), "{here:?}");
        assert!(here[4].starts_with("INFO    | other - this"), "{here:?}");
        assert!(here[5].starts_with("WARNING | unnamed - but this"), "{here:?}");
        assert_eq!(here.len(), 6);
    }

    #[test]
    fn levels_hold_for_the_programs_own_crates() {
        let levels = Levels::parse("trace").unwrap();
        assert!(!levels.allows("a_crate_of_the_program::steps", Level::INFO));
        own("a_crate_of_the_program::flows");
        assert!(levels.allows("a_crate_of_the_program::steps", Level::TRACE));
        let off = Levels::parse("off, my-crate = warn").unwrap();
        assert!(off.allows("my_crate::x", Level::WARN) && !off.allows("my_crate", Level::INFO));
        assert!(!off.allows("pipex", Level::ERROR) && !off.allows("hyper", Level::ERROR));
    }

    #[test]
    fn what_is_no_level_is_named() {
        assert_eq!(Levels::parse("info,hyper=loud").err(), Some("hyper=loud".to_owned()));
        assert_eq!(Levels::parse("verbose").err(), Some("verbose".to_owned()));
    }
}
