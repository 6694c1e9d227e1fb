//! Thousands of task runs at once, in the order of their inputs, and nothing lost when some fail.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Barrier, Condvar, Mutex};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use pipex::store::{Claim, StoreResult};
use pipex::{Config, Error, Executor, FileStore, Local, Location, Mode, Output, Ready, State, Store, flow, task};

use crate::support::{Bench, Shelf};

#[task]
fn one(number: u64) -> u64 {
    number
}

#[task]
fn next(number: u64) -> u64 {
    number + 1
}

#[task]
fn sum(numbers: Vec<u64>) -> u64 {
    numbers.into_iter().sum()
}

#[task]
fn fails(number: u64) -> Result<u64, String> {
    Err(format!("no {number}"))
}

#[task]
fn panics(number: u64) -> u64 {
    panic!("cannot do {number}")
}

fn prefect() -> Config {
    Config::new().mode(Mode::Prefect).quiet(true)
}

/// As many workers as said, whether or not the machine has as many cores.
fn workers(workers: usize) -> Config {
    prefect().workers(workers)
}

#[flow]
fn chain(length: u64) -> pipex::Result<u64> {
    let mut last = one(0).submit();
    for _ in 0..length {
        last = next(last).submit();
    }
    last.load()
}

#[test]
fn a_chain_of_any_length() {
    assert_eq!(workers(2).scope(|| chain(100_000)).unwrap(), 100_000);
}

#[flow]
fn lazy_chain(length: u64) -> pipex::Result<u64> {
    let mut last = one(0).lazy();
    for _ in 0..length {
        last = next(last).lazy();
    }
    last.load()
}

#[test]
fn a_chain_of_lazy_runs_too() {
    assert_eq!(workers(2).scope(|| lazy_chain(100_000)).unwrap(), 100_000);
}

#[flow]
fn failing_chain(length: u64) -> pipex::Result<()> {
    let mut last = fails(0).submit();
    for _ in 0..length {
        last = next(last).submit();
    }
    Ok(())
}

#[test]
fn what_is_downstream_of_a_failure_does_not_run_and_the_flow_names_the_one_that_failed() {
    let error = workers(2).scope(|| failing_chain(10_000)).unwrap_err();
    assert!(matches!(error, Error::Unasked { count: 1, skipped: 10_000, .. }), "{error:?}");
    let error = format!("{error:?}");
    assert!(error.ends_with("task run \"fails\": no 0; 10000 did not run for it"), "{error}");
}

#[flow]
fn needs_what_fails() -> pipex::Result<()> {
    // Nobody submitted it, and yet a run that was submitted did not run for it.
    let lazy = fails(3).base("lazy").lazy();
    let _ = next(lazy.clone()).base("a").submit();
    let _ = next(lazy).base("b").submit();
    Ok(())
}

#[test]
fn a_lazy_run_that_fails_is_told_once_when_a_submitted_one_needs_it() {
    for mode in [Mode::Cache, Mode::Prefect, Mode::PrefectCache] {
        let error = Bench::new().config(mode).quiet(true).scope(needs_what_fails).unwrap_err();
        assert!(matches!(error, Error::Unasked { count: 1, skipped: 2, .. }), "{mode}: {error:?}");
    }
}

#[flow]
fn wide(width: u64) -> pipex::Result<u64> {
    let numbers: Vec<_> = (0..width).map(|number| next(one(number).submit()).submit()).collect();
    sum(numbers).submit().load()
}

#[test]
fn thousands_at_once() {
    let width = 5_000;
    for workers_ in [1, 2, 7] {
        assert_eq!(workers(workers_).scope(|| wide(width)).unwrap(), width * (width + 1) / 2);
    }
}

/// How many run, and how many did at most.
static RUNNING: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[task]
fn counted(number: u64) -> u64 {
    let running = RUNNING.fetch_add(1, Ordering::SeqCst) + 1;
    MOST.fetch_max(running, Ordering::SeqCst);
    std::thread::yield_now();
    RUNNING.fetch_sub(1, Ordering::SeqCst);
    number
}

#[flow]
fn counts(width: u64) -> pipex::Result<()> {
    for number in 0..width {
        let _ = counted(number).submit();
        // In the flow's own thread, and yet one of those that are counted.
        counted(number).run()?;
    }
    Ok(())
}

#[test]
fn never_more_at_a_time_than_there_are_workers() {
    workers(3).scope(|| counts(500)).unwrap();
    assert!((1..=3).contains(&MOST.load(Ordering::SeqCst)), "{MOST:?}");
}

#[task]
fn meets(barrier: Output<Arc<Barrier>>) {
    barrier.load().unwrap().wait();
}

#[flow]
fn meeting(count: usize) -> pipex::Result<()> {
    let barrier = Output::from(Arc::new(Barrier::new(count)));
    (0..count).for_each(|_| _ = meets(barrier.clone()).submit());
    Ok(())
}

#[test]
fn as_many_at_a_time_as_there_are_workers() {
    // None of them ends before all of them run.
    workers(5).scope(|| meeting(5)).unwrap();
}

/// Calls itself, in every way there is.
#[task]
fn nested(depth: u64) -> pipex::Result<u64> {
    if depth == 0 {
        return Ok(0);
    }
    let inner = nested(depth - 1);
    Ok(1 + match depth % 3 {
        0 => inner.run()?.load()?,
        1 => inner.submit().load()?,
        _ => inner.lazy().load()?,
    })
}

#[flow]
fn nests(depth: u64) -> pipex::Result<u64> {
    let outputs: Vec<_> = (0..4).map(|_| nested(depth).submit()).collect();
    sum(outputs).run()?.load()
}

#[test]
fn runs_within_runs_never_wait_for_ever() {
    for workers_ in [1, 2] {
        assert_eq!(workers(workers_).scope(|| nests(30)).unwrap(), 120);
    }
}

#[task]
fn whole_flow(width: u64) -> pipex::Result<u64> {
    wide(width)
}

#[flow]
fn flow_of_flows() -> pipex::Result<u64> {
    let outputs: Vec<_> = (0..10).map(|_| whole_flow(20).submit()).collect();
    Ok(sum(outputs).run()?.load()? + wide(20)?)
}

#[test]
fn flows_within_flows_and_within_tasks() {
    for workers_ in [1, 2] {
        assert_eq!(workers(workers_).scope(flow_of_flows).unwrap(), 11 * 210);
    }
}

#[test]
fn several_flows_at_once_share_the_workers() {
    let config = workers(2);
    let sums: Vec<u64> = std::thread::scope(|scope| {
        let start = |_| {
            let config = config.clone();
            scope.spawn(|| config.scope(|| wide(300)).unwrap())
        };
        let threads: Vec<_> = (0..6).map(start).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(sums, [300 * 301 / 2; 6]);
}

#[flow]
fn mixed() -> pipex::Result<u64> {
    let bad = panics(7).submit();
    let never = next(bad.clone()).submit();
    let good = next(1).submit();
    assert!(never.load().unwrap_err().to_string().contains("next"));
    let error = format!("{:?}", bad.load().unwrap_err());
    assert_eq!(error, "task run \"panics\": the function panicked: cannot do 7");
    good.load()
}

#[test]
fn a_panic_stops_only_what_depends_on_it() {
    let bench = Bench::new();
    let config = bench.config(Mode::Prefect).quiet(true).workers(2);
    assert_eq!(config.scope(mixed).unwrap(), 2);
    let mut states = bench.states();
    states.sort_by_key(|(name, state)| (*name, format!("{state:?}")));
    assert_eq!(states, [("next", State::Completed), ("next", State::NotReady), ("panics", State::Crashed)]);
}

#[flow]
fn early(count: u64) -> pipex::Result<()> {
    for number in 0..count {
        let _ = one(number).base(number.to_string()).submit();
    }
    fails(1).base("f").run()?;
    unreachable!("the line above returns")
}

#[test]
fn a_flow_that_returns_early_still_runs_what_it_submitted() {
    let bench = Bench::new();
    let error = bench.config(Mode::PrefectCache).quiet(true).scope(|| early(50)).unwrap_err();
    assert!(format!("{error:?}").ends_with("no 1"), "{error:?}");
    assert_eq!(bench.files().len(), 50);
}

#[flow(fail_fast = true)]
fn fast(count: u64) -> pipex::Result<()> {
    let _ = fails(0).submit().wait();
    (0..count).for_each(|number| _ = one(number).submit());
    Ok(())
}

#[test]
fn fail_fast_starts_nothing_more() {
    let bench = Bench::new();
    let error = bench.config(Mode::Prefect).quiet(true).scope(|| fast(20)).unwrap_err();
    let error = format!("{error:?}");
    assert!(error.contains("1 submitted task run failed, unasked: task run \"one\": it did not run"), "{error}");
    assert!(error.ends_with("; 19 did not run for it"), "{error}");
    let states = bench.states();
    assert_eq!(states[0], ("fails", State::Failed));
    assert_eq!(states[1..], [("one", State::Cancelled); 20]);
}

static ORDER: Mutex<Vec<&str>> = Mutex::new(Vec::new());

#[task]
fn says(word: &'static str) {
    ORDER.lock().unwrap().push(word);
}

#[flow]
fn ordered() -> pipex::Result<()> {
    let first = says("first").lazy();
    let second = says("second").wait_for(&first).submit();
    let third = says("third").wait_for(&[second.clone(), first]).submit();
    assert!(one(1).wait_for(&fails(2).submit()).submit().wait().is_err());
    third.wait()
}

#[test]
fn a_run_waits_for_what_it_is_told_to() {
    workers(2).scope(ordered).unwrap();
    assert_eq!(*ORDER.lock().unwrap(), ["first", "second", "third"]);
}

#[test]
fn submit_returns_at_once_and_an_executor_of_the_users_own_decides() {
    let shelf = Shelf::default();
    prefect().executor(shelf.clone()).scope(|| {
        let number = next(one(1).submit()).submit();
        assert!(format!("{number:?}").contains("not run yet"));
        while let Some(ready) = { shelf.0.lock().unwrap().pop() } {
            ready.run_here();
        }
        assert_eq!(number.load().unwrap(), 2);
    });
}

#[test]
fn what_an_executor_drops_ends_as_crashed() {
    struct Drops;
    impl Executor for Drops {
        fn submit(&self, ready: Ready) {
            drop(ready);
        }
    }
    let error = prefect().executor(Drops).scope(|| one(1).submit().load()).unwrap_err();
    assert!(format!("{error:?}").contains("was dropped"), "{error:?}");
}

#[task(tags = ["db"])]
fn query(number: u64) -> u64 {
    static IN_DB: AtomicUsize = AtomicUsize::new(0);
    assert_eq!(IN_DB.fetch_add(1, Ordering::SeqCst), 0, "two at a time");
    std::thread::yield_now();
    IN_DB.fetch_sub(1, Ordering::SeqCst);
    number
}

#[task]
fn queries(number: u64) -> pipex::Result<u64> {
    let inner = query(number).submit();
    query(number).run()?;
    inner.load()
}

#[flow]
fn database(count: u64) -> pipex::Result<u64> {
    let mut all: Vec<_> = (0..count).map(|number| query(number).submit()).collect();
    all.extend((0..count).map(|number| queries(number).submit()));
    query(1).run()?;
    sum(all).run()?.load()
}

#[test]
fn a_tags_limit_holds_wherever_the_call_is_made() {
    let config = prefect().executor(Local::new().workers(4).limit("db", 1));
    assert_eq!(config.scope(|| database(50)).unwrap(), 50 * 49);
}

/// Opens once, for all.
#[derive(Default)]
pub struct Gate(Mutex<bool>, Condvar);

impl Gate {
    pub fn pass(&self) {
        drop(self.1.wait_while(self.0.lock().unwrap(), |open| !*open).unwrap());
    }

    pub fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }
}

#[task(tags = ["db"])]
fn tagged(started: &Sender<&'static str>, gate: &Arc<Gate>) {
    started.send("tagged").unwrap();
    gate.pass();
}

#[task]
fn untagged(started: &Sender<&'static str>, gate: &Arc<Gate>) {
    started.send("untagged").unwrap();
    gate.pass();
}

#[task(tags = ["db"])]
fn tagged_too() -> u64 {
    1
}

/// Opens the gate when what it calls waits.
#[task]
async fn opens(gate: &Arc<Gate>) -> pipex::Result<u64> {
    let mut call = tagged_too().into_future();
    let called = poll_fn(|context| {
        let polled = call.as_mut().poll(context);
        if polled.is_pending() {
            gate.open();
        }
        polled
    });
    called.await?.load()
}

#[test]
fn an_async_body_waits_for_a_tag_that_another_run_gives_back() {
    let (tell, started) = channel();
    let gate = Output::from(Arc::new(Gate::default()));
    prefect().executor(Local::new().workers(2).limit("db", 1)).scope(|| {
        let holds = tagged(Output::from(tell), gate.clone()).submit();
        started.recv().unwrap();
        assert_eq!(opens(gate).submit().load().unwrap(), 1);
        holds.wait().unwrap();
    });
}

/// The first three that run, of three tagged runs and an untagged one behind them.
fn first_three(local: &Local) -> Vec<&'static str> {
    let (tell, started) = channel();
    let gate = Arc::new(Gate::default());
    let (tell, held) = (Output::from(tell), Output::from(Arc::clone(&gate)));
    prefect().executor(local.clone()).scope(|| {
        let mut runs: Vec<_> = (0..3).map(|_| tagged(tell.clone(), held.clone()).submit()).collect();
        runs.push(untagged(tell.clone(), held.clone()).submit());
        let mut first: Vec<_> = (0..3).map(|_| started.recv().unwrap()).collect();
        gate.open();
        runs.iter().for_each(|run| run.wait().unwrap());
        first.sort_unstable();
        first
    })
}

#[test]
fn what_is_built_on_a_clone_leaves_the_original_as_it_is() {
    let limited = Local::new().workers(3).limit("db", 2);
    let _ = limited.clone().workers(5);
    assert_eq!(first_three(&limited), ["tagged", "tagged", "untagged"], "it still has its limit");

    let free = Local::new().workers(3);
    let _ = free.clone().limit("db", 1);
    assert_eq!(first_three(&free), ["tagged", "tagged", "tagged"], "it has none");

    // Also once it has run.
    let _ = limited.clone().limit("db", 3);
    assert_eq!(first_three(&limited), ["tagged", "tagged", "untagged"]);
    assert_eq!(first_three(&limited.clone().limit("db", 3)), ["tagged", "tagged", "tagged"]);
}

#[test]
fn clones_share_their_workers() {
    let one = Local::new().workers(1);
    let (tell, started) = channel();
    let gate = Arc::new(Gate::default());
    let (tell, held) = (Output::from(tell), Output::from(Arc::clone(&gate)));
    let first = prefect().executor(one.clone()).scope(|| tagged(tell.clone(), held.clone()).submit());
    assert_eq!(started.recv().unwrap(), "tagged");
    let second = prefect().executor(one).scope(|| untagged(tell, held).submit());
    assert!(started.try_recv().is_err(), "the only worker is held");
    gate.open();
    first.wait().and(second.wait()).unwrap();
}

/// A store that is far away: each look takes a millisecond.
struct Far;

/// Who has looked there.
static LOOKED: Mutex<Vec<ThreadId>> = Mutex::new(Vec::new());

impl Store<u64> for Far {
    fn exists(&self, target: &Location) -> StoreResult<bool> {
        LOOKED.lock().unwrap().push(thread::current().id());
        let began = Instant::now();
        while began.elapsed() < Duration::from_millis(1) {
            std::hint::spin_loop();
        }
        Ok(target.path().try_exists()?)
    }

    fn load(&self, target: &Location) -> StoreResult<u64> {
        FileStore.load(target)
    }

    fn save(&self, claim: Claim, value: &u64) -> StoreResult<u64> {
        FileStore.save(claim, value)
    }

    fn remove(&self, target: &Location) -> StoreResult<()> {
        Store::<u64>::remove(&FileStore, target)
    }
}

#[task(target = "{path}/{number}", store = Far)]
fn far(number: u64) -> u64 {
    number
}

#[test]
fn looks_that_take_their_time_are_taken_by_workers_and_not_by_who_submits() {
    #[flow]
    fn flow(count: u64) -> pipex::Result<()> {
        (0..count).for_each(|number| drop(far(number).submit()));
        Ok(())
    }
    let bench = Bench::new();
    let config = || bench.config(Mode::PrefectCache).workers(2);
    config().scope(|| flow(100)).unwrap();
    assert_eq!(std::mem::take(&mut *LOOKED.lock().unwrap()).len(), 200, "before the claim and with it");
    config().scope(|| flow(100)).unwrap();
    let looked = std::mem::take(&mut *LOOKED.lock().unwrap());
    assert_eq!(looked.len(), 100);
    let here = looked.iter().filter(|thread| **thread == thread::current().id()).count();
    assert!(here <= 2, "{here} looks kept the flow from submitting");
}
