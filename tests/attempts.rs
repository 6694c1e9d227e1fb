//! Retries, delays and timeouts.

use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pipex::{Config, Error, Mode, Output, Reporter, RunError, State, TaskRun, flow, task};

use crate::support::{Bench, files};

/// Every state that runs come into, with the number of the attempt.
#[derive(Clone, Default)]
struct States(Arc<Mutex<Vec<(State, u32)>>>);

impl States {
    fn take(&self) -> Vec<(State, u32)> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Reporter for States {
    fn task_run(&self, run: &TaskRun<'_>) {
        self.0.lock().unwrap().push((run.state, run.attempt));
    }

    fn changed(&self, run: &TaskRun<'_>) {
        self.task_run(run);
    }
}

fn prefect(states: &States) -> Config {
    Config::new().mode(Mode::Prefect).quiet(true).workers(2).reporter(states.clone())
}

/// Counts down to success.
#[derive(Clone, Default)]
struct Counter(Arc<AtomicU32>);

impl Counter {
    fn down_from(fails: u32) -> Output<Self> {
        Output::from(Counter(Arc::new(AtomicU32::new(fails))))
    }

    fn left(&self) -> u32 {
        self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).map_or(0, |left| left)
    }
}

#[task(retries = 2, retry_delay = ["1ms", "2ms"])]
fn flaky(counter: &Counter, words: Vec<String>, mut number: u32) -> Result<String, String> {
    number += 1;
    match counter.left() {
        0 => Ok(format!("{} {number}", words.join(" "))),
        left => Err(format!("{left} more times")),
    }
}

fn words() -> Vec<String> {
    vec!["it".to_owned(), "works".to_owned()]
}

#[test]
fn a_run_that_fails_is_tried_again_with_the_same_arguments() {
    let states = States::default();
    prefect(&states).scope(|| {
        let output = flaky(Counter::down_from(2), words(), 1).submit();
        assert_eq!(output.load().unwrap(), "it works 2");
    });
    assert_eq!(
        states.take(),
        [
            (State::Pending, 1),
            (State::Running, 1),
            (State::AwaitingRetry, 1),
            (State::Retrying, 2),
            (State::AwaitingRetry, 2),
            (State::Retrying, 3),
            (State::Completed, 3)
        ]
    );
}

#[test]
fn so_does_one_that_runs_in_the_callers_thread() {
    let states = States::default();
    let counter = Counter(Arc::new(AtomicU32::new(2)));
    let output = prefect(&states).scope(|| flaky(&counter, words(), 1).run()).unwrap();
    assert_eq!(output.load().unwrap(), "it works 2");
    assert_eq!(states.take().len(), 6);
}

#[test]
fn after_the_last_retry_the_last_error_counts() {
    let states = States::default();
    let error = prefect(&states).scope(|| flaky(Counter::down_from(9), words(), 1).submit().load()).unwrap_err();
    assert_eq!(format!("{error:?}"), "task run \"flaky\": 7 more times");
    assert_eq!(states.take().last(), Some(&(State::Failed, 3)));
}

#[test]
fn without_an_executor_nothing_is_tried_again() {
    let error = Bench::new().cache(|| flaky(Counter::down_from(1), words(), 1).base("b").run()).unwrap_err();
    assert!(format!("{error:?}").ends_with("1 more times"), "{error:?}");
}

fn is_busy(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::ResourceBusy
}

#[task(retries = 5, retry_if = is_busy)]
async fn picky(counter: &Counter) -> std::io::Result<u32> {
    match counter.left() {
        0 => Ok(1),
        1 => Err(std::io::ErrorKind::NotFound.into()),
        _ => Err(std::io::ErrorKind::ResourceBusy.into()),
    }
}

#[test]
fn retry_if_decides() {
    let states = States::default();
    prefect(&states).scope(|| picky(Counter::down_from(4)).submit().load()).unwrap_err();
    let states = states.take();
    let retries = states.iter().filter(|(state, _)| *state == State::Retrying).count();
    assert_eq!(retries, 3, "{states:?}");
}

#[task(retries = 1)]
fn panics_once(counter: &Counter) -> u32 {
    assert_eq!(counter.left(), 0, "not yet");
    7
}

#[test]
fn a_panic_is_tried_again() {
    let states = States::default();
    assert_eq!(prefect(&states).scope(|| panics_once(Counter::down_from(1)).submit().load()).unwrap(), 7);
}

#[task(retries = 1000000, retry_delay = exponential("1h", max = "2h", jitter = true))]
fn hopeless(told: &Mutex<Sender<()>>) -> Result<(), String> {
    let _ = told.lock().unwrap().send(());
    Err("never".to_owned())
}

#[task]
fn ok() -> u32 {
    1
}

/// Two workers; the runs that await their retries hold none.
#[flow(fail_fast = true)]
fn waiting(told: Output<Mutex<Sender<()>>>, heard: &Receiver<()>) -> pipex::Result<u32> {
    let hopeless: Vec<_> = (0..10).map(|_| hopeless(told.clone()).submit()).collect();
    hopeless.iter().for_each(|_| heard.recv().unwrap());
    let one = ok().submit().load()?;
    let _ = times_out().submit().wait();
    assert!(hopeless.iter().all(|output| output.wait().is_err()));
    Ok(one)
}

#[test]
fn what_awaits_a_retry_holds_no_worker_and_can_be_cancelled() {
    let (tell, heard) = channel();
    let states = States::default();
    assert_eq!(prefect(&states).scope(|| waiting(Output::from(Mutex::new(tell)), &heard)).unwrap(), 1);
    let cancelled = states.take().iter().filter(|(state, _)| *state == State::Cancelled).count();
    assert_eq!(cancelled, 10);
}

#[task(timeout = "20ms")]
async fn times_out() -> u32 {
    std::future::pending().await
}

#[test]
fn an_async_function_is_cancelled_when_it_times_out() {
    let states = States::default();
    let error = prefect(&states).scope(|| times_out().submit().load()).unwrap_err();
    assert_eq!(format!("{error:?}"), "task run \"times_out\": it exceeded its timeout of 20ms");
    assert_eq!(states.take().last(), Some(&(State::TimedOut, 1)));
    // In the caller's thread as well.
    prefect(&states).scope(|| times_out().run()).unwrap_err();
}

/// Goes on when it is told to, and says when it is done.
#[task(timeout = "20ms", target = "{path}/{base}.txt", save = false)]
fn late(go_on: &Mutex<Receiver<()>>, done: Sender<()>, #[target] to: &Path) -> std::io::Result<()> {
    go_on.lock().unwrap().recv().unwrap();
    std::fs::write(to, "late")?;
    done.send(()).unwrap();
    Ok(())
}

#[test]
fn what_a_function_gives_too_late_is_never_saved() {
    let bench = Bench::new();
    let (go, go_on) = channel();
    let (done, is_done) = channel();
    let config = bench.config(Mode::PrefectCache).quiet(true).workers(1);
    config.scope(|| {
        let output = late(Output::from(Mutex::new(go_on)), done).base("late").submit();
        let error = output.wait().unwrap_err();
        let Error::Task { source, .. } = &error else { panic!("{error:?}") };
        assert!(matches!(source.downcast_ref(), Some(RunError::TimedOut { .. })), "{error:?}");
        // The only worker is free.
        assert_eq!(ok().base("ok").submit().load().unwrap(), 1);
    });
    go.send(()).unwrap();
    is_done.recv().unwrap();
    let started = Instant::now();
    // It is removed after the function has returned.
    while files(bench.path()).len() > 1 && started.elapsed() < Duration::from_secs(10) {
        std::thread::yield_now();
    }
    assert_eq!(bench.files(), ["ok/ok"]);
}

#[task(timeout = "1ms")]
fn slow(millis: u64) -> u64 {
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(millis) {
        std::hint::spin_loop();
    }
    millis
}

#[test]
fn a_call_that_borrows_from_its_caller_is_told_when_it_returns() {
    let states = States::default();
    prefect(&states).scope(|| slow(5).run()).unwrap_err();
    assert_eq!(states.take().last(), Some(&(State::TimedOut, 1)));
}
