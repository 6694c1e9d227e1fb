//! Thousands that wait are small, and data go when nobody needs them any longer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipex::{Config, Mode, Output, flow, task};
use serde::{Deserialize, Serialize};

use crate::support::{Bench, Shelf, child};

#[task]
fn load(number: u64) -> Vec<f64> {
    vec![number as f64; 125_000]
}

#[task]
fn clean(values: Vec<f64>) -> Vec<f64> {
    values
}

/// Takes locations, and loads one after the other.
#[task]
fn merge(parts: Vec<Output<Vec<f64>>>) -> pipex::Result<f64> {
    parts.iter().map(|part| Ok(part.load()?[0])).sum()
}

#[test]
fn a_run_that_waits_takes_less_than_a_kilobyte() {
    // In a process of its own, since the targets of calls outside flows are in one table.
    let out = tempfile::tempdir().unwrap();
    let said = child("memory::child_waits", out.path()).output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

#[test]
#[ignore = "a child of the test above"]
fn child_waits() {
    const PAIRS: u64 = 10_000;
    let bench = Bench::new();
    let shelf = Shelf::default();
    let mut outputs = Vec::new();
    let config = bench.config(Mode::PrefectCache).executor(shelf.clone());
    let memory = allocation_counter::measure(|| {
        config.scope(|| {
            outputs
                .extend((0..PAIRS).map(|number| clean(load(number).base(format!("part-{number}")).submit()).submit()));
        });
    });
    let each = memory.bytes_current / (2 * PAIRS as i64);
    assert!((100..1_024).contains(&each), "{each} bytes for each");
}

#[flow]
fn merged(count: u64) -> pipex::Result<f64> {
    let parts: Vec<_> =
        (0..count).map(|number| clean(load(number).base(number.to_string()).submit()).submit()).collect();
    merge(parts).base("all").run()?.load()
}

/// The most memory that this process has had, in MB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmHWM:")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<f64>().unwrap() / 1024.0
}

#[test]
#[ignore = "a child of the test below"]
fn child_merges() {
    let idle = peak();
    let pairs = std::env::var("PIPEX_TESTS_PAIRS").map_or(150, |pairs| pairs.parse().unwrap());
    assert!(merged(pairs).unwrap() > 0.0);
    println!("\nmore {}", peak() - idle);
}

#[test]
fn only_what_runs_holds_data() {
    let bench = Bench::new();
    let mut child = child("memory::child_merges", bench.path());
    let said = child.env("PIPEX", "prefect.cache").env("PIPEX_WORKERS", "2").output().unwrap();
    let said = String::from_utf8(said.stdout).unwrap();
    let more: f64 = said.lines().find_map(|line| line.strip_prefix("more ")).expect(&said).parse().unwrap();
    // 150 pairs of 1 MB each.
    assert!(more < 64.0, "{more} MB");
}

static ALIVE: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);
static CLONES: AtomicUsize = AtomicUsize::new(0);

/// Counts how many there are.
#[derive(Serialize, Deserialize)]
struct Large(u64);

impl Large {
    fn new(number: u64) -> Self {
        MOST.fetch_max(ALIVE.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        Large(number)
    }
}

impl Clone for Large {
    fn clone(&self) -> Self {
        CLONES.fetch_add(1, Ordering::SeqCst);
        Large::new(self.0)
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

#[task]
fn make(number: u64) -> Large {
    Large::new(number)
}

#[task]
fn change(mut large: Large) -> Large {
    large.0 += 1;
    large
}

#[task]
fn reduce(large: &Large) -> u64 {
    large.0
}

#[flow]
fn in_memory(count: u64) -> pipex::Result<u64> {
    let numbers: Vec<_> = (0..count).map(|number| reduce(change(make(number).submit()).submit()).submit()).collect();
    numbers.iter().map(Output::load).sum()
}

#[test]
fn in_memory_a_value_goes_with_its_last_consumer() {
    let config = Config::new().mode(Mode::Prefect).quiet(true).workers(2);
    assert_eq!(config.scope(|| in_memory(1_000)).unwrap(), 1_000 * 1_001 / 2);
    assert_eq!(ALIVE.load(Ordering::SeqCst), 0);
    assert_eq!(CLONES.load(Ordering::SeqCst), 0, "each is moved to the one that takes it");
    let most = MOST.load(Ordering::SeqCst);
    assert!(most <= 20, "{most} at a time");
}

/// Whoever waits for a run and takes its value has it, the very moment the run has ended.
#[test]
fn what_is_taken_as_soon_as_it_is_there_is_moved() {
    static CLONED: AtomicUsize = AtomicUsize::new(0);
    #[derive(Serialize, Deserialize)]
    struct Moved(u64);
    impl Clone for Moved {
        fn clone(&self) -> Self {
            CLONED.fetch_add(1, Ordering::SeqCst);
            Moved(self.0)
        }
    }
    #[task]
    fn moved(number: u64) -> Moved {
        Moved(number)
    }
    let config = Config::new().mode(Mode::Prefect).quiet(true).workers(2);
    config.scope(|| {
        for number in 0..5_000 {
            assert_eq!(moved(number).submit().take().unwrap().0, number);
            // One that is held besides is cloned, and both have it.
            let shared = moved(number).submit();
            assert_eq!(shared.load().unwrap().0, number);
            assert_eq!(shared.take().unwrap().0, number);
        }
    });
    assert_eq!(CLONED.load(Ordering::SeqCst), 5_000);
}

#[flow]
fn many(count: u64) -> pipex::Result<()> {
    (0..count).for_each(|number| _ = reduce(change(make(number).submit()).submit()).submit());
    Ok(())
}

/// Counts what was submitted and has not ended.
#[derive(Clone, Default)]
struct Pending(Arc<AtomicUsize>, Arc<AtomicUsize>);

impl pipex::Reporter for Pending {
    fn task_run(&self, _: &pipex::TaskRun<'_>) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    fn changed(&self, run: &pipex::TaskRun<'_>) {
        if run.state == pipex::State::Pending {
            self.1.fetch_max(self.0.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        }
    }
}

#[test]
fn a_flow_that_submits_more_than_it_may_waits() {
    let pending = Pending::default();
    let config = Config::new().mode(Mode::Prefect).quiet(true).workers(2).reporter(pending.clone()).max_pending(50);
    config.scope(|| many(1_000)).unwrap();
    // One is being submitted, and as many as there are workers have ended without having been counted so.
    assert!(pending.1.load(Ordering::SeqCst) <= 53, "{pending:?}", pending = pending.1);
}
