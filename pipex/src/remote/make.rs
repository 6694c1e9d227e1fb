//! `PROGRAM pipex make`: the program itself, which makes only what was asked for.

use std::convert::Infallible;
use std::ffi::OsString;

use lexopt::Arg::{Long, Value};
use lexopt::{Error, Parser, ValueExt as _};

use super::command::{become_program, reject};
use crate::run::program;
use pipex_format::wire::MakeRequest;

/// Runs the program itself, told to make these.
pub(super) fn make(arguments: impl Iterator<Item = OsString>) -> Result<Infallible, Error> {
    let mut arguments = arguments;
    let own: Vec<OsString> = arguments.by_ref().take_while(|argument| argument != "--").collect();
    let request = parse(Parser::from_args(own))?;
    if !program::is_taken_over() {
        return Err("`make` needs a `main` that is marked `#[pipex::main]`".into());
    }
    become_program(arguments, "PIPEX_MAKE", &request.to_text())
}

fn parse(mut arguments: Parser) -> Result<MakeRequest, Error> {
    let (mut targets, mut until, mut force) = (Vec::<String>::new(), Vec::<String>::new(), false);
    while let Some(argument) = arguments.next()? {
        match argument {
            Value(target) => targets.push(target.string()?),
            Long("until") => until.push(arguments.value()?.string()?),
            Long("force") => force = true,
            option => return Err(reject(option)),
        }
    }
    if targets.is_empty() && until.is_empty() {
        return Err("`make` needs a target, or a task: `--until TASK`".into());
    }
    // One that is named twice is one.
    for names in [&mut targets, &mut until] {
        let mut known = std::collections::HashSet::new();
        names.retain(|name| known.insert(name.clone()));
    }
    Ok(MakeRequest { process: std::process::id(), targets, until, force })
}

#[cfg(test)]
mod tests {
    use super::{Parser, parse};

    #[test]
    fn what_is_wrong_is_said() {
        let error = |arguments: &[&str]| parse(Parser::from_args(arguments)).unwrap_err().to_string();
        assert_eq!(error(&["--force"]), "`make` needs a target, or a task: `--until TASK`");
        assert!(error(&["out/x", "--until"]).contains("--until"));
        assert!(error(&["out/x", "--forced"]).contains("--forced"));
        let request = parse(Parser::from_args(["a", "--until=clean", "b", "a", "--force"])).unwrap();
        assert_eq!(
            (request.targets, request.until, request.force),
            (vec!["a".into(), "b".into()], vec!["clean".into()], true)
        );
    }
}
