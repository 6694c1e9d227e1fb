//! `#[task(remote)]`: what runs in another process is what would have run here.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output as Ended, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipex::remote::{Carrier, Job, Reply, work};
use pipex::{Local, Mode, Output, RunError, Stale, State, Tried, flow, task};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::support::Bench;

/// Brings jobs to another thread, as bytes.
#[derive(Clone, Default)]
struct Bytes(Arc<AtomicUsize>);

impl Carrier for Bytes {
    fn carry(&self, job: Job) -> Reply {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move { Ok(work(&job.payload).await) })
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    station: String,
    celsius: Option<f64>,
    tags: HashSet<u32>,
    counts: HashMap<String, u32>,
}

#[task(remote, target = "{path}/read/{station}-{month}.bin")]
fn read(station: &str, month: u32, from: &Path) -> Result<Vec<Reading>, std::io::Error> {
    let text = fs::read_to_string(from)?;
    let reading = |line: &str| Reading {
        station: station.to_owned(),
        celsius: line.parse().ok(),
        tags: (0..month).collect(),
        counts: (0..month).map(|count| (count.to_string(), count)).collect(),
    };
    Ok(text.lines().map(reading).collect())
}

#[task(remote)]
fn warmest(readings: &[Reading], least: f64) -> Option<f64> {
    readings.iter().filter_map(|reading| reading.celsius).filter(|celsius| *celsius >= least).reduce(f64::max)
}

#[task(remote, target = "{path}/all.json")]
fn all(warmest: Vec<Option<f64>>, first: Option<f64>) -> (Vec<Option<f64>>, Option<f64>) {
    (warmest, first)
}

#[task(remote, target = "{path}/locations.json")]
fn locations(first: Output<Option<f64>>, all: Vec<Output<Option<f64>>>) -> pipex::Result<(String, Option<f64>)> {
    let first = first.location().map(ToString::to_string).unwrap_or_default();
    Ok((first, all[1].load()?))
}

#[flow]
fn year(from: &Path) -> pipex::Result<(Vec<Option<f64>>, Option<f64>)> {
    let months: Vec<_> = (1..=3)
        .map(|month| {
            let readings = read("EWR".to_owned(), month, from.to_owned()).base(format!("EWR-{month}")).submit();
            warmest(readings, -1.5).submit()
        })
        .collect();
    let first = months[0].clone();
    all(months, first).run()?.load()
}

fn source(bench: &Bench) -> PathBuf {
    let path = bench.file("source.txt");
    fs::write(&path, "1\n2.5\nnothing\n-7\n").unwrap();
    path
}

#[test]
fn the_same_comes_of_it_in_both_modes() {
    let expected = (vec![Some(2.5); 3], Some(2.5));
    for mode in [Mode::Prefect, Mode::PrefectCache] {
        let bench = Bench::new();
        let (from, carrier) = (source(&bench), Bytes::default());
        let config = || bench.config(mode).executor(Local::new().workers(2).carrier(carrier.clone()));
        assert_eq!(config().scope(|| year(&from)).unwrap(), expected, "{mode}");
        assert_eq!(carrier.0.load(Ordering::Relaxed), 7);
        assert_eq!(bench.ran().len(), 7);
        if mode.caches() {
            // Not even asked for again.
            assert_eq!(config().scope(|| year(&from)).unwrap(), expected);
            assert!(bench.states().iter().all(|(_, state)| *state == State::Cached));
            assert_eq!(carrier.0.load(Ordering::Relaxed), 7);
            let two = |config: pipex::Config| {
                let warmest = |month: u32| {
                    warmest(Vec::<Reading>::new(), f64::from(month)).base(format!("none-{month}")).submit()
                };
                config.scope(|| locations(warmest(1), vec![warmest(1), warmest(2)]).run()?.load())
            };
            let first = bench.file("warmest/none-1").to_string_lossy().into_owned();
            assert_eq!(two(config()).unwrap(), (first, None));
            // Made by this process, it is the same file.
            let there = fs::read(bench.file("read/EWR-2.bin")).unwrap();
            bench.config(mode).scope(|| read("EWR", 2, &*from).run().unwrap().remove().unwrap());
            bench.config(mode).scope(|| read("EWR", 2, &*from).run().unwrap());
            assert_eq!(fs::read(bench.file("read/EWR-2.bin")).unwrap().len(), there.len());
        }
    }
}

#[task(remote, target(low = "{path}/{base}/low.json", high = "{path}/{base}/high"))]
fn halves(values: Vec<u32>) -> (Vec<u32>, Vec<u32>) {
    let middle = values.len() / 2;
    (values[..middle].to_vec(), values[middle..].to_vec())
}

#[task(remote, save = false, target(index = "{path}/{base}/index", data = "{path}/{base}/data"))]
fn write_both(values: &[u32], #[target] index: &Path, #[target] data: &Path) -> std::io::Result<()> {
    fs::write(index, values.len().to_string())?;
    fs::write(data, format!("{values:?}"))
}

#[task(remote, target = "{path}/{base}/summed")]
fn summed(high: &[u32], low: Option<Vec<u32>>, data: &Path, sums: Vec<Tried<(u32, u32)>>) -> std::io::Result<String> {
    let sums: Vec<_> = sums.into_iter().map(|sum| sum.map_err(|error| error.to_string().contains("none"))).collect();
    Ok(format!("{high:?} {low:?} {} {sums:?}", fs::read_to_string(data)?))
}

#[task(remote, target = "{path}/{base}/pair")]
fn pair(high: &[u32]) -> Result<(u32, u32), String> {
    high.first().map(|first| (*first, high.len() as u32)).ok_or_else(|| "there is none".to_owned())
}

#[flow]
fn parts() -> pipex::Result<String> {
    let (low, high) = halves(vec![1, 2, 3, 4]).base("b").submit();
    let (_, none) = halves(Vec::<u32>::new()).base("none").submit();
    let (_, data) = write_both(&low).base("b").submit();
    let pairs = vec![pair(&high).submit(), pair(none).submit()];
    summed(high, low, data, pairs).run()?.load()
}

#[test]
fn several_outputs_and_what_failed_travel() {
    for mode in [Mode::Prefect, Mode::PrefectCache] {
        let (bench, carrier) = (Bench::new(), Bytes::default());
        let config = || bench.config(mode).executor(Local::new().workers(2).carrier(carrier.clone()));
        let expected = "[3, 4] Some([1, 2]) [1, 2] [Ok((3, 2)), Err(true)]";
        assert_eq!(config().scope(parts).unwrap(), expected, "{mode}");
        assert_eq!(carrier.0.load(Ordering::Relaxed), 6);
        if mode.caches() {
            let files =
                ["b/data", "b/high", "b/index", "b/low.json", "b/pair", "b/summed", "none/high", "none/low.json"];
            assert_eq!(bench.files(), files);
            assert_eq!(config().stale(Stale::Rerun).scope(parts).unwrap(), expected);
            assert_eq!(carrier.0.load(Ordering::Relaxed), 7, "only what failed is tried again");
            // As if all had been made here.
            assert_eq!(bench.config(Mode::Cache).stale(Stale::Rerun).scope(parts).unwrap(), expected);
            fs::remove_file(bench.file("b/high")).unwrap();
            assert_eq!(config().stale(Stale::Rerun).scope(parts).unwrap(), expected);
            assert_eq!(carrier.0.load(Ordering::Relaxed), 9, "both halves, and once more what failed");
        }
    }
}

#[task(remote, retries = 1, target = "{path}/{base}")]
fn fails(from: PathBuf, times: u32) -> std::io::Result<u32> {
    let tried = fs::read_to_string(&from).map_or(0, |text| text.lines().count()) as u32;
    fs::write(&from, "x\n".repeat(tried as usize + 1))?;
    if tried < times { Err(std::io::Error::other(format!("attempt {tried}"))) } else { Ok(tried) }
}

#[task(remote, target = "{path}/{base}")]
fn panics(what: &str) -> u32 {
    panic!("of {what}")
}

#[task(remote, target = "{path}/{base}", timeout = "20ms")]
fn lasts(until: PathBuf) {
    while !until.exists() {
        std::thread::yield_now();
    }
}

#[test]
fn errors_come_back_with_their_sources_and_are_tried_again() {
    let bench = Bench::new();
    let run = |body: &dyn Fn() -> pipex::Error| {
        bench.config(Mode::PrefectCache).executor(Local::new().carrier(Bytes::default())).scope(body)
    };
    let tries = bench.file("tries");
    let error = run(&|| fails(tries.clone(), 5).base("a").submit().wait().unwrap_err());
    assert!(format!("{error:?}").ends_with(": attempt 1"), "{error:?}");
    assert_eq!(bench.states(), [("fails", State::Failed)]);
    fs::remove_file(&tries).unwrap();
    bench
        .config(Mode::PrefectCache)
        .executor(Local::new().carrier(Bytes::default()))
        .scope(|| assert_eq!(fails(tries, 1).base("b").submit().load().unwrap(), 1));
    assert_eq!(bench.states(), [("fails", State::Completed)]);

    let error = run(&|| panics("mind").base("c").submit().wait().unwrap_err());
    assert!(format!("{error:?}").contains("the function panicked: of mind"), "{error:?}");
    assert_eq!(bench.states(), [("panics", State::Crashed)]);
    let never = bench.file("never");
    let error = run(&|| lasts(never.clone()).base("d").submit().wait().unwrap_err());
    assert!(format!("{error:?}").contains("exceeded its timeout of 20ms"), "{error:?}");
    assert_eq!(bench.states(), [("lasts", State::TimedOut)]);
    fs::write(&never, "").unwrap();
}

/// Serde does not know it.
#[derive(Debug, Clone)]
struct Opaque(f64);

#[task(target = "{path}/{base}", save = false)]
fn opaque(x: f64, #[target] to: &Path) -> std::io::Result<Opaque> {
    fs::write(to, x.to_string())?;
    Ok(Opaque(x))
}

#[task(remote, target = "{path}/{base}")]
fn takes(opaque: &Opaque) -> f64 {
    opaque.0
}

#[task(remote, target = "{path}/{base}")]
fn counts(x: f64) -> f64 {
    x
}

#[test]
fn what_cannot_travel_is_named() {
    let bench = Bench::new();
    let run = |mode, body: &dyn Fn() -> pipex::Error| {
        format!("{:?}", bench.config(mode).executor(Local::new().carrier(Bytes::default())).scope(body))
    };
    let error = run(Mode::Prefect, &|| takes(Output::from(Opaque(1.0))).submit().wait().unwrap_err());
    assert!(error.contains("`opaque` cannot be sent to another process: its type"), "{error}");
    let error =
        run(Mode::PrefectCache, &|| takes(opaque(1.0).base("o").submit()).base("t").submit().wait().unwrap_err());
    assert!(error.contains("`opaque` is kept in a store that only `opaque` knows: mark"), "{error}");
    let error = run(Mode::Prefect, &|| counts(f64::NAN).submit().wait().unwrap_err());
    assert!(error.contains("counts"), "{error}");
    let error = run(Mode::Prefect, &|| counts(f64::INFINITY).submit().wait().unwrap_err());
    assert!(error.contains("`x` cannot be read: invalid type: null"), "{error}");
}

/// Changes what is sent on its way, and counts it.
#[derive(Clone)]
struct Forger {
    job: fn(&mut Value),
    outcome: fn(&mut Value),
    sent: Arc<AtomicUsize>,
}

impl Forger {
    fn new(job: fn(&mut Value), outcome: fn(&mut Value)) -> Self {
        Forger { job, outcome, sent: Arc::default() }
    }
}

impl Carrier for Forger {
    fn carry(&self, job: Job) -> Reply {
        self.sent.fetch_add(1, Ordering::Relaxed);
        let forge = |forge: fn(&mut Value), text: &[u8]| {
            let mut said: Value = serde_json::from_slice(text).unwrap();
            forge(&mut said);
            said.to_string().into_bytes()
        };
        let (payload, outcome) = (forge(self.job, &job.payload), self.outcome);
        Box::pin(async move { Ok(forge(outcome, &work(&payload).await)) })
    }
}

#[test]
fn a_process_of_other_code_says_so() {
    let older = Forger::new(|job| job["flow"]["code"] = "0123456789abcdef0123456789abcdef".into(), |_| {});
    let run = || counts(1.0).submit().wait().unwrap_err();
    let config = Bench::new().config(Mode::Prefect).executor(Local::new().carrier(older));
    let error = config.scope(run);
    assert!(format!("{error:?}").contains("other code of behaviour::remote::counts"), "{error:?}");
}

#[test]
fn a_job_in_a_newer_format_is_refused_once_and_not_done() {
    let bench = Bench::new();
    let newer = Forger::new(|job| *job = json!({ "format": 2, "steps": [job.take()] }), |_| {});
    let tries = bench.file("tries");
    let config = bench.config(Mode::PrefectCache).executor(Local::new().carrier(newer.clone()));
    let error = config.scope(|| fails(tries.clone(), 0).base("newer").submit().wait().unwrap_err());
    assert!(format!("{error:?}").contains("fails newer"), "{error:?}");
    assert!(format!("{error:?}").contains("the job is in format 2, which a newer pipex writes"), "{error:?}");
    assert!(format!("{error:?}").contains("reads format 1: start all processes from the same"), "{error:?}");
    assert_eq!(bench.states(), [("fails", State::Failed)]);
    assert_eq!((newer.sent.load(Ordering::Relaxed), tries.exists()), (1, false), "it is not tried again");
}

#[test]
fn so_is_what_a_newer_worker_says() {
    let bench = Bench::new();
    let newer = Forger::new(|_| {}, |outcome| *outcome = json!({ "format": 3, "outcomes": [outcome.take()] }));
    let config = bench.config(Mode::PrefectCache).executor(Local::new().carrier(newer.clone()));
    let error = config.scope(|| fails(bench.file("tries"), 0).base("newer").submit().wait().unwrap_err());
    assert!(format!("{error:?}").contains("what came of the job is in format 3, which a newer pipex"), "{error:?}");
    assert_eq!(bench.states(), [("fails", State::Failed)]);
    assert_eq!(newer.sent.load(Ordering::Relaxed), 1, "it is not tried again");
    // It was done all the same, and is there for who runs the flow again.
    assert_eq!(bench.cache(|| fails(bench.file("tries"), 0).base("newer").run().unwrap().load().unwrap()), 0);
    assert_eq!(bench.states(), [("fails", State::Cached)]);
}

/// Programs whose pipex did not know that there could be other formats wrote no number, and took none.
#[test]
fn jobs_and_what_comes_of_them_have_no_format_or_the_first() {
    let has_none: fn(&mut Value) = |said| assert_eq!(said.get("format"), None, "{said}");
    let says_one: fn(&mut Value) = |said| said["format"] = 1.into();
    for forge in [has_none, says_one] {
        let bench = Bench::new();
        let config = bench.config(Mode::Prefect).executor(Local::new().carrier(Forger::new(forge, forge)));
        assert_eq!(config.scope(|| counts(1.5).submit().load().unwrap()), 1.5);
    }
}

/// A job that is given twice at once, as after a lost connection, is done once.
#[test]
fn a_job_that_is_given_twice_is_done_once() {
    struct Twice;
    impl Carrier for Twice {
        fn carry(&self, job: Job) -> Reply {
            Box::pin(async move {
                let again = job.payload.clone();
                let other = std::thread::spawn(move || block_on(work(&again)));
                let first = work(&job.payload).await;
                let second = other.join().unwrap();
                let both = [&first, &second].map(|reply| String::from_utf8_lossy(reply).contains("found"));
                assert!(both[0] ^ both[1], "one made it, and the other found it");
                Ok(second)
            })
        }
    }
    let bench = Bench::new();
    let config = bench.config(Mode::PrefectCache).executor(Local::new().carrier(Twice));
    assert_eq!(config.scope(|| fails(bench.file("tries"), 0).base("once").submit().load()).unwrap(), 0);
    assert_eq!(fs::read_to_string(bench.file("tries")).unwrap(), "x\n");
}

fn block_on<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// What a program does that is told to run one task, or none.
#[test]
#[ignore = "it is another process's main"]
fn program() {
    println!();
    if let Ok(line) = std::env::var("LINE") {
        pipex::remote::run_command(["run", &line]);
    }
    #[pipex::main]
    fn main() -> pipex::Result<()> {
        let from = PathBuf::from(std::env::var_os("FROM").unwrap());
        year(&from).map(drop)
    }
    main().unwrap();
}

fn run(bench: &Bench, from: &Path, set: &[(&str, &str)]) -> Ended {
    let mut child: Command = crate::support::child("remote::program", bench.path());
    child.env("FROM", from).env("PIPEX_JOURNAL", bench.journal()).env("PIPEX", "cache").envs(set.iter().copied());
    child.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap()
}

#[test]
fn what_is_missing_is_listed_and_each_line_runs_one() {
    let bench = Bench::new();
    let from = source(&bench);
    let list = || {
        let ended = run(&bench, &from, &[("PIPEX_DRY_RUN", "jobs")]);
        assert!(ended.status.success());
        let text = String::from_utf8(ended.stdout).unwrap();
        let lines: Vec<_> = text.lines().filter(|line| line.starts_with('{')).map(str::to_owned).collect();
        (lines, String::from_utf8(ended.stderr).unwrap())
    };
    let mut rounds = Vec::new();
    loop {
        let (lines, said) = list();
        if lines.is_empty() {
            break;
        }
        if rounds.is_empty() {
            assert!(said.contains("4 more task runs are missing"), "{said}");
        }
        for line in &lines {
            let ended = run(&bench, &from, &[("LINE", line)]);
            assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
            let target = String::from_utf8(ended.stdout).unwrap();
            assert!(Path::new(target.trim().lines().last().unwrap()).exists(), "{target}");
        }
        rounds.push(lines.len());
    }
    assert_eq!(rounds, [3, 3, 1]);
    let cached = bench.cache(|| year(&from)).unwrap();
    assert_eq!(cached, (vec![Some(2.5); 3], Some(2.5)));
    assert!(
        bench.states().iter().all(|(_, state)| *state == State::Cached),
        "same targets, same journal, nothing stale"
    );

    let ended = run(&bench, &from, &[("LINE", r#"{"task":"counts","args":{"y":1}}"#)]);
    assert_eq!(ended.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("`y` is none of counts: it takes x"));
    let ended = run(&bench, &from, &[("LINE", r#"{"format":2,"task":"counts","arguments":[1]}"#)]);
    assert_eq!(ended.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ended.stderr).contains("the line is in format 2, which a newer pipex writes"));
    let ended = run(&bench, &from, &[("LINE", r#"{"task":"count"}"#)]);
    assert!(String::from_utf8_lossy(&ended.stderr).contains("there is no task \"count\""));
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Params {
    rate: f64,
}

const PARAMS: Params = Params { rate: 0.25 };

#[task(remote, target = "{path}/rate/{day:02}/{params.rate:.1}-{args}.json", name = "{args}")]
fn rate(params: &Params, day: u32) -> f64 {
    params.rate
}

#[task(remote)]
fn grow(rate: f64, days: u32) -> f64 {
    rate * f64::from(days)
}

#[flow]
fn unnamed() -> pipex::Result<f64> {
    let rate = rate(&PARAMS, 7).submit();
    Ok(grow(0.5, 2).submit().load()? + grow(rate, 4).submit().load()?)
}

/// Whoever makes it, and from whatever it is told, it has the same name.
#[test]
fn names_without_effort_are_the_same_wherever_they_are_made() {
    let (bench, carrier) = (Bench::new(), Bytes::default());
    let config = bench.config(Mode::PrefectCache).executor(Local::new().carrier(carrier.clone()));
    assert_eq!(config.scope(unnamed).unwrap(), 2.0);
    assert_eq!(carrier.0.load(Ordering::Relaxed), 3);
    let files = bench.files();
    assert!(files[0].starts_with("grow/days=4-"), "{files:?}");
    assert!(files[2].starts_with("rate/07/0.2-day=7-"), "{files:?}");
    assert_eq!(files[1], "grow/rate=0.5,days=2");
    bench.states();
    assert_eq!(bench.cache(unnamed).unwrap(), 2.0);
    assert!(bench.states().iter().all(|(_, state)| *state == State::Cached));

    // From a line that does not say where.
    bench.cache(|| rate(&PARAMS, 7).run().unwrap().remove().unwrap());
    let path = bench.path();
    let line = json!({ "task": "rate", "args": { "params": { "rate": 0.25 }, "day": 7 }, "path": path });
    let ended = run(&bench, path, &[("LINE", &line.to_string())]);
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(bench.files(), files);
}

#[test]
fn a_dropped_carrier_ends_the_run() {
    struct Gone;
    impl Carrier for Gone {
        fn carry(&self, _: Job) -> Reply {
            Box::pin(async { Err(RunError::Interrupted.into()) })
        }
    }
    let bench = Bench::new();
    let config = bench.config(Mode::Prefect).executor(Local::new().carrier(Gone));
    config.scope(|| counts(1.0).submit().wait().unwrap_err());
    assert_eq!(bench.states(), [("counts", State::Crashed)]);
}
