//! What people are told while a flow runs, and at its end.

use std::path::Path;
use std::process::{Output as Said, Stdio};
use std::sync::mpsc::{Sender, channel};
use std::sync::{Condvar, Mutex};
use std::time::Duration;

use pipex::{Config, Event, FlowRun, Mode, Reporter, TaskRun, flow, task};
use serde::{Serialize, Serializer};

use crate::support::{Bench, child};
use crate::terminal::Terminal;

#[task(name = "clean {station}")]
fn clean(station: &str) -> Result<usize, String> {
    tracing::info!(rows = 3, "dropped some of {station}");
    log::warn!("by the crate log");
    tracing::debug!("in detail");
    // On a thread of the user's own there is no task run.
    std::thread::scope(|scope| _ = scope.spawn(|| tracing::info!("elsewhere")).join());
    if station == "bad" { Err("no such station".to_owned()) } else { Ok(station.len()) }
}

#[task]
async fn fetch(station: &str) -> usize {
    tokio::task::yield_now().await;
    tracing::info!("after waiting");
    station.len()
}

/// It cannot tell of an error by what it returns.
#[flow]
fn year() -> usize {
    tracing::info!("begins");
    let outputs = ["good", "bad"].map(|station| clean(station).submit());
    let _ = fetch("far").submit();
    let _ = fetch("never").name("never fetched").wait_for(&outputs).submit();
    outputs.len()
}

#[test]
#[ignore = "a child of the tests below"]
fn child_year() {
    if std::env::var_os("PIPEX_TESTS_LOGS").is_some() {
        pipex::logging::init();
        // A second time it changes nothing.
        pipex::logging::init();
    }
    assert_eq!(year(), 2);
}

fn run_child(mode: &str, settings: &[(&str, &str)]) -> Said {
    run_named_child("telling::child_year", Bench::new().path(), mode, settings)
}

fn run_named_child(name: &str, out: &Path, mode: &str, settings: &[(&str, &str)]) -> Said {
    let mut child = child(name, out);
    let output = child.env("PIPEX", mode).envs(settings.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    output
}

fn lines(mode: &str, settings: &[(&str, &str)]) -> Vec<String> {
    let said = String::from_utf8(run_child(mode, settings).stderr).unwrap();
    // Without the time.
    said.lines().map(|line| line.split_once(" | ").map_or(line, |(_, line)| line).to_owned()).collect()
}

#[test]
fn log_lines_carry_the_task_runs_name_on_whatever_thread() {
    let lines = lines("prefect", &[("PIPEX_TESTS_LOGS", "1"), ("PIPEX_WORKERS", "2")]);
    let one = |start: &str| {
        let found: Vec<_> = lines.iter().filter(|line| line.starts_with(start)).collect();
        assert_eq!(found.len(), 1, "{start}: {lines:#?}");
        found[0].clone()
    };
    assert!(one("INFO    | Flow run 'year' - begins").contains("tests/telling.rs:"));
    assert!(one("INFO    | Task run 'clean good' - dropped some of good  rows=3").contains("tests/telling.rs:"));
    assert!(one("WARNING | Task run 'clean good' - by the crate log").contains("tests/telling.rs:"));
    one("INFO    | Task run 'fetch' - after waiting");
    // What pipex says names the place of the user's function.
    assert!(
        one("ERROR   | Task run 'clean bad' - task run \"clean bad\": no such station").contains("tests/telling.rs:")
    );
    let unasked = one("ERROR   | Flow run 'year' - flow run \"year\": 1 submitted task run failed, unasked: task run");
    assert!(unasked.contains("tests/telling.rs:"), "{unasked}");
    assert!(!lines.iter().any(|line| line.contains("in detail")), "{lines:#?}");
    // What did not run for it is counted in the table, and not told one by one.
    assert!(!lines.iter().any(|line| line.contains("never fetched")), "{lines:#?}");
}

#[test]
fn pipex_log_sets_the_level() {
    let detailed = lines("prefect", &[("PIPEX_TESTS_LOGS", "1"), ("PIPEX_LOG", "debug")]);
    assert!(
        detailed.iter().any(|line| line.starts_with("DEBUG   | Task run 'clean good' - in detail")),
        "{detailed:#?}"
    );
    let errors = lines("prefect", &[("PIPEX_TESTS_LOGS", "1"), ("PIPEX_LOG", "error"), ("PIPEX_QUIET", "1")]);
    assert_eq!(errors.len(), 2, "{errors:#?}");
    let wrong = lines("prefect", &[("PIPEX_TESTS_LOGS", "1"), ("PIPEX_LOG", "loud")]);
    assert!(wrong[0].starts_with("pipex: PIPEX_LOG=loud: \"loud\" is no level"), "{wrong:#?}");
}

#[test]
fn at_the_end_a_table_by_task_function_and_without_it_in_one_line() {
    let lines_ = lines("prefect", &[]);
    let table: Vec<Vec<&str>> = lines_.iter().map(|line| line.split_whitespace().take(5).collect()).collect();
    assert!(table.contains(&vec!["task", "ran", "cached", "failed", "skipped"]), "{lines_:#?}");
    assert!(table.contains(&vec!["clean", "1", "0", "1", "0"]), "{lines_:#?}");
    // Without a subscriber an error that no one can be given is told all the same.
    assert!(
        lines_.iter().any(|line| line.starts_with("pipex: flow run \"year\": 1 submitted task run failed")),
        "{lines_:#?}"
    );
    assert_eq!(lines("prefect", &[("PIPEX_QUIET", "1")]).len(), 1, "the error only");
    assert_eq!(lines("cache", &[("PIPEX_QUIET", "1")]).len(), 1);
}

#[task]
fn length(cleaned: usize) -> usize {
    cleaned
}

#[flow]
fn chain() -> pipex::Result<usize> {
    let _ = clean("good").base("good").submit();
    let never = length(clean("bad").base("bad").submit()).submit();
    length(never).name("the last").base("last").submit().load()
}

#[test]
#[ignore = "a child of the test below"]
fn child_chain() {
    if std::env::var_os("PIPEX_TESTS_LOGS").is_some() {
        pipex::logging::init();
    }
    println!("\nerror {}", chain().unwrap_err());
    // Outside flows there is no table.
    clean("good").base("again").run().unwrap();
}

/// In whatever mode it runs: who did not run says for whom, and the table and the log have them all.
#[test]
fn what_fails_is_seen_in_every_mode() {
    for mode in ["cache", "prefect", "prefect.cache"] {
        let bench = Bench::new();
        let output = run_named_child("telling::child_chain", bench.path(), mode, &[]);
        let (stdout, stderr) = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).into();
        let error = stdout.lines().find(|line| line.starts_with("error ")).unwrap();
        assert!(error.starts_with("error task run \"the last\""), "{mode}: {error}");
        assert!(error.contains(": an argument is not to be had, so it did not run: task run \"clean bad\""), "{error}");
        assert!(error.ends_with(": no such station"), "{mode}: {error}");
        assert_eq!(error.matches("task run").count(), 2, "not each that did not run on the way: {error}");

        let rows: Vec<Vec<&str>> = stderr.lines().map(|line| line.split_whitespace().take(5).collect()).collect();
        let mut rows: Vec<_> = rows.iter().map(|row| row.join(" ")).collect();
        assert_eq!(rows.remove(0), "task ran cached failed skipped", "{mode}: {stderr}");
        rows.sort();
        assert_eq!(rows, ["clean 1 0 1 0", "length 0 0 0 2"], "{mode}: {stderr}");

        let quiet = run_named_child("telling::child_chain", bench.path(), mode, &[("PIPEX_QUIET", "1")]);
        assert_eq!(String::from_utf8(quiet.stderr).unwrap(), "", "{mode}");

        let logs = run_named_child("telling::child_chain", bench.path(), mode, &[("PIPEX_TESTS_LOGS", "1")]);
        let logs = String::from_utf8(logs.stderr).unwrap();
        let errors: Vec<_> = logs.lines().filter(|line| line.contains("ERROR")).collect();
        assert_eq!(errors.len(), 1, "{mode}: {logs}");
        assert!(errors[0].contains("Task run 'clean bad' - task run \"clean bad\""), "{mode}: {logs}");
    }
}

#[flow]
fn shown() -> pipex::Result<()> {
    clean("one").base("one").run()?;
    clean("two").base("two").run()?;
    // Until whoever looks at the terminal has seen it.
    std::io::stdin().read_line(&mut String::new()).map(drop).expect("it is told to go on");
    Ok(())
}

#[test]
#[ignore = "a child of the test below"]
fn child_shown() {
    shown().unwrap();
}

#[test]
fn on_a_terminal_a_bar_for_each_task_function() {
    for mode in ["cache", "prefect.cache"] {
        let bench = Bench::new();
        let (mut terminal, end) = Terminal::open();
        let mut command = child("telling::child_shown", bench.path());
        command.env("PIPEX", mode).env("TERM", "xterm").env_remove("NO_COLOR");
        let mut child = command.stdin(end.try_clone().unwrap()).stdout(Stdio::null()).stderr(end).spawn().unwrap();
        // It holds the terminal open.
        drop(command);
        terminal.until("2 done, 0 cached, 0 failed");
        assert!(terminal.screen.contains("clean "), "{mode}: {:?}", terminal.screen);
        terminal.press("\n");
        assert!(child.wait().unwrap().success());
        let screen = terminal.close();
        assert!(screen.contains("longest s"), "the table comes when the bars have gone: {mode}: {screen:?}");
    }
}

#[test]
fn a_setting_that_means_nothing_is_an_error_that_names_it() {
    let said = lines("prefect", &[("PIPEX_WORKERS", "many")]);
    assert!(
        said.iter().any(|line| line.contains("PIPEX_WORKERS=many is not a number of workers, 1 or more: set it")),
        "{said:#?}"
    );
    let said = lines("prefect", &[("PIPEX_LIMITS", "database")]);
    assert!(
        said.iter().any(|line| line.contains("PIPEX_LIMITS=database is not tags with limits, such as")),
        "{said:#?}"
    );
}

/// Ends when it has been told three times that it is still running.
static TOLD: (Mutex<usize>, Condvar) = (Mutex::new(0), Condvar::new());

#[task(name = "long {number}")]
fn long(number: u64) -> u64 {
    let told = TOLD.1.wait_while(TOLD.0.lock().unwrap(), |told| *told < 3).unwrap();
    drop(told);
    number
}

struct Listens(Mutex<Sender<String>>);

impl Reporter for Listens {
    fn task_run(&self, run: &TaskRun<'_>) {
        self.0.lock().unwrap().send(format!("{:?} {}", run.state, run.name())).unwrap();
    }

    fn still_running(&self, run: &TaskRun<'_>) {
        assert!(run.elapsed >= Duration::from_millis(5));
        self.0.lock().unwrap().send(format!("still {}", run.name())).unwrap();
        *TOLD.0.lock().unwrap() += 1;
        TOLD.1.notify_all();
    }

    fn flow_started(&self, run: &FlowRun) {
        self.0.lock().unwrap().send(format!("{} starts", run.flow.name)).unwrap();
    }

    fn flow_ended(&self, run: &FlowRun) {
        self.0.lock().unwrap().send(format!("{} ends", run.flow.name)).unwrap();
    }
}

#[flow]
fn waits_long() -> pipex::Result<u64> {
    long(1).submit().load()
}

#[test]
fn what_runs_for_long_says_so_again_and_again() {
    let (tell, heard) = channel();
    let config = Config::new().mode(Mode::Prefect).quiet(true).keepalive(Duration::from_millis(5));
    config.reporter(Listens(Mutex::new(tell))).scope(waits_long).unwrap();
    let heard: Vec<String> = heard.try_iter().collect();
    assert_eq!(heard[0], "waits_long starts");
    assert_eq!(heard[1..4], ["still long 1", "still long 1", "still long 1"]);
    assert_eq!(heard[heard.len() - 2..], ["Completed long 1", "waits_long ends"]);
}

#[test]
fn flows_tell_in_mode_cache_as_well() {
    let (tell, heard) = channel();
    Bench::new().config(Mode::Cache).path("/proc/none").reporter(Listens(Mutex::new(tell))).scope(year);
    let heard: Vec<String> = heard.try_iter().collect();
    assert_eq!((heard[0].as_str(), heard[heard.len() - 1].as_str()), ("year starts", "year ends"));
}

/// Nothing can be told of it.
struct Untold;

struct Panics;

impl Serialize for Panics {
    fn serialize<S: Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        panic!("it cannot be shown")
    }
}

#[task]
fn number() -> u64 {
    7
}

#[task]
fn takes(many: Vec<u64>, word: &str, _untold: Untold, _panics: Panics, number: u64, maybe: Option<u64>) -> usize {
    let _ = (word, number, maybe);
    many.len()
}

struct Taken(Mutex<Sender<(Vec<String>, Vec<&'static str>)>>);

impl Reporter for Taken {
    fn wants_inputs(&self) -> bool {
        true
    }

    fn event(&self, event: &Event<'_>) {
        let Event::TaskRun(run) = event else { return };
        if run.task.funcname == "takes" {
            let values = run.parameters.iter().map(|(name, text)| format!("{name}={text}")).collect();
            self.0.lock().unwrap().send((values, run.inputs.iter().map(|(name, _)| *name).collect())).unwrap();
        }
    }
}

#[test]
fn who_wants_it_is_told_what_runs_take_and_what_cannot_be_shown_is_no_reason_to_fail() {
    let (tell, heard) = channel();
    let config = Config::new().mode(Mode::Prefect).quiet(true).reporter(Taken(Mutex::new(tell)));
    let run = || takes(vec![1; 1000], "a\n\"b\"".to_owned(), Untold, Panics, number().submit(), None).submit().load();
    assert_eq!(config.scope(run).unwrap(), 1000);
    let many = format!("many=[{}..", "1,1,1,".repeat(20).get(..119).unwrap());
    let values = [&*many, r#"word="a\n\"b\"""#, "_untold=", "_panics=", "maybe=null"].map(str::to_owned).to_vec();
    let heard: Vec<_> = heard.try_iter().collect();
    assert_eq!(heard, vec![(values, vec!["number"]); 3], "submitted, started and ended");
}
