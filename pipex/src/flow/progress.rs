//! A bar for each task function, on a terminal.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::run::report::{FlowRun, Reporter, TaskRun};
use pipex_format::model::state::State;
use pipex_format::model::task::Task;
use pipex_format::say;

/// At most so many redraws a second.
const REDRAWS: u8 = 10;

/// The bars of this process. On what is no terminal nothing is drawn.
static BARS: LazyLock<MultiProgress> =
    LazyLock::new(|| MultiProgress::with_draw_target(ProgressDrawTarget::stderr_with_hz(REDRAWS)));

/// Shows a bar for each task function: how many of its runs have ended, and when all will have.
///
/// Flow runs show it by themselves, in every mode but `do_nothing`, unless they are [quiet](crate::Config::quiet). Only on a
/// terminal.
#[derive(Debug, Clone)]
pub struct Progress(Option<Arc<Functions>>);

#[derive(Debug)]
struct Functions {
    bars: MultiProgress,
    /// By the task functions' addresses.
    functions: Mutex<HashMap<usize, Arc<FunctionBar>>>,
}

/// What is known of the runs of a task function.
#[derive(Debug)]
struct FunctionBar {
    bar: ProgressBar,
    submitted: AtomicU64,
    counts: Arc<BarCounts>,
}

#[derive(Debug, Default)]
struct BarCounts {
    running: AtomicU64,
    completed: AtomicU64,
    cached: AtomicU64,
    failed: AtomicU64,
}

impl Progress {
    /// One that shows nothing yet.
    #[must_use]
    pub fn new() -> Self {
        let shown = (!BARS.is_hidden()).then(|| {
            // Lines for people do not go into the bars.
            say::write_within(|write| BARS.suspend(write));
            Self::with(BARS.clone())
        });
        Progress(shown)
    }

    fn with(bars: MultiProgress) -> Arc<Functions> {
        Arc::new(Functions { bars, functions: Mutex::default() })
    }
}

impl Default for Progress {
    fn default() -> Self {
        Self::new()
    }
}

impl Functions {
    fn all(&self) -> MutexGuard<'_, HashMap<usize, Arc<FunctionBar>>> {
        self.functions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn find_or_add(&self, task: &'static Task) -> Arc<FunctionBar> {
        let new = || Arc::new(FunctionBar::new(self.bars.add(ProgressBar::new(0)), task.funcname));
        Arc::clone(self.all().entry(std::ptr::from_ref(task).addr()).or_insert_with(new))
    }
}

impl FunctionBar {
    /// Its bar draws itself, whether or not anything happens.
    fn new(bar: ProgressBar, name: &'static str) -> Self {
        let counts = Arc::new(BarCounts::default());
        let style = ProgressStyle::with_template("{prefix:16} {bar:24} {pos:>6}/{len:<6} {counts}  {eta:>4}");
        let shown = Arc::clone(&counts);
        let counted = move |_: &ProgressState, text: &mut dyn Write| _ = write!(text, "{shown}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()).with_key("counts", counted));
        bar.set_prefix(name);
        bar.enable_steady_tick(Duration::from_secs(1) / u32::from(REDRAWS));
        FunctionBar { bar, submitted: AtomicU64::new(0), counts }
    }
}

impl fmt::Display for BarCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let [completed, cached, failed, running] =
            [&self.completed, &self.cached, &self.failed, &self.running].map(count);
        write!(f, "{completed} done, {cached} cached, {failed} failed, {running} running")
    }
}

impl Reporter for Progress {
    fn task_run(&self, run: &TaskRun<'_>) {
        let Some(functions) = &self.0 else { return };
        let function = functions.find_or_add(run.task);
        let counts = &function.counts;
        let ended = match run.state {
            State::Completed => &counts.completed,
            State::Cached => &counts.cached,
            _ => &counts.failed,
        };
        ended.fetch_add(1, Ordering::Relaxed);
        // What was skipped never ran.
        if !matches!(run.state, State::Cached | State::NotReady | State::Cancelled) {
            let _ = counts.running.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |running| running.checked_sub(1));
        }
        function.bar.inc(1);
        // What runs in the flow's own thread was never submitted.
        let position = function.bar.position();
        if position > function.submitted.load(Ordering::Relaxed) {
            function.bar.set_length(position);
        }
    }

    fn changed(&self, run: &TaskRun<'_>) {
        let Some(functions) = &self.0 else { return };
        let function = functions.find_or_add(run.task);
        match run.state {
            State::Pending => {
                let submitted = function.submitted.fetch_add(1, Ordering::Relaxed) + 1;
                function.bar.set_length(submitted.max(function.bar.position()));
            }
            State::Running | State::Retrying => _ = function.counts.running.fetch_add(1, Ordering::Relaxed),
            _ => _ = function.counts.running.fetch_sub(1, Ordering::Relaxed),
        }
    }

    fn flow_ended(&self, run: &FlowRun<'_>) {
        let Some(functions) = self.0.as_ref().filter(|_| run.depth == 0) else { return };
        for (_, function) in functions.all().drain() {
            function.bar.finish_and_clear();
            functions.bars.remove(&function.bar);
        }
    }
}

#[cfg(test)]
mod tests {
    use indicatif::InMemoryTerm;

    use super::*;
    use crate::{Config, Mode, task};

    #[task]
    fn clean(number: u32) -> Result<u32, String> {
        if number < 2 { Ok(number) } else { Err("too large".to_owned()) }
    }

    #[test]
    fn a_line_a_function_says_how_many_are_done() {
        let terminal = InMemoryTerm::new(5, 100);
        let bars = MultiProgress::with_draw_target(ProgressDrawTarget::term_like(Box::new(terminal.clone())));
        let progress = Progress(Some(Progress::with(bars)));
        Config::new().mode(Mode::Prefect).quiet(true).reporter(progress.clone()).scope(|| {
            let outputs: Vec<_> = (0..3).map(|number| clean(number).submit()).collect();
            outputs.iter().for_each(|output| _ = output.wait());
            for function in progress.0.as_ref().unwrap().all().values() {
                function.bar.force_draw();
            }
            let shown = terminal.contents();
            assert!(shown.starts_with("clean ") && shown.contains("3/3"), "{shown}");
            assert!(shown.contains("2 done, 0 cached, 1 failed, 0 running"), "{shown}");
        });
        static FLOW: crate::Flow = pipex_format::model::flow::Flow::new("year", "weather", "weather.rs", 1);
        progress.flow_ended(&FlowRun {
            flow: &FLOW,
            depth: 0,
            number: 1,
            outer: None,
            parameters: &[],
            state: None,
            error: None,
            handle: None,
        });
        assert_eq!(terminal.contents(), "", "it goes when the flow has ended");
    }
}
