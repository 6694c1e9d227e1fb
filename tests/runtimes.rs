//! The executor in every runtime, in none, and in one within another.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipex::{Config, Mode, Output, State, flow, task};
use tokio::sync::{Barrier, Notify};

use crate::support::{Bench, await_a_timer};

#[task]
async fn fetch(number: u64) -> u64 {
    await_a_timer().await;
    number
}

#[task]
fn double(number: u64) -> u64 {
    2 * number
}

#[task]
async fn sum(numbers: Vec<u64>) -> u64 {
    tokio::task::yield_now().await;
    numbers.into_iter().sum()
}

#[flow]
fn sync_flow(count: u64) -> pipex::Result<u64> {
    let doubled: Vec<_> = (0..count).map(|number| double(fetch(number).submit()).submit()).collect();
    fetch(1).run()?;
    sum(doubled).submit().load()
}

#[flow]
async fn async_flow(count: u64) -> pipex::Result<u64> {
    let doubled: Vec<_> = (0..count).map(|number| double(fetch(number).submit()).submit()).collect();
    fetch(1).await?;
    double(1).submit().await?;
    sum(doubled).submit().await?.load()
}

/// A runtime in a task of a runtime.
#[task]
fn nested() -> pipex::Result<u64> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { Ok(sync_flow(5)? + async_flow(5).await?) })
}

fn prefect(workers: usize) -> Config {
    Config::new().mode(Mode::Prefect).workers(workers).quiet(true)
}

#[test]
fn in_plain_main() {
    for workers in [1, 3] {
        assert_eq!(prefect(workers).scope(|| sync_flow(40)).unwrap(), 40 * 39);
        assert_eq!(prefect(workers).scope(|| nested().submit().load()).unwrap(), 2 * 20);
    }
}

#[tokio::test]
async fn in_a_current_thread_runtime() {
    assert_eq!(prefect(2).scope(|| sync_flow(40)).unwrap(), 40 * 39);
    assert_eq!(prefect(2).scope_async(async_flow(40)).await.unwrap(), 40 * 39);
    assert_eq!(prefect(1).scope_async(async { nested().submit().await?.load() }).await.unwrap(), 2 * 20);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn in_a_multi_thread_runtime() {
    assert_eq!(prefect(2).scope(|| sync_flow(40)).unwrap(), 40 * 39);
    let config = prefect(2);
    let flows: Vec<_> = (0..4).map(|_| tokio::spawn(config.clone().scope_async(async_flow(40)))).collect();
    for flow in flows {
        assert_eq!(flow.await.unwrap().unwrap(), 40 * 39);
    }
}

#[task]
async fn meets(barrier: Output<Arc<Barrier>>) {
    barrier.load().unwrap().wait().await;
}

#[flow]
fn meeting(count: usize) -> pipex::Result<()> {
    let barrier = Output::from(Arc::new(Barrier::new(count)));
    (0..count).for_each(|_| _ = meets(barrier.clone()).submit());
    Ok(())
}

#[test]
fn async_functions_hold_no_thread_while_they_wait() {
    // None of them ends before all of them run.
    prefect(200).scope(|| meeting(200)).unwrap();
}

static STARTED: Notify = Notify::const_new();
static GO_ON: Notify = Notify::const_new();

#[task]
async fn held() -> u64 {
    STARTED.notify_one();
    GO_ON.notified().await;
    7
}

#[task]
fn counted(number: u64) -> u64 {
    number
}

#[flow]
async fn dropped(count: u64) -> pipex::Result<()> {
    let held = held().base("held").submit();
    (0..count).for_each(|number| _ = counted(number).base(number.to_string()).submit());
    held.await.map(drop)
}

#[tokio::test]
async fn a_flow_whose_future_is_dropped_starts_nothing_more() {
    let bench = Bench::new();
    let config = bench.config(Mode::PrefectCache).quiet(true).workers(1);
    {
        let mut flow = std::pin::pin!(config.scope_async(dropped(20)));
        tokio::select! {
            _ = &mut flow => unreachable!("its task is held"),
            () = STARTED.notified() => {}
        }
    }
    GO_ON.notify_one();
    // What ran is saved, and what did not run never will be: all of it has a state in the end.
    let mut states = Vec::new();
    while states.len() < 21 {
        states.extend(bench.states());
        tokio::task::yield_now().await;
    }
    assert_eq!(states.iter().filter(|run| **run == ("counted", State::Cancelled)).count(), 20);
    assert_eq!(bench.files(), ["held/held"]);
}

static BODIES: AtomicUsize = AtomicUsize::new(0);

#[task]
fn body() {
    BODIES.fetch_add(1, Ordering::SeqCst);
}

#[flow]
fn panics() -> pipex::Result<()> {
    let _ = body().submit().wait();
    panic!("the flow itself");
}

#[test]
fn a_flow_that_panics_does_so_for_its_caller() {
    let panicked = std::panic::catch_unwind(|| prefect(1).scope(panics));
    assert!(panicked.is_err());
    assert_eq!(BODIES.load(Ordering::SeqCst), 1);
    // The executor goes on for others.
    assert_eq!(prefect(1).scope(|| sync_flow(3)).unwrap(), 6);
}
