//! Async functions are tasks and flows like others, within any runtime or none.

use pipex::{Mode, Output, State, flow, task};

use crate::support::{Bench, await_a_timer};

#[task]
async fn fetch(name: &str) -> Result<String, std::io::Error> {
    await_a_timer().await;
    if name.is_empty() {
        return Err(std::io::Error::other("no name"));
    }
    Ok(name.to_uppercase())
}

#[task]
async fn join(parts: Vec<String>) -> String {
    tokio::task::yield_now().await;
    parts.join(" ")
}

#[task]
fn length(text: &str) -> usize {
    text.len()
}

#[flow]
async fn greet(name: &str) -> pipex::Result<usize> {
    let hello = fetch("hello").base("hello").await?;
    let name = fetch(name.to_owned()).base("name").lazy();
    length(join(vec![hello, name]).base("greeting").await?).await?.load()
}

#[flow]
fn greet_synchronously() -> pipex::Result<usize> {
    let parts: Vec<Output<String>> = vec![fetch("hello").base("hello").run()?, fetch("you").base("name").lazy()];
    length(join(parts).base("greeting").submit()).run()?.load()
}

#[test]
fn in_every_runtime_and_in_none() {
    for mode in [Mode::DoNothing, Mode::Cache] {
        let bench = Bench::new();
        assert_eq!(bench.config(mode).scope(greet_synchronously).unwrap(), 9);

        let current = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let bench = Bench::new();
        assert_eq!(current.block_on(bench.config(mode).scope_async(greet("you"))).unwrap(), 9);

        let multi = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let bench = Bench::new();
        let config = bench.config(mode);
        let spawned = multi.spawn(config.scope_async(async { greet("you").await }));
        assert_eq!(multi.block_on(spawned).unwrap().unwrap(), 9);
        if mode.caches() {
            assert_eq!(bench.files(), ["fetch/hello", "fetch/name", "join/greeting", "length/greeting"]);
        }
    }
}

/// A synchronous call of an async task blocks the runtime's only thread; its timers are driven elsewhere.
#[tokio::test]
async fn synchronously_within_a_current_thread_runtime() {
    let bench = Bench::new();
    assert_eq!(bench.cache(greet_synchronously).unwrap(), 9);
}

#[tokio::test]
async fn an_async_error_is_the_source() {
    let bench = Bench::new();
    let error = bench.config(Mode::Cache).scope_async(async { fetch("").base("x").await }).await.unwrap_err();
    assert!(format!("{error:?}").ends_with("/fetch/x): no name"), "{error:?}");
    assert_eq!(bench.files(), [""; 0]);
}

/// Both want the claim of one target, and one thread polls both.
#[tokio::test]
async fn two_futures_of_one_thread_compute_a_target_once() {
    let bench = Bench::new();
    let both = bench.config(Mode::Cache).scope_async(async {
        tokio::join!(async { fetch("x").base("x").await }, async { fetch("x").base("x").await })
    });
    let (first, second) = both.await;
    assert_eq!((first.unwrap().load().unwrap(), second.unwrap().load().unwrap()), ("X".to_owned(), "X".to_owned()));
    assert_eq!(bench.states(), [("fetch", State::Completed), ("fetch", State::Cached)]);
}

#[tokio::test]
async fn a_dropped_future_leaves_nothing_and_the_target_free() {
    let bench = Bench::new();
    let fetched = bench.config(Mode::Cache).scope_async(async {
        let mut first = Box::pin(std::future::IntoFuture::into_future(fetch("x").base("x")));
        // Until it waits in its body, with the claim in its hands.
        assert!(futures_poll_once(first.as_mut()).await.is_none());
        assert_eq!(bench.files(), ["fetch/.x.pipex-tmp"]);
        drop(first);
        assert_eq!(bench.files(), [""; 0]);
        fetch("x").base("x").await
    });
    assert_eq!(fetched.await.unwrap().load().unwrap(), "X");
}

async fn futures_poll_once<F: Future + Unpin>(mut future: F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
