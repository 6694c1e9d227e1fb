//! A panic in what shows, hashes, saves, loads or drops a value fails that task run with its message, and nothing else.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, channel};

use pipex::{Error, Mode, Output, RunError, State, flow, task};
use serde::de::{Deserialize, Deserializer};
use serde::ser::{Serialize, Serializer};

use crate::support::Bench;

/// After how many more calls of the users' code it panics; 0: never.
static FUSE: AtomicU32 = AtomicU32::new(0);
/// One test at a time has it.
static ONE: Mutex<()> = Mutex::new(());

fn burn() {
    let left = FUSE.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
    assert!(left != Ok(1) || std::thread::panicking(), "boom");
}

/// Panics where it is shown.
struct Shown;
impl fmt::Display for Shown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        burn();
        f.write_str("shown")
    }
}

/// Panics where it is taken down.
struct Serialized;
impl Serialize for Serialized {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        burn();
        serializer.serialize_unit()
    }
}

struct Hashed;
impl Hash for Hashed {
    fn hash<H: Hasher>(&self, _: &mut H) {
        burn();
    }
}

struct Debugged;
impl fmt::Debug for Debugged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        burn();
        f.write_str("debugged")
    }
}

/// Panics where it is saved.
#[derive(Clone, serde::Deserialize)]
struct Saved(u32);
impl Serialize for Saved {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        burn();
        self.0.serialize(serializer)
    }
}

/// Panics where it is loaded. The stores look at a type's shape with made-up values, which are others.
#[derive(Clone, serde::Serialize)]
struct Loaded(u32);
impl<'de> Deserialize<'de> for Loaded {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = u32::deserialize(deserializer)?;
        if value == 7 {
            burn();
        }
        Ok(Loaded(value))
    }
}

/// Panics where it is dropped.
#[derive(Clone, serde::Serialize, serde::Deserialize)]
struct Dropped(u32);
impl Drop for Dropped {
    fn drop(&mut self) {
        if self.0 == 7 {
            burn();
        }
    }
}

#[task(target = "{path}/{what}")]
fn shown(what: Shown) -> u32 {
    let _ = what;
    7
}

#[task(name = "a name {what}")]
fn named(what: Shown) -> u32 {
    let _ = what;
    7
}

#[task]
fn serialized(what: &Serialized) -> u32 {
    let _ = what;
    7
}

#[task]
fn hashed(what: &Hashed) -> u32 {
    let _ = what;
    7
}

#[task]
fn debugged(what: &Debugged) -> u32 {
    let _ = what;
    7
}

#[task]
fn saved() -> Saved {
    Saved(7)
}

#[task(target = "{path}/{base}.json")]
fn saved_as_json() -> Loaded {
    Loaded(7)
}

#[task]
fn loaded() -> Loaded {
    Loaded(7)
}

#[task]
fn loads(loaded: &Loaded) -> u32 {
    loaded.0
}

#[task]
fn takes(loaded: Loaded) -> u32 {
    loaded.0
}

#[task]
fn dropped() -> Dropped {
    Dropped(7)
}

#[task]
fn fine(number: u32) -> u32 {
    number
}

/// What came of the runs of a flow in which something may panic.
type Came = (pipex::Result<()>, pipex::Result<()>);

macro_rules! flows {
    ($($name:ident: $call:expr;)*) => {$(
        #[flow]
        fn $name() -> Came {
            let first = fine(1).base("first").submit();
            let one = $call.submit();
            let came = one.wait();
            // Nobody takes it; whoever made it, or nobody, has it.
            drop(one);
            let second = fine(2).base("second").submit();
            (came, first.wait().and(second.wait()))
        }
    )*};
}
flows! {
    flow_shown: shown(Shown).base("x");
    flow_named: named(Shown).base("x");
    flow_serialized: serialized(Output::from(Serialized)).base("x");
    flow_hashed: hashed(Output::from(Hashed)).base("x");
    flow_debugged: debugged(Output::from(Debugged)).base("x");
    flow_lazy: fine(serialized(Output::from(Serialized)).base("x").lazy()).base("y");
    flow_saved: saved().base("x");
    flow_saved_as_json: saved_as_json().base("x");
    flow_loads: loads(loaded().base("x").submit()).base("x");
    flow_takes: takes(loaded().base("x").submit()).base("x");
    flow_dropped: dropped().base("x");
}

/// Has something panic at each point at which it can, in every mode; after each, all is as if nothing had been.
fn at_every_point(flow: fn() -> Came, modes: &[Mode], points: impl Fn(Mode) -> std::ops::RangeInclusive<u32>) {
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for mode in modes {
        let mut panicked = 0;
        for fuse in 1.. {
            let bench = Bench::new();
            let config = || bench.config(*mode).workers(2);
            FUSE.store(fuse, Ordering::SeqCst);
            let (came, others) = config().scope(flow);
            let burnt = FUSE.swap(0, Ordering::SeqCst) == 0;
            assert!(others.is_ok(), "{mode} {fuse}: {others:?}");
            if !burnt {
                came.unwrap();
                break;
            }
            panicked += 1;
            let error = came.expect_err(&format!("{mode} {fuse}"));
            let said = error.to_string();
            assert!(said.ends_with(": boom") && said.contains("it panicked while "), "{mode} {fuse}: {said}");
            let mut source: &dyn std::error::Error = &error;
            while let Some(next) = source.source() {
                source = next;
            }
            let Some(RunError::Panicked { message }) = source.downcast_ref() else { panic!("{mode} {fuse}: {said}") };
            assert!(message.ends_with("boom"), "{message}");
            let crashed = bench.states().into_iter().filter(|(_, state)| *state == State::Crashed).count();
            assert_eq!(crashed, 1, "{mode} {fuse}: {said}");

            let (again, others) = config().scope(flow);
            again.and(others).unwrap_or_else(|error| panic!("{mode} {fuse}: {error}"));
            let left = bench.files().into_iter().filter(|file| file.contains("pipex-")).count();
            assert_eq!(left, 0, "{mode} {fuse}: {:?}", bench.files());
        }
        assert!(points(*mode).contains(&panicked), "{mode}: {panicked}");
    }
}

const ALL: [Mode; 4] = [Mode::DoNothing, Mode::Cache, Mode::Prefect, Mode::PrefectCache];

fn where_it_caches(mode: Mode) -> std::ops::RangeInclusive<u32> {
    if mode.caches() { 1..=10 } else { 0..=0 }
}

#[test]
fn while_a_target_or_a_name_is_filled() {
    at_every_point(flow_shown, &ALL, where_it_caches);
    at_every_point(flow_named, &ALL, |mode| if mode == Mode::DoNothing { 0..=0 } else { 1..=4 });
}

#[test]
fn while_arguments_are_told_apart_and_taken_down() {
    for flow in [flow_serialized, flow_debugged] {
        // Once for the fingerprint, once for the journal.
        at_every_point(flow, &ALL, |mode| if mode.caches() { 2..=10 } else { 0..=0 });
    }
    at_every_point(flow_hashed, &ALL, where_it_caches);
    at_every_point(flow_lazy, &ALL, where_it_caches);
}

#[test]
fn while_an_output_is_saved() {
    at_every_point(flow_saved, &ALL, where_it_caches);
    // It is read back, to see whether it is all there.
    at_every_point(flow_saved_as_json, &ALL, where_it_caches);
}

#[test]
fn while_an_argument_is_loaded() {
    for flow in [flow_loads, flow_takes] {
        at_every_point(flow, &ALL, where_it_caches);
    }
}

#[test]
fn while_a_value_is_dropped() {
    at_every_point(flow_dropped, &[Mode::Cache, Mode::PrefectCache], |_| 1..=10);
}

#[task]
fn held(until: &Mutex<Receiver<()>>) {
    let _ = until.lock().unwrap().recv();
}

#[flow]
fn forgets() -> pipex::Result<()> {
    let (go, until) = channel();
    let held = held(Output::from(Mutex::new(until))).submit();
    // The only worker is held until nobody has this output.
    let _ = dropped().base("x").submit();
    go.send(()).expect("it is held");
    held.wait()
}

/// In memory, a value that nobody can ask for goes when its run ends.
#[test]
fn while_a_value_that_nobody_has_is_dropped() {
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let bench = Bench::new();
    let config = || bench.config(Mode::Prefect).workers(1);
    FUSE.store(1, Ordering::SeqCst);
    let error = config().scope(forgets).unwrap_err().to_string();
    assert!(error.contains("task run \"dropped x\": it panicked while its output was dropped: boom"), "{error}");
    config().scope(forgets).unwrap();
}

/// However a call is made.
#[test]
fn it_is_the_runs_failure_whatever_is_said_of_the_call() {
    let _one = ONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    for mode in [Mode::Cache, Mode::PrefectCache] {
        let bench = Bench::new();
        let failed = |came: pipex::Result<()>| {
            let error = came.unwrap_err();
            let Error::Task { source, .. } = &error else { panic!("{error}") };
            assert!(matches!(source.downcast_ref(), Some(RunError::Panicked { .. })), "{error}");
            assert!(error.to_string().ends_with("it panicked while the call was prepared: boom"), "{error}");
        };
        bench.config(mode).workers(1).scope(|| {
            let call = || {
                FUSE.store(1, Ordering::SeqCst);
                shown(Shown)
            };
            failed(call().run().map(drop));
            failed(call().submit().wait());
            failed(call().lazy().wait());
            failed(awaited(call()).map(drop));
            FUSE.store(0, Ordering::SeqCst);
            shown(Shown).run().unwrap();
        });
        assert_eq!(bench.files(), ["shown"]);
    }
}

fn awaited<F: IntoFuture>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future.into_future())
}

/// A hash of its own, as some types have it.
struct Asks(u64);
impl Hash for Asks {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
        let so_far = state.finish();
        state.write_u64(so_far.rotate_left(1));
    }
}

#[task]
fn asked(value: &Asks) -> u64 {
    value.0
}

#[test]
fn a_hash_may_ask_the_hasher() {
    let bench = Bench::new();
    let run = |value: u64| bench.cache(|| asked(&Asks(value)).base("x").run()?.load());
    assert_eq!(run(1).unwrap(), 1);
    assert_eq!(run(1).unwrap(), 1);
    assert!(run(2).unwrap_err().to_string().contains("with different arguments"), "it tells them apart");
}

/// As documented: where no executor runs it, a panic of the function is its caller's; whoever looks on is told.
#[test]
fn a_panic_of_the_function_is_its_callers_in_mode_cache() {
    #[task]
    fn panics() -> u32 {
        panic!("the function's own")
    }
    let bench = Bench::new();
    for mode in [Mode::DoNothing, Mode::Cache] {
        let caught = std::panic::catch_unwind(|| bench.config(mode).scope(|| panics().base("x").submit().wait()));
        assert_eq!(caught.unwrap_err().downcast_ref(), Some(&"the function's own"), "{mode}");
    }
    assert_eq!((bench.states(), bench.files()), (vec![("panics", State::Crashed)], vec![]));
    let error = bench.config(Mode::PrefectCache).scope(|| panics().base("x").submit().wait()).unwrap_err();
    assert!(error.to_string().ends_with(": the function panicked: the function's own"), "{error}");
}
