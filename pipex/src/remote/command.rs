//! The executable as a command: one task by its name, what is missing, a worker.

use std::io::{self, BufRead as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, exit};
use std::sync::atomic::{AtomicBool, Ordering};

use super::registry::all;
use super::{JobError, Order, find};
use crate::config::Config;
use crate::environment::{env_text, is_set};
use crate::executor::Local;
use crate::mode::Mode;
use crate::report::say;

const USAGE: &str = "\
usage: PROGRAM pipex tasks                     the tasks marked `#[task(remote)]`, with their parameters
       PROGRAM pipex run TASK ARGS [OPTIONS]   runs one; ARGS is JSON: '{\"day\": \"2013-07-04\"}'
           --path PATH   --base BASE           what its target's template is filled with
       PROGRAM pipex run LINE                  runs what a line of `missing` says; `-` reads it from stdin
       PROGRAM pipex missing [ARGS..]          runs PROGRAM ARGS.. to see what is missing, a line for each task run that can
                                               run now; nothing is run. Also: PROGRAM --list-missing [ARGS..]
       PROGRAM pipex worker                    does what flows on other machines ask for (PIPEX_NATS_URL)
";

/// Sees whether the program was started as a command of pipex's, and if so does that and ends the process. Called first in
/// `main`, before the program looks at its arguments.
///
/// `PROGRAM pipex help` says what there is. `PIPEX_RUN=LINE`, `PIPEX_LIST_MISSING=1` and `PIPEX_WORKER=1` do the same by
/// the environment, also in programs that do not call this: then when their first flow starts.
///
/// ```
/// pipex::remote::command();
/// // .. parse arguments, run the flow
/// ```
///
/// Exit codes: 0 when it went well, 1 when the task failed, 2 when the command line is wrong.
pub fn command() {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("pipex") => obey(&arguments.collect::<Vec<_>>()),
        Some("--list-missing") => missing(&arguments.collect::<Vec<_>>()),
        _ => from_env(),
    }
}

/// The same, as the environment says.
pub(crate) fn from_env() {
    // What is done for it may start flows.
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::Relaxed) {
        return;
    }
    if let Some(line) = env_text("PIPEX_RUN") {
        run(&[line]);
    }
    if is_set("PIPEX_WORKER") {
        worker();
    }
}

fn obey(arguments: &[String]) -> ! {
    match arguments.split_first().map(|(first, rest)| (first.as_str(), rest)) {
        Some(("tasks", [])) => tasks(),
        Some(("run", rest)) => run(rest),
        Some(("missing", rest)) => missing(rest),
        Some(("worker", [])) => worker(),
        Some(("help" | "--help" | "-h", _)) => {
            print!("{USAGE}");
            exit(0)
        }
        _ => misused("there is no such command"),
    }
}

fn misused(problem: &str) -> ! {
    eprint!("pipex: {problem}\n{USAGE}");
    exit(2)
}

fn failed(error: &dyn std::fmt::Debug) -> ! {
    say(&format!("{error:?}"));
    exit(1)
}

fn tasks() -> ! {
    let mut tasks: Vec<_> = all().map(|registered| registered.task).collect();
    tasks.sort_by_key(|task| task.full_name());
    let mut out = io::stdout().lock();
    for task in tasks {
        let _ = writeln!(out, "{}({})  {}:{}", task.full_name(), task.parameters.join(", "), task.file, task.line);
    }
    exit(0)
}

fn worker() -> ! {
    #[cfg(feature = "nats")]
    match crate::nats::serve() {
        Ok(()) => exit(0),
        Err(error) => failed(&error),
    }
    #[cfg(not(feature = "nats"))]
    failed(&crate::error::Error::Feature { feature: "nats", what: "a worker takes tasks from NATS" })
}

fn run(arguments: &[String]) -> ! {
    let order = order(arguments).unwrap_or_else(|problem| misused(&problem));
    // With targets in any case, and here.
    let run = || find(&order.task)?.call(&order)?.run(order);
    let config = Config::new().mode(Mode::PrefectCache).executor(Local::new().workers(1)).quiet(true);
    match config.scope(run) {
        Ok(location) => {
            if let Some(location) = location {
                let _ = writeln!(io::stdout(), "{location}");
            }
            exit(0)
        }
        Err(error) => failed(&error),
    }
}

/// What is to be run.
fn order(arguments: &[String]) -> Result<Order, String> {
    let line = |text: &str| {
        Order::from_bytes("the line", text.as_bytes()).map_err(|error| match error {
            JobError::Malformed { problem } => format!("the line is none of `missing`: {problem}"),
            error => error.to_string(),
        })
    };
    let mut arguments = arguments.iter();
    let first = arguments.next().ok_or("`run` needs the name of a task, and its arguments as JSON")?;
    let mut order = if first == "-" {
        let mut text = String::new();
        io::stdin().lock().read_line(&mut text).map_err(|error| format!("cannot read stdin: {error}"))?;
        line(&text)?
    } else if first.trim_start().starts_with('{') {
        line(first)?
    } else {
        let args = arguments.next().ok_or(format!("`run {first}` needs the task's arguments as JSON, or {{}}"))?;
        let args = serde_json::from_str(args).map_err(|error| format!("the arguments are no JSON object: {error}"))?;
        Order { task: first.clone(), args, ..Order::default() }
    };
    while let Some(option) = arguments.next() {
        let value = arguments.next().cloned().ok_or(format!("{option} needs a value"))?;
        match option.as_str() {
            "--path" => order.path = Some(value),
            "--base" => order.base = Some(value),
            _ => return Err(format!("there is no option {option}")),
        }
    }
    Ok(order)
}

/// Runs the program itself, told to list what is missing.
fn missing(arguments: &[String]) -> ! {
    let program = std::env::current_exe().unwrap_or_else(|error| failed(&error));
    let mut program = Command::new(program);
    program.args(arguments).env("PIPEX_LIST_MISSING", "1");
    if !Mode::from_env().is_ok_and(Mode::caches) {
        program.env("PIPEX", "cache");
    }
    failed(&program.exec())
}
