//! The executable as a command: one task by its name, what is missing, a worker.

use std::convert::Infallible;
use std::ffi::{OsStr, OsString};
use std::io::{self, BufRead as _, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Command, exit};

use lexopt::Arg::{Long, Short, Value};
use lexopt::{Arg, Error, Parser, ValueExt as _};

use super::make;
use crate::flow::config::Config;
use crate::run::engine;
use crate::run::job::{all, find};
use crate::run::local::Local;
use pipex_format::environment;
use pipex_format::model::error::JobError;
use pipex_format::model::mode::Mode;
use pipex_format::say::say;
use pipex_format::wire::Order;

const USAGE: &str = "\
usage: PROGRAM pipex tasks                     the tasks marked `#[task(remote)]`, with their parameters
       PROGRAM pipex run TASK ARGS [OPTIONS]   runs one; ARGS is JSON: '{\"day\": \"2013-07-04\"}'
           --path PATH   --base BASE           what its target's template is filled with
       PROGRAM pipex run LINE                  runs what a line of `missing` says; `-` reads it from stdin
       PROGRAM pipex missing [ARGS..]          runs PROGRAM ARGS.. to see what is missing, a line for each task run that can
                                               run now; nothing is run. Also: PROGRAM --list-missing [ARGS..]
       PROGRAM pipex make TARGET.. [OPTIONS] [-- ARGS..]
                                               runs PROGRAM ARGS.. to make these, and only what they need
           --until TASK                        all outputs of this task function
           --force                             they are made again though they are there and fresh
       PROGRAM pipex worker                    does what flows on other machines ask for (PIPEX_NATS_URL)
";

/// Sees whether the program was started as a command of pipex's, and if so does that and ends the process. Called first in
/// `main`, before the program looks at its arguments; [`#[pipex::main]`](crate::main) does so by itself.
///
/// `PROGRAM pipex help` says what there is.
///
/// ```
/// pipex::remote::command();
/// // .. parse arguments, run the flow
/// ```
///
/// Exit codes: 0 when it went well, 1 when the task failed, 2 when the command line is wrong.
pub fn command() {
    environment::warn_of_removed();
    let mut arguments = std::env::args_os().skip(1);
    let first = arguments.next();
    match first.as_deref().and_then(OsStr::to_str) {
        Some("pipex") => run_command(arguments),
        Some("--list-missing") => list_missing(arguments),
        _ => {}
    }
}

/// Does what `PROGRAM pipex ARGUMENTS..` does, and ends the process as [`command`] would: for programs in whose command line
/// pipex's commands stand elsewhere.
///
/// ```no_run
/// // PROGRAM serve
/// if std::env::args().nth(1).as_deref() == Some("serve") {
///     pipex::remote::run_command(["worker"]);
/// }
/// ```
pub fn run_command(arguments: impl IntoIterator<Item = impl Into<OsString>>) -> ! {
    let arguments: Vec<OsString> = arguments.into_iter().map(Into::into).collect();
    let Err(error) = execute(Parser::from_args(arguments));
    end_misused(&error)
}

fn execute(mut arguments: Parser) -> Result<Infallible, Error> {
    let command = match arguments.next()? {
        Some(Value(command)) => command.string()?,
        Some(option) => return Err(reject(option)),
        None => return Err("there is no command".into()),
    };
    match &*command {
        "run" => run_task(arguments),
        "make" => make::make(arguments.raw_args()?),
        "missing" => list_missing(arguments.raw_args()?),
        "help" => print_usage(),
        "tasks" => {
            expect_end(arguments)?;
            list_tasks()
        }
        "worker" => {
            expect_end(arguments)?;
            run_worker()
        }
        _ => Err("there is no such command".into()),
    }
}

fn expect_end(mut arguments: Parser) -> Result<(), Error> {
    match arguments.next()? {
        Some(argument) => Err(reject(argument)),
        None => Ok(()),
    }
}

/// The error of an argument that has no place here, unless it asks for help.
pub(super) fn reject(argument: Arg<'_>) -> Error {
    match argument {
        Long("help") | Short('h') => print_usage(),
        argument => argument.unexpected(),
    }
}

fn print_usage() -> ! {
    print!("{USAGE}");
    exit(0)
}

fn end_misused(problem: &Error) -> ! {
    eprint!("pipex: {problem}\n{USAGE}");
    exit(2)
}

fn end_failed(error: &dyn std::fmt::Debug) -> ! {
    say(&format!("{error:?}"));
    exit(1)
}

fn list_tasks() -> ! {
    let mut tasks: Vec<_> = all().map(|registered| registered.task).collect();
    tasks.sort_by_key(|task| task.full_name());
    let mut out = io::stdout().lock();
    for task in tasks {
        let _ = writeln!(out, "{}({})  {}:{}", task.full_name(), task.parameters.join(", "), task.file, task.line);
    }
    exit(0)
}

fn run_worker() -> ! {
    match engine::serve() {
        Ok(()) => exit(0),
        Err(error) => end_failed(&error),
    }
}

fn run_task(arguments: Parser) -> Result<Infallible, Error> {
    let order = parse_order(arguments)?;
    // With targets in any case, and here. The process does nothing else, so signals are for it.
    let run = || find(&order.task)?.call(&order)?.run(&order);
    let config = Config::new().mode(Mode::PrefectCache).executor(Local::new().workers(1)).quiet(true).signals(true);
    match config.scope(run) {
        Ok(location) => {
            if let Some(location) = location {
                let _ = writeln!(io::stdout(), "{location}");
            }
            exit(0)
        }
        Err(error) => end_failed(&error),
    }
}

/// What is to be run.
fn parse_order(mut arguments: Parser) -> Result<Order, Error> {
    let (mut values, mut path, mut base) = (Vec::new(), None, None);
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(value) => values.push(value.string()?),
            Long("path") => path = Some(arguments.value()?.string()?),
            Long("base") => base = Some(arguments.value()?.string()?),
            option => return Err(reject(option)),
        }
    }
    let mut values = values.into_iter();
    let first = values.next().ok_or("`run` needs the name of a task, and its arguments as JSON")?;
    let is_line = first == "-" || first.trim_start().starts_with('{');
    let args = if is_line { None } else { values.next() };
    if let Some(value) = values.next() {
        return Err(Value(value.into()).unexpected());
    }
    let mut order = match args {
        _ if is_line => parse_line(first)?,
        Some(args) => {
            let args =
                serde_json::from_str(&args).map_err(|error| format!("the arguments are no JSON object: {error}"))?;
            Order { task: first, args, ..Order::default() }
        }
        None => return Err(format!("`run {first}` needs the task's arguments as JSON, or {{}}").into()),
    };
    order.path = path.or(order.path);
    order.base = base.or(order.base);
    Ok(order)
}

/// A line of `missing`; `-` stands for one on stdin.
fn parse_line(mut line: String) -> Result<Order, Error> {
    if line == "-" {
        line.clear();
        io::stdin().lock().read_line(&mut line).map_err(|error| format!("cannot read stdin: {error}"))?;
    }
    Order::from_bytes("the line", line.as_bytes()).map_err(|error| match error {
        JobError::Malformed { problem } => format!("the line is none of `missing`: {problem}").into(),
        error => error.to_string().into(),
    })
}

/// Runs the program itself, told to list what is missing.
fn list_missing(arguments: impl Iterator<Item = OsString>) -> ! {
    become_program(arguments, "PIPEX_DRY_RUN", "jobs")
}

/// Runs the program itself with these arguments, in a mode with targets, told this by a variable.
pub(super) fn become_program(arguments: impl Iterator<Item = OsString>, name: &str, value: &str) -> ! {
    let program = std::env::current_exe().unwrap_or_else(|error| end_failed(&error));
    let mut program = Command::new(program);
    program.args(arguments).env(name, value);
    if !environment::mode().is_ok_and(Mode::caches) {
        program.env("PIPEX", "cache");
    }
    end_failed(&program.exec())
}

#[cfg(test)]
mod tests {
    use super::{Parser, parse_order};

    fn parse(arguments: &[&str]) -> Result<(String, Option<String>, Option<String>), String> {
        let order = parse_order(Parser::from_args(arguments)).map_err(|error| error.to_string())?;
        Ok((order.task, order.path, order.base))
    }

    #[test]
    fn options_stand_anywhere_and_hold_against_the_line() {
        let order = |path: &str, base: &str| Ok(("clean".to_owned(), Some(path.to_owned()), Some(base.to_owned())));
        assert_eq!(parse(&["clean", "{}", "--path", "out", "--base", "EWR"]), order("out", "EWR"));
        assert_eq!(parse(&["--path=out", "clean", "--base", "-1", "--", "{}"]), order("out", "-1"));
        let line = r#" {"task":"clean","args":{},"path":"out","base":"EWR"}"#;
        assert_eq!(parse(&[line]), order("out", "EWR"));
        assert_eq!(parse(&[line, "--path", "other"]), order("other", "EWR"));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (arguments, expected) in [
            (&[][..], "needs the name of a task"),
            (&["clean"], "`run clean` needs the task's arguments as JSON"),
            (&["clean", "{"], "the arguments are no JSON object"),
            (&["clean", "{}", "more"], "\"more\""),
            (&[r#"{"task":"#], "the line is none of `missing`"),
            (&[r#"{"task":"clean","args":{}}"#, "more"], "\"more\""),
            (&["clean", "{}", "--path"], "--path"),
            (&["clean", "{}", "--paths", "out"], "--paths"),
        ] {
            let error = parse(arguments).expect_err("one of these is refused");
            assert!(error.contains(expected), "{arguments:?}: {error}");
        }
    }
}
