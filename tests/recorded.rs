//! `pipex::record`: values stand in the journal beside the output of the run that recorded them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};

use pipex::journal::{self, Line};
use pipex::remote::{Carrier, Job, Reply, work};
use pipex::{Local, Mode, flow, task};
use serde_json::{Value, json};

use crate::support::{Bench, await_a_timer};

/// What the journals say was recorded: by the names of task runs, and by the flow as "".
fn recorded(bench: &Bench) -> BTreeMap<String, BTreeMap<String, Value>> {
    let mut all: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for run in journal::runs(&bench.journal()).unwrap() {
        journal::read(&run, |line| {
            let (name, values) = match line {
                Line::Ended(ended) => (ended.name.into_owned(), ended.recorded),
                Line::Recorded(value) => (String::new(), vec![value]),
                _ => return,
            };
            for value in values {
                all.entry(name.clone()).or_default().insert(value.name.into_owned(), value.value);
            }
        })
        .unwrap();
    }
    all
}

fn expect(values: &[(&str, Value)]) -> BTreeMap<String, BTreeMap<String, Value>> {
    let all = values.iter().map(|(name, values)| ((*name).to_owned(), serde_json::from_value(values.clone()).unwrap()));
    all.collect()
}

const EXECUTING: [Mode; 2] = [Mode::Prefect, Mode::PrefectCache];
const ALL: [Mode; 4] = [Mode::DoNothing, Mode::Cache, Mode::Prefect, Mode::PrefectCache];

#[task(target = "{path}/plain/{x}", name = "plain {x}")]
fn plain(x: u32) -> u32 {
    pipex::record("x", x);
    pipex::record("half", 0.5);
    pipex::record("x", x + 1);
    x
}

#[task(target = "{path}/waits/{x}", name = "waits {x}")]
async fn waits(x: u32) -> u32 {
    pipex::record("before", x);
    await_a_timer().await;
    pipex::record("after", format!("{x}"));
    x
}

#[task(target = "{path}/limited/{x}", name = "limited {x}", timeout = "1h")]
fn limited(x: u32) -> u32 {
    pipex::record("limited", true);
    x
}

#[task(target = "{path}/limited-waits/{x}", name = "limited waits {x}", timeout = "1h")]
async fn limited_waits(x: u32) -> u32 {
    await_a_timer().await;
    pipex::record("limited", x);
    x
}

/// Neither its own values nor those of its flow are the inner task's.
#[task(target = "{path}/outer", name = "outer")]
fn outer(x: u32) -> pipex::Result<u32> {
    #[flow]
    fn inner(x: u32) -> pipex::Result<u32> {
        pipex::record("of the inner flow", x);
        plain(x).run()?.load()
    }
    pipex::record("first", 1);
    let x = inner(x)?;
    pipex::record("last", 2);
    Ok(x)
}

#[task(target = "{path}/silent", name = "silent")]
fn silent(xs: Vec<u32>) -> u32 {
    xs.iter().sum()
}

#[flow]
fn every_kind() -> pipex::Result<u32> {
    pipex::record("begun", true);
    let all = vec![
        plain(1).submit(),
        plain(2).lazy(),
        plain(3).run()?,
        waits(1).submit(),
        waits(2).lazy(),
        waits(3).run()?,
        limited(1).submit(),
        limited(2).run()?,
        limited_waits(1).submit(),
        limited_waits(2).run()?,
        outer(4).submit(),
        plain(5).lazy(),
    ];
    let sum = silent(all[..11].to_vec()).run()?.load()?;
    pipex::record("sum", sum);
    Ok(sum)
}

#[test]
fn each_value_stands_with_the_run_that_recorded_it_in_every_mode() {
    for mode in ALL {
        let bench = Bench::new();
        let sum = bench.config(mode).workers(2).scope(every_kind).unwrap();
        assert_eq!(sum, 22, "{mode}");
        let plain = |x: u32| json!({ "x": x + 1, "half": 0.5 });
        let waits = |x: u32| json!({ "before": x, "after": x.to_string() });
        let all = [
            ("", json!({ "begun": true, "sum": 22 })),
            ("plain 1", plain(1)),
            ("plain 2", plain(2)),
            ("plain 3", plain(3)),
            ("plain 4", plain(4)),
            ("waits 1", waits(1)),
            ("waits 2", waits(2)),
            ("waits 3", waits(3)),
            ("limited 1", json!({ "limited": true })),
            ("limited 2", json!({ "limited": true })),
            ("limited waits 1", json!({ "limited": 1 })),
            ("limited waits 2", json!({ "limited": 2 })),
            ("outer", json!({ "first": 1, "of the inner flow": 4, "last": 2 })),
        ];
        let expected = if mode == Mode::DoNothing { expect(&[]) } else { expect(&all) };
        assert_eq!(recorded(&bench), expected, "{mode}");
    }
}

#[test]
fn from_async_code_they_come_along_too() {
    for mode in [Mode::Cache, Mode::Prefect, Mode::PrefectCache] {
        let bench = Bench::new();
        #[flow]
        async fn awaits() -> pipex::Result<u32> {
            let one = waits(1).await?;
            await_a_timer().await;
            pipex::record("flow", "goes on");
            // Blocks the thread that drives the runtime.
            let two = waits(2).run()?;
            Ok(one.load()? + two.load()?)
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        assert_eq!(runtime.block_on(bench.config(mode).scope_async(awaits())).unwrap(), 3);
        let waits = |x: u32| json!({ "before": x, "after": x.to_string() });
        let expected = expect(&[("", json!({ "flow": "goes on" })), ("waits 1", waits(1)), ("waits 2", waits(2))]);
        assert_eq!(recorded(&bench), expected, "{mode}");
    }
}

#[test]
fn of_several_attempts_the_last_counts_and_of_a_failure_nothing() {
    static ATTEMPTS: AtomicU32 = AtomicU32::new(0);

    #[task(target = "{path}/wavering", name = "wavering", retries = 1)]
    fn wavering() -> Result<u32, std::io::Error> {
        let attempt = ATTEMPTS.fetch_add(1, Ordering::Relaxed);
        pipex::record("attempt", attempt);
        if attempt.is_multiple_of(2) {
            pipex::record("failed", true);
            return Err(std::io::Error::other("once more"));
        }
        Ok(attempt)
    }

    #[task(target = "{path}/failing", name = "failing")]
    fn failing() -> Result<u32, std::io::Error> {
        pipex::record("failing", true);
        Err(std::io::Error::other("never"))
    }

    #[flow]
    fn both() -> pipex::Result<u32> {
        failing().run().unwrap_err();
        wavering().run()?.load()
    }

    for mode in EXECUTING {
        let bench = Bench::new();
        let attempt = bench.config(mode).workers(1).scope(both).unwrap();
        assert_eq!(recorded(&bench), expect(&[("wavering", json!({ "attempt": attempt }))]), "{mode}");
    }
}

#[test]
fn what_runs_in_another_process_sends_them_back() {
    struct Thread;

    impl Carrier for Thread {
        fn carry(&self, job: Job) -> Reply {
            Box::pin(async move { Ok(work(&job.payload).await) })
        }
    }

    #[task(remote, target = "{path}/far/{x}", name = "far {x}")]
    fn far(x: u32) -> u32 {
        pipex::record("half", f64::from(x) / 2.0);
        x
    }

    for mode in EXECUTING {
        let bench = Bench::new();
        #[flow]
        fn both() -> pipex::Result<u32> {
            Ok(far(1).submit().load()? + far(2).submit().load()?)
        }
        let config = bench.config(mode).executor(Local::new().workers(1).carrier(Thread));
        assert_eq!(config.scope(both).unwrap(), 3);
        let expected = expect(&[("far 1", json!({ "half": 0.5 })), ("far 2", json!({ "half": 1.0 }))]);
        assert_eq!(recorded(&bench), expected, "{mode}");
    }
}

#[test]
fn outside_of_runs_and_without_a_journal_nothing_happens() {
    pipex::record("nowhere", 1);
    let bench = Bench::new();
    bench.config(Mode::Cache).without_journal().scope(every_kind).unwrap();
    assert_eq!(recorded(&bench), expect(&[]));
}

/// What a flow was given stands in the head of its journal.
#[test]
fn a_flows_parameters_stand_in_its_journal() {
    #[flow]
    fn given(seed: u64, station: &str, _rates: Vec<f64>) -> pipex::Result<u32> {
        let _ = (seed, station);
        plain(7).run()?.load()
    }
    for mode in ALL {
        let bench = Bench::new();
        bench.config(mode).workers(1).scope(|| given(7, "EWR", vec![0.5, 1.0])).unwrap();
        let mut parameters = Vec::new();
        for run in journal::runs(&bench.journal()).unwrap() {
            journal::read(&run, |line| {
                if let Line::Run(head) = line {
                    let text = |value: Option<std::borrow::Cow<'_, str>>| value.unwrap().into_owned();
                    parameters
                        .extend(head.parameters.into_iter().map(|given| (given.name.into_owned(), text(given.value))));
                }
            })
            .unwrap();
        }
        let expected = [("seed", "7"), ("station", "\"EWR\""), ("_rates", "[0.5,1.0]")];
        let expected: Vec<_> = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        assert_eq!(parameters, if mode == Mode::DoNothing { vec![] } else { expected }, "{mode}");
    }
}
