//! Commands of the shell as bodies of tasks: what they are given, what comes of them, and that none outlives what waits for it.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use pipex::{Call, Config, Error, Mode, Output, RunError, ShellError, Stale, State, flow, shell, task};
use rustix::fs::OFlags;

use crate::gate::Gate;
use crate::support::{Bench, child, files};

const MODES: [Mode; 4] = [Mode::DoNothing, Mode::Cache, Mode::Prefect, Mode::PrefectCache];

/// Why a run failed, if it was the command.
fn command_error(error: &Error) -> &ShellError {
    let Error::Task { source, .. } = error else { panic!("{error}") };
    source.downcast_ref().unwrap_or_else(|| panic!("{error}"))
}

#[task(save = false, target = "{path}/{number}.txt")]
fn copy(number: usize, input: &Path, #[target] to: &Path) -> Result<(), ShellError> {
    shell!("cat -- {input} > {to}")
}

#[task]
fn print(text: String) -> Result<String, ShellError> {
    shell!("printf '[%s]' {text} \"{text}\" x{text}y; cat <<END\n{text}\nEND", stdout)
}

#[test]
fn no_name_is_read_as_code() {
    let bench = Bench::new();
    let names: [&[u8]; 14] = [
        b"plain",
        b"two  words",
        b" it's \"quoted\" ",
        b"$(touch injected) `touch injected` ${HOME}",
        b"; touch injected; #",
        b"\\",
        b"a\nnewline",
        b"*",
        b"-n",
        b"~",
        b"'",
        b"\"; touch injected; \"",
        b"$pipex_1",
        #[cfg(target_os = "linux")]
        b"no \xff UTF-8",
        #[cfg(not(target_os = "linux"))]
        b"!",
    ];
    let inputs = bench.file("inputs");
    fs::create_dir(&inputs).unwrap();
    for name in names {
        fs::write(inputs.join(OsStr::from_bytes(name)), name).unwrap();
    }
    for mode in MODES {
        let out = tempfile::tempdir().unwrap();
        bench.config(mode).path(out.path()).scope(|| {
            for (number, name) in names.iter().enumerate() {
                let input = inputs.join(OsStr::from_bytes(name));
                let copied = copy(number, &input).run().unwrap();
                assert_eq!(fs::read(copied.location().unwrap().path()).unwrap(), *name, "{mode:?}");
                let Ok(name) = std::str::from_utf8(name) else { continue };
                let printed = print(name.to_owned()).base(number.to_string()).run().unwrap().load().unwrap();
                assert_eq!(printed, format!("[{name}][{name}][x{name}y]{name}\n"), "{mode:?}");
            }
        });
    }
    assert!(!files(Path::new(".")).iter().any(|file| file.ends_with("injected")));
}

#[derive(Clone, Debug, serde::Serialize)]
struct Params {
    rate: f64,
    name: Option<String>,
}

struct Celsius(f64);

impl std::fmt::Display for Celsius {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.1} °C", self.0)
    }
}

#[task]
fn words(params: Params, files: &[PathBuf], numbers: Vec<u32>) -> Result<String, ShellError> {
    let (celsius, pair, none) = (Celsius(21.0), ("a b", 'c'), Vec::<String>::new());
    shell!(
        "printf '<%s>' {params.rate} {params.name} {params.rate:.2} {files} \"{numbers}\" {numbers} {celsius} {pair.0}{pair.1} {none} |
         tr -d '{{}}'",
        stdout
    )
}

#[test]
fn values_are_words_and_several_are_several() {
    for mode in MODES {
        let bench = Bench::new();
        let params = Params { rate: 0.5, name: Some("a {b}".to_owned()) };
        let files = vec![PathBuf::from("x y"), "z".into()];
        let given = bench.config(mode).scope(|| words(params, files, vec![1, 2]).base("b").run().unwrap().load());
        let expected = "<0.5><a b><0.50><x y><z><1 2><1><2><21.0 °C><a bc>";
        assert_eq!(given.unwrap(), expected, "{mode:?}");
    }
}

#[task(save = false, target = "{path}/{base}")]
fn fails(how: &str, #[target] to: &Path) -> Result<(), ShellError> {
    match how {
        "code" => shell!("echo half > {to}; echo 'first' >&2; echo 'it is \x1b[1mbroken' >&2; exit 7"),
        "pipeline" => shell!("(echo half; exit 3) | cat > {to}"),
        "middle" => shell!("false\necho whole > {to}"),
        "unset" => shell!("echo ${{no_such_variable}} > {to}"),
        "missing" => shell!("no-such-program {to}"),
        "signal" => shell!("kill -KILL $$"),
        "reader" => shell!("yes | head -n 1 > {to}"),
        "nul" => {
            let name = "a\0b";
            shell!("echo {name} > {to}")
        }
        _ => shell!("(seq 1 30000 | sed 's/^/line /') >&2; echo whole > {to}; false"),
    }
}

#[test]
fn what_fails_says_how_and_saves_nothing() {
    for mode in MODES {
        let bench = Bench::new();
        bench.config(mode).scope(|| {
            for (how, expected) in [
                ("code", "failed with exit code 7, and said on stderr, at last:\n    first\n    it is [1mbroken"),
                ("pipeline", "failed with exit code 3, and said nothing on stderr"),
                ("middle", "`false echo whole > "),
                ("unset", "no_such_variable: unbound variable"),
                ("missing", "exit code 127: a program in it is not installed"),
                ("signal", "was killed by signal 9"),
                ("reader", "was killed by signal 13"),
                ("nul", "was not started: a value in it has a NUL"),
                ("long", "\n    line 29999\n    line 30000"),
            ] {
                let error = fails(how).base(how).run().unwrap_err();
                assert!(error.to_string().contains(expected), "{mode:?} {how}: {error}");
                let long = match command_error(&error) {
                    ShellError::Failed { command, stderr, .. } => {
                        assert!(how == "signal" || command.contains(&*bench.path().to_string_lossy()), "{command}");
                        stderr.len()
                    }
                    error => {
                        assert!(how == "nul", "{error}");
                        0
                    }
                };
                let kept = 64 << 10;
                assert!(if how == "long" { long == kept } else { long < 200 }, "{how}: {long}");
            }
        });
        assert_eq!(bench.files(), [""; 0], "{mode:?}");
    }
}

#[task]
fn reads_nothing() -> Result<String, ShellError> {
    shell!("cat; printf '\\377'", stdout)
}

#[test]
fn stdin_is_empty_and_what_is_no_text_is_told() {
    let error = Bench::new().cache(|| reads_nothing().base("b").run()).unwrap_err();
    assert!(matches!(command_error(&error), ShellError::NotText { .. }), "{error}");
}

#[task(save = false, target = "{path}/{base}", retries = 2, retry_if = is_busy)]
fn busy(log: &str, codes: &str, #[target] to: &Path) -> Result<(), ShellError> {
    shell!(
        "echo x >> {log}
         code=$(echo {codes} | cut -d ' ' -f $(wc -l < {log}))
         echo done > {to}
         exit \"$code\""
    )
}

fn is_busy(error: &ShellError) -> bool {
    matches!(error, ShellError::Failed { status, .. } if status.code() == Some(75))
}

#[test]
fn what_fails_is_tried_again_where_its_exit_code_says_so() {
    for mode in [Mode::Prefect, Mode::PrefectCache] {
        let bench = Bench::new();
        let logs = tempfile::tempdir().unwrap();
        bench.config(mode).scope(|| {
            let run = |name: &str, codes: &str| {
                let log = logs.path().join(name).to_string_lossy().into_owned();
                let ended = busy(log.clone(), codes.to_owned()).base(name).submit().wait();
                (ended.is_ok(), fs::read_to_string(log).unwrap().lines().count())
            };
            assert_eq!(run("again", "75 75 0"), (true, 3));
            assert_eq!(run("not", "75 1 0"), (false, 2));
        });
        assert_eq!(bench.files(), ["again"], "{mode:?}");
    }
}

mod first {
    use super::*;

    #[task(save = false, target = "{path}/{base}")]
    pub fn sorted(script: &Path, input: &Path, #[target] to: &Path) -> Result<(), ShellError> {
        shell!("sh {script} {input} > {to}")
    }
}

mod other_text {
    use super::*;

    #[task(save = false, target = "{path}/{base}")]
    pub fn sorted(script: &Path, input: &Path, #[target] to: &Path) -> Result<(), ShellError> {
        shell!("sh {script} {input} | uniq > {to}")
    }
}

/// Each run is one of its own, as of a program that has been changed.
#[flow]
fn in_a_flow(
    script: PathBuf,
    input: PathBuf,
    sorted: fn(PathBuf, PathBuf) -> Call<'static, ()>,
) -> pipex::Result<Output<()>> {
    sorted(script, input).base("sorted").run()
}

/// The text of the command, the script and the input are all part of what made an output.
#[test]
fn an_output_is_stale_by_text_script_and_input() {
    for mode in [Mode::Cache, Mode::PrefectCache] {
        let bench = Bench::new();
        let inputs = tempfile::tempdir().unwrap();
        let (script, input) = (inputs.path().join("a script.sh"), inputs.path().join("input"));
        fs::write(&script, "sort \"$1\"\n").unwrap();
        fs::write(&input, "b\na\na\n").unwrap();
        let run = |sorted: fn(PathBuf, PathBuf) -> pipex::Result<Output<()>>| {
            let output =
                bench.config(mode).stale(Stale::Rerun).scope(|| sorted(script.clone(), input.clone())).unwrap();
            (bench.ran().len(), fs::read_to_string(output.location().unwrap().path()).unwrap())
        };
        let sorted = |script, input| in_a_flow(script, input, |script, input| first::sorted(script, input));
        let uniq = |script, input| in_a_flow(script, input, |script, input| other_text::sorted(script, input));
        assert_eq!(run(sorted), (1, "a\na\nb\n".to_owned()));
        assert_eq!(run(sorted), (0, "a\na\nb\n".to_owned()));
        assert_eq!(run(uniq), (1, "a\nb\n".to_owned()), "{mode:?}");
        assert_eq!(run(uniq).0, 0);
        fs::write(&script, "sort -r \"$1\"\n").unwrap();
        assert_eq!(run(uniq), (1, "b\na\n".to_owned()), "{mode:?}");
        fs::write(&input, "c\nb\n").unwrap();
        assert_eq!(run(uniq), (1, "c\nb\n".to_owned()), "{mode:?}");
        assert_eq!(run(uniq).0, 0);
    }
}

/// What a FIFO is open for as long as a command or something that it has started lives.
struct Alive(PathBuf);

impl Alive {
    fn new(path: PathBuf) -> Self {
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        Alive(path)
    }

    fn open(&self) -> File {
        // Nobody is waited for.
        OpenOptions::new().read(true).custom_flags(OFlags::NONBLOCK.bits().cast_signed()).open(&self.0).unwrap()
    }
}

/// Waits until all is dead that has the FIFO; what it said in its life.
fn until_dead(mut fifo: File) -> String {
    rustix::fs::fcntl_setfl(&fifo, OFlags::empty()).unwrap();
    let mut said = String::new();
    fifo.read_to_string(&mut said).unwrap();
    said
}

/// Lives on, with a child and a grandchild, until all three are stopped.
#[task(save = false, target = "{path}/{funcname}/{base}", timeout = "300ms")]
fn lives_on(alive: &Path, #[target] to: &Path) -> Result<(), ShellError> {
    shell!("exec 3> {alive}; echo half > {to}; (sleep 1000 & sleep 1000; wait) & echo alive >&3; wait")
}

/// Does so whatever it is told, but for SIGKILL.
#[task(save = false, target = "{path}/{funcname}/{base}", timeout = "300ms")]
fn lives_on_stubbornly(alive: &Path, #[target] to: &Path) -> Result<(), ShellError> {
    shell!("exec 3> {alive}; trap '' TERM; echo half > {to}; (sleep 1000 & sleep 1000; wait) & echo alive >&3; wait")
}

/// Takes its time to end, and says when it has.
#[task(save = false, target = "{path}/{funcname}/{base}", timeout = "300ms")]
fn tidies_up(alive: &Path, log: &Path, #[target] to: &Path) -> Result<(), ShellError> {
    shell!(
        "tidy() {{ sleep 0.1; echo tidy > {log}; exit 0; }}
         exec 3> {alive}; trap tidy TERM; echo half > {to}; echo alive >&3
         while true; do sleep 0.01; done"
    )
}

/// Calls a task whose command lives on, and has less time than that.
#[task(timeout = "300ms")]
fn calls(alive: &Path) -> Result<(), Error> {
    lives_on_for_long(alive).run().map(drop)
}

#[task(save = false, target = "{path}/inner", timeout = "1d")]
fn lives_on_for_long(alive: &Path, #[target] to: &Path) -> Result<(), ShellError> {
    shell!("exec 3> {alive}; echo half > {to}; (sleep 1000 & sleep 1000; wait) & echo alive >&3; wait")
}

fn assert_timed_out(ended: Result<(), Error>) {
    let error = ended.unwrap_err();
    let Error::Task { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(source.downcast_ref(), Some(RunError::TimedOut { .. })), "{error}");
}

#[test]
fn a_command_that_exceeds_its_time_is_stopped_with_all_that_it_has_started() {
    for mode in [Mode::Prefect, Mode::PrefectCache] {
        for submitted in [true, false] {
            let bench = Bench::new();
            let fifos = tempfile::tempdir().unwrap();
            let alive = Alive::new(fifos.path().join("it's alive"));
            let log = fifos.path().join("log");
            bench.config(mode).scope(|| {
                let fifo = || Output::from(alive.0.clone());
                let exceeds = |call: &dyn Fn() -> Call<'static, ()>| {
                    // Where the machine is slow, it was stopped before it had begun.
                    for attempt in 0.. {
                        let lived = alive.open();
                        let call = call().base(format!("{attempt}"));
                        assert_timed_out(if submitted { call.submit().wait() } else { call.run().map(drop) });
                        let said = until_dead(lived);
                        if !said.is_empty() {
                            assert_eq!(said, "alive\n", "{mode:?}");
                            break;
                        }
                    }
                };
                exceeds(&|| lives_on(fifo()));
                assert_eq!(bench.states().last(), Some(&("lives_on", State::TimedOut)), "{mode:?}");
                exceeds(&|| calls(fifo()));
                // What it has called may end after it, when nobody waits for that any longer.
                assert!(bench.states().contains(&("calls", State::TimedOut)), "{mode:?}");
                // The run has not ended before the command has.
                exceeds(&|| tidies_up(fifo(), log.clone()));
                assert_eq!(fs::read_to_string(&log).unwrap(), "tidy\n", "{mode:?}");
                if mode == Mode::PrefectCache {
                    exceeds(&|| lives_on_stubbornly(fifo()));
                }
            });
            assert_eq!(bench.files(), [""; 0], "{mode:?} {submitted}");
        }
    }
}

/// Leaves something behind, which has nothing to say.
#[task(save = false, target = "{path}/{base}")]
fn leaves(alive: &Path, #[target] to: &Path) -> Result<(), ShellError> {
    shell!("exec 3> {alive}; echo alive >&3; sleep 1000 > /dev/null 2>&1 & echo whole > {to}")
}

/// Leaves something behind that goes on with its work.
#[task(save = false, target = "{path}/{base}")]
fn lets_work(#[target] to: &Path) -> Result<(), ShellError> {
    shell!("(sleep 0.1; echo whole > {to}) &")
}

#[test]
fn what_a_command_leaves_behind_has_ended_before_its_output_is_there() {
    for mode in MODES {
        let bench = Bench::new();
        let alive = Alive::new(bench.file("alive"));
        bench.config(mode).scope(|| {
            let left = alive.open();
            leaves(&alive.0).base("left").run().unwrap();
            assert_eq!(until_dead(left), "alive\n", "{mode:?}");
            let worked = lets_work().base("worked").run().unwrap();
            assert_eq!(fs::read_to_string(worked.location().unwrap().path()).unwrap(), "whole\n", "{mode:?}");
        });
    }
}

/// Says that it runs, and ends when the gate is open.
#[task(save = false, target = "{path}/{base}")]
fn waits(alive: &Path, gate: &Path, #[target] to: &Path) -> Result<(), ShellError> {
    shell!(
        "exec 3> {alive}; echo half > {to}; (sleep 1000 & read -r _ < {gate}; kill $!) & echo alive >&3; wait; echo whole > {to}"
    )
}

#[flow]
fn waits_for_a_command(path: &Path) -> pipex::Result<()> {
    let waits = waits(path.join("alive"), path.join("gate")).base("held").submit();
    if std::env::var("PIPEX_TESTS_ENDS").as_deref() == Ok("panic") {
        BufReader::new(File::open(path.join("started")).unwrap()).read_line(&mut String::new()).unwrap();
        // As a `main` that panics: nothing waits for what was submitted.
        std::process::exit(101);
    }
    waits.wait()
}

#[test]
#[ignore = "a child of the tests below"]
fn child_waits() {
    let path = PathBuf::from(std::env::var("PIPEX_TESTS_AT").unwrap());
    let grace = Duration::from_millis(std::env::var("PIPEX_TESTS_GRACE").unwrap().parse().unwrap());
    let signals = std::env::var("PIPEX_TESTS_SIGNALS").is_ok();
    Config::new().signals(signals).grace(grace).scope(|| waits_for_a_command(&path)).unwrap();
}

/// A program whose command waits at a gate, and what tells whether that is alive.
struct Held {
    child: Child,
    watched: thread::JoinHandle<String>,
    gate: Gate,
    bench: Bench,
}

impl Held {
    fn new(mode: &str, grace: Duration, set: &[(&str, &str)]) -> Self {
        let bench = Bench::new();
        let alive = Alive::new(bench.file("alive"));
        let gate = Gate::new(bench.file("gate"));
        let started = Alive::new(bench.file("started"));
        let mut command = child("shell::child_waits", &bench.file("out"));
        command.env("PIPEX", mode).env("PIPEX_TESTS_AT", bench.path()).envs(set.iter().copied());
        command.env("PIPEX_TESTS_GRACE", grace.as_millis().to_string());
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // Once it can be read, it is alive.
        let mut source = BufReader::new(File::open(&alive.0).unwrap());
        let mut said = String::new();
        source.read_line(&mut said).unwrap();
        let watched = thread::spawn(move || {
            source.read_to_string(&mut said).unwrap();
            said
        });
        if set.contains(&("PIPEX_TESTS_ENDS", "panic")) {
            fs::write(&started.0, "\n").unwrap();
        }
        Held { child, watched, gate, bench }
    }

    fn send(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap().success());
    }

    fn hear(&mut self, line: &str) {
        let mut source = BufReader::new(self.child.stderr.as_mut().unwrap());
        let mut said = String::new();
        while !said.contains(line) {
            said.clear();
            assert!(source.read_line(&mut said).unwrap() > 0, "it ended before it said {line}");
        }
    }

    /// How it has ended, once the command is gone too; what is there of its outputs.
    fn end(mut self) -> (Option<i32>, Vec<String>) {
        let status = self.child.wait().unwrap();
        assert_eq!(self.watched.join().unwrap(), "alive\n");
        drop(self.gate);
        (status.code().or_else(|| status.signal().map(|signal| -signal)), files(&self.bench.file("out")))
    }
}

const SIGNALS: &[(&str, &str)] = &[("PIPEX_TESTS_SIGNALS", "1")];

#[test]
fn ctrl_c_stops_commands_when_the_grace_period_is_over() {
    for mode in ["cache", "prefect", "prefect.cache"] {
        let mut held = Held::new(mode, Duration::from_millis(10), SIGNALS);
        held.send("-INT");
        held.hear("some tasks were still running: they are stopped");
        assert_eq!(held.end(), (Some(130), Vec::new()), "{mode}");
    }
}

#[test]
fn a_second_signal_stops_them_at_once() {
    for mode in ["cache", "prefect.cache"] {
        let mut held = Held::new(mode, Duration::from_secs(600), SIGNALS);
        held.send("-TERM");
        held.hear("no more tasks start");
        held.send("-INT");
        assert_eq!(held.end(), (Some(130), Vec::new()), "{mode}");
    }
}

#[test]
fn a_command_that_ends_within_the_grace_period_has_done_its_work() {
    for mode in ["cache", "prefect.cache"] {
        let mut held = Held::new(mode, Duration::from_secs(600), SIGNALS);
        held.send("-INT");
        held.hear("no more tasks start");
        let mut open = held.gate.open();
        open.write_all(b"\n").unwrap();
        assert_eq!(held.end(), (Some(130), vec!["held".to_owned()]), "{mode}");
    }
}

/// Whatever ends a program, its commands end as well: signals that it does not listen to, one that it cannot, its own exit.
#[test]
fn no_command_outlives_its_program() {
    for mode in ["do_nothing", "cache", "prefect", "prefect.cache"] {
        for (signal, code) in [("-TERM", -15), ("-INT", -2), ("-KILL", -9)] {
            let held = Held::new(mode, Duration::ZERO, &[]);
            held.send(signal);
            assert_eq!(held.end().0, Some(code), "{mode}");
        }
    }
    let held = Held::new("prefect.cache", Duration::ZERO, &[("PIPEX_TESTS_ENDS", "panic")]);
    assert_eq!(held.end().0, Some(101));
}

#[test]
#[ignore = "a child of the test below"]
fn child_logs() {
    pipex::logging::init();
    logs().name("the logs").base("logs").run().unwrap();
}

#[task]
fn logs() -> Result<(), ShellError> {
    shell!("echo to stdout; echo to stderr >&2")
}

#[test]
fn what_a_command_says_is_logged_with_the_name_of_its_run() {
    let bench = Bench::new();
    for mode in ["cache", "prefect"] {
        let out = child("shell::child_logs", bench.path()).env("PIPEX", mode).output().unwrap();
        let said = String::from_utf8(out.stderr).unwrap();
        for line in ["to stdout", "to stderr"] {
            assert!(said.contains(&format!("| INFO    | Task run 'the logs' - {line}  (")), "{mode}: {said}");
        }
    }
}

#[test]
#[ignore = "a child of the test below"]
fn child_has_no_shell() {
    let error = logs().call().unwrap_err();
    println!("\n{error}");
}

#[test]
fn where_there_is_no_shell_it_says_so() {
    let bench = Bench::new();
    let out = child("shell::child_has_no_shell", bench.path()).env("PATH", bench.path()).output().unwrap();
    let said = String::from_utf8(out.stdout).unwrap();
    assert!(said.contains("there is neither `bash` nor `sh` on PATH"), "{said}");
}
