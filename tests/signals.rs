//! Ctrl-C, SIGTERM and SIGKILL: what was complete stays, what was not goes, and a rerun does the rest.

use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pipex::{Call, Config, flow, task};

use crate::gate::{Gate, wait_at};
use crate::support::{Bench, child, files};

fn send(signal: &str, child: &Child) {
    assert!(Command::new("kill").args([signal, &child.id().to_string()]).status().unwrap().success());
}

#[task]
fn quick(number: u32) -> u32 {
    number
}

/// Says that it runs, and ends when the gate is open.
#[task]
fn held(gate: &Path) -> u32 {
    println!("\nheld");
    wait_at(gate);
    7
}

/// The same, having written half of what it writes.
#[task(save = false)]
fn half_written(gate: &Path, #[target] to: &Path) -> std::io::Result<()> {
    std::fs::write(to, "half of it")?;
    held(gate).call().map(drop).map_err(std::io::Error::other)?;
    std::fs::write(to, "all of it")
}

/// The same, and gives nothing away while it waits.
#[task]
async fn held_async(gate: &Path) -> u32 {
    println!("\nheld");
    let gate = gate.to_owned();
    tokio::task::spawn_blocking(move || wait_at(&gate)).await.unwrap();
    7
}

#[flow]
fn holds(gate: &Path, count: u32) -> pipex::Result<()> {
    // One worker: what is submitted first runs first.
    let _ = quick(0).base("first").submit();
    let gate = gate.to_owned();
    let wait: Box<dyn Fn() -> pipex::Result<()>> = match std::env::var("PIPEX_TESTS_HELD").unwrap().as_str() {
        "sync" => waiting(held(gate).base("held")),
        "own" => waiting(half_written(gate).base("held")),
        _ => waiting(held_async(gate).base("held")),
    };
    (0..count).for_each(|number| _ = quick(number).base(number.to_string()).submit());
    wait()
}

fn waiting<T: Send + Sync + 'static>(call: Call<'static, T>) -> Box<dyn Fn() -> pipex::Result<()>> {
    let output = call.submit();
    Box::new(move || output.wait())
}

#[test]
#[ignore = "a child of the tests below"]
fn child_holds() {
    let out = std::env::var("PIPEX_PATH").unwrap();
    let grace = Duration::from_millis(std::env::var("PIPEX_TESTS_GRACE").unwrap().parse().unwrap());
    let ended = Config::new().signals(true).grace(grace).scope(|| holds(&Path::new(&out).with_extension("gate"), 50));
    println!("\nended {ended:?}");
}

/// In every mode that keeps outputs, and whatever is held.
const WAYS: [(&str, &str); 6] = [
    ("cache", "sync"),
    ("cache", "own"),
    ("cache", "async"),
    ("prefect.cache", "sync"),
    ("prefect.cache", "own"),
    ("prefect.cache", "async"),
];

fn holds_in_child(out: &Path, grace: Duration, (mode, held): (&str, &str)) -> Command {
    let mut command = child("signals::child_holds", out);
    command.env("PIPEX", mode).env("PIPEX_WORKERS", "1").env("PIPEX_TESTS_HELD", held);
    command.env("PIPEX_TESTS_GRACE", grace.as_millis().to_string());
    command
}

/// A child, once its task is held, and what holds it.
fn holding(out: &Path, grace: Duration, way: (&str, &str)) -> (Child, Gate) {
    let gate = Gate::new(out.with_extension("gate"));
    let mut child = holds_in_child(out, grace, way).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    wait_for("held", child.stdout.as_mut().unwrap());
    (child, gate)
}

fn wait_for(line: &str, output: &mut impl std::io::Read) {
    // Byte by byte, so that nothing is read that the next one waits for.
    let mut said = String::new();
    let mut byte = [0];
    while !said.lines().any(|said| said.contains(line)) || !said.ends_with('\n') {
        assert_eq!(output.read(&mut byte).unwrap(), 1, "it ended before it said {line}: {said}");
        said.push(byte[0].into());
    }
}

#[test]
fn the_first_signal_lets_end_what_runs_and_starts_nothing_more() {
    for (signal, name, code) in [("-INT", "SIGINT", 130), ("-TERM", "SIGTERM", 143)] {
        for way in WAYS {
            let bench = Bench::new();
            let out = bench.file("out");
            let (mut child, gate) = holding(&out, Duration::from_secs(60), way);
            send(signal, &child);
            let said = format!("pipex: {name}: no more tasks start; those that run have 60s to end");
            wait_for(&said, child.stderr.as_mut().unwrap());
            let _open = gate.open();
            assert_eq!(child.wait().unwrap().code(), Some(code), "{way:?}");
            let there = files(&out);
            assert_eq!(there.len(), 2, "what ran is there, and nothing else: {way:?} {there:?}");
            assert!(there.contains(&"quick/first".to_owned()), "{way:?} {there:?}");

            // Run again, it does the rest.
            let again = holds_in_child(&out, Duration::ZERO, way).output().unwrap();
            assert!(again.status.success());
            assert_eq!(files(&out).len(), 52);
        }
    }
}

#[test]
fn the_second_signal_ends_it_at_once() {
    for way in WAYS {
        let bench = Bench::new();
        let out = bench.file("out");
        let (mut child, _gate) = holding(&out, Duration::from_secs(600), way);
        send("-TERM", &child);
        wait_for("no more tasks start", child.stderr.as_mut().unwrap());
        send("-INT", &child);
        assert_eq!(child.wait().unwrap().code(), Some(130), "{way:?}");
        assert_eq!(files(&out), ["quick/first"], "neither a claim nor a draft is left: {way:?}");
    }
}

#[test]
fn so_does_the_end_of_the_grace_period() {
    for way in WAYS {
        let bench = Bench::new();
        let out = bench.file("out");
        let (mut child, _gate) = holding(&out, Duration::from_millis(10), way);
        send("-INT", &child);
        wait_for("some tasks were still running: they are stopped", child.stderr.as_mut().unwrap());
        assert_eq!(child.wait().unwrap().code(), Some(130), "{way:?}");
        assert_eq!(files(&out), ["quick/first"], "{way:?}");
    }
}

#[flow]
fn idle() -> pipex::Result<()> {
    quick(0).base("first").run()?;
    println!("\nheld");
    loop {
        std::thread::park();
    }
}

#[test]
#[ignore = "a child of the test below"]
fn child_idles() {
    let config = Config::new().grace(Duration::ZERO);
    let config = match std::env::var("PIPEX_TESTS_SIGNALS").as_deref() {
        Ok("") | Err(_) => config,
        Ok(signals) => config.signals(signals.parse().unwrap()),
    };
    config.scope(idle).unwrap();
}

/// Where nothing is kept, or the program has not asked for more, they do what they do without pipex.
#[test]
fn in_do_nothing_and_where_it_is_not_asked_pipex_leaves_signals_alone() {
    use std::os::unix::process::ExitStatusExt;

    for (mode, signals, ends) in
        [("do_nothing", "true", 15), ("cache", "", 15), ("cache", "false", 15), ("cache", "true", 143)]
    {
        let bench = Bench::new();
        let mut command = child("signals::child_idles", bench.path());
        command.env("PIPEX", mode).env("PIPEX_TESTS_SIGNALS", signals).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        wait_for("held", child.stdout.as_mut().unwrap());
        send("-TERM", &child);
        let status = child.wait().unwrap();
        assert_eq!(status.signal().or(status.code()), Some(ends), "{mode} {signals}");
    }
}

/// Says in a file that it ran, and gives something large enough to be killed over.
#[task]
fn logged(number: u32, log: &Path) -> std::io::Result<Vec<u32>> {
    let mut log = OpenOptions::new().append(true).create(true).open(log)?;
    log.write_all(format!("{number}\n").as_bytes())?;
    if number.is_multiple_of(50) {
        println!("\nat {number}");
    }
    Ok(vec![number; 20_000])
}

#[task]
fn length(values: &[u32]) -> usize {
    values.len()
}

#[flow]
fn thousand(log: &Path) -> pipex::Result<usize> {
    let lengths: Vec<_> = (0..500)
        .map(|number| length(logged(number, log.to_owned()).base(number.to_string()).submit()).submit())
        .collect();
    lengths.iter().map(pipex::Output::load).sum()
}

#[test]
#[ignore = "a child of the test below"]
fn child_thousand() {
    let out = std::env::var("PIPEX_PATH").unwrap();
    let log = Path::new(&out).with_extension("log");
    println!("\nsum {}", Config::new().signals(true).scope(|| thousand(&log)).unwrap());
}

#[test]
fn killed_again_and_again_a_run_is_completed_and_recomputes_only_what_was_not_there() {
    for mode in ["cache", "prefect.cache"] {
        killed_again_and_again(mode);
    }
}

fn killed_again_and_again(mode: &str) {
    let bench = Bench::new();
    let (out, log) = (bench.file("out"), bench.file("out.log"));
    let start = || {
        let mut command = child("signals::child_thousand", &out);
        command.env("PIPEX", mode).env("PIPEX_WORKERS", "2").env("PIPEX_QUIET", "1");
        command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    };
    let ran = || std::fs::read_to_string(&log).unwrap_or_default();
    // The instants at which it is killed are as random as the machine is busy.
    for (at, signal) in [(50, "-KILL"), (150, "-TERM"), (250, "-KILL"), (350, "-TERM"), (450, "-KILL")] {
        let there = files(&out);
        let before = ran().len();
        let mut child = start();
        wait_for(&format!("at {at}"), child.stdout.as_mut().unwrap());
        send(signal, &child);
        child.wait().unwrap();
        for number in ran()[before..].lines() {
            assert!(!there.contains(&format!("logged/{number}")), "{number} was there and ran again");
        }
    }
    let there = files(&out);
    let before = ran().len();
    let mut last = start();
    let said: Vec<String> = BufReader::new(last.stdout.take().unwrap()).lines().map(Result::unwrap).collect();
    assert!(last.wait().unwrap().success());
    assert!(said.iter().any(|line| line == "sum 10000000"), "{said:?}");
    for number in ran()[before..].lines() {
        assert!(!there.contains(&format!("logged/{number}")), "{number} was there and ran again");
    }
    let left: Vec<_> = files(&out).into_iter().filter(|file| file.contains("/.")).collect();
    assert_eq!(left, [""; 0], "nothing is left behind");
}
