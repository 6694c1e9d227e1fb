//! A flow whose parameters are flags of its program.

use std::path::Path;
use std::process::{Command, Output};

const FLAGGED: &str = env!("CARGO_BIN_EXE_flagged");
const ASYNC: &str = env!("CARGO_BIN_EXE_flagged_async");
const TOKIO: &str = env!("CARGO_BIN_EXE_flagged_tokio");
const UNTOLD: &str = env!("CARGO_BIN_EXE_flagged_untold");

const MODES: [&str; 4] = ["do_nothing", "cache", "prefect", "prefect.cache"];

fn run(program: &str, here: &Path, line: &[&str], mode: &str) -> Output {
    let mut command = Command::new(program);
    command.args(line).current_dir(here);
    let of_pipex = |name: &str| name.starts_with("PIPEX") || name.starts_with("PREFECT");
    std::env::vars().filter(|(name, _)| of_pipex(name)).for_each(|(name, _)| _ = command.env_remove(name));
    let dry = mode.strip_prefix("dry ");
    command.env("PIPEX", dry.unwrap_or(mode)).env("PIPEX_QUIET", "1");
    if dry.is_some() {
        command.env("PIPEX_DRY_RUN", "1");
    }
    command.output().unwrap()
}

/// What it says on stdout and stderr, and its exit code.
fn said(program: &str, line: &[&str], mode: &str) -> (String, String, i32) {
    let here = tempfile::tempdir().unwrap();
    let ended = run(program, here.path(), line, mode);
    let [stdout, stderr] = [ended.stdout, ended.stderr].map(|bytes| String::from_utf8(bytes).unwrap());
    (stdout, stderr, ended.status.code().unwrap())
}

fn ended_well(text: &str) -> (String, String, i32) {
    (format!("{text}\n"), String::new(), 0)
}

#[test]
fn what_is_typed_is_what_the_flow_gets_in_every_mode() {
    for mode in MODES {
        let default = ended_well(r#"7 1.5 0.25 EWR None None [] [7, 8] false"#);
        assert_eq!(said(FLAGGED, &["--seed", "7"], mode), default, "{mode}");
        let line = [
            "--learning-rate=-2",
            "--models",
            "linear",
            "a tree",
            "--models",
            "net",
            "--seed=18446744073709551615",
            "--station",
            "",
            "--to",
            "/tmp/x",
            "--limit",
            "-3",
            "--dry",
            "--days",
            "1",
            "--share",
            "1",
        ];
        let all = r#"18446744073709551615 -2 1  Some("/tmp/x") Some(-3) ["linear", "a tree", "net"] [1] true"#;
        assert_eq!(said(FLAGGED, &line, mode), ended_well(all), "{mode}");
        assert_eq!(said(ASYNC, &["--x", "5"], mode), ended_well("2.5"), "{mode}");
        assert_eq!(said(TOKIO, &[], mode), ended_well("CurrentThread"), "{mode}");
    }
}

#[test]
fn what_cannot_be_read_is_told_and_ends_with_2() {
    for (line, told) in [
        (&[][..], "error: the following required arguments were not provided:\n  --seed <SEED>\n"),
        (&["--seed", "-1"], "error: invalid value '-1' for '--seed <SEED>': invalid digit found in string\n"),
        (&["--seed", "1", "--share", "2"], "error: invalid value '2' for '--share <SHARE>': 2 is no share\n"),
        (&["--sed", "1"], "  tip: a similar argument exists: '--seed'\n"),
        (&["--seed", "1", "--dry=yes"], "error: unexpected value 'yes' for '--dry' found"),
        (&["--seed", "1", "--seed", "2"], "error: the argument '--seed <SEED>' cannot be used multiple times\n"),
        (&["--seed", "1", "more"], "error: unexpected argument 'more' found\n"),
    ] {
        let (out, error, code) = said(FLAGGED, line, "cache");
        assert!(error.contains(told) && out.is_empty() && code == 2, "{line:?}: {out} {error} {code}");
    }
    let (_, error, code) = said(TOKIO, &["--seed", "1"], "cache");
    assert!(error.contains("unexpected argument '--seed'") && code == 2, "{error}");
}

#[test]
fn help_has_what_the_documentation_says() {
    let (help, error, code) = said(FLAGGED, &["--help"], "do_nothing");
    let expected = "\
Tells what it was given.

And nothing else.

Usage: flagged [OPTIONS] --seed <SEED>

Options:
      --seed <SEED>
          What the noise is made of

      --learning-rate <LEARNING_RATE>
          how fast it learns [default: 1.5]

      --share <SHARE>
          [default: 0.25]
";
    assert!(help.starts_with(expected), "{help}");
    assert!(help.contains("pipex help") && help.contains("[default: vec![7, 8]]"), "{help}");
    assert_eq!((error.as_str(), code), ("", 0));
}

#[test]
fn an_error_ends_the_program_as_it_would_from_main_and_a_dry_run_ends_well() {
    for mode in MODES {
        let expected = (String::new(), "Error: \"2.5 is too little\"\n".to_owned(), 1);
        assert_eq!(said(ASYNC, &["--x", "5", "--fails"], mode), expected, "{mode}");
        let told = "Error: a flagged_untold::Untold, which says no more: derive `Debug` for it\n";
        assert_eq!(said(UNTOLD, &[], mode), (String::new(), told.to_owned(), 1), "{mode}");
    }
    for mode in ["dry cache", "dry prefect.cache"] {
        for (program, line) in [(FLAGGED, &["--seed", "1"][..]), (ASYNC, &["--x", "1"]), (TOKIO, &[])] {
            let (out, error, code) = said(program, line, mode);
            assert!(out.contains("the dry run ends here") && error.is_empty() && code == 0, "{mode}: {out} {error}");
        }
    }
}

#[test]
fn pipexs_own_commands_come_first_and_are_given_what_the_flow_takes() {
    let (out, error, code) = said(TOKIO, &["pipex", "tasks"], "");
    assert!(out.starts_with("programs::number(x)  ") && error.is_empty() && code == 0, "{out} {error}");
    let (out, error, code) = said(TOKIO, &["pipex", "missing"], "");
    assert!(out.contains(r#"{"task":"programs::number""#) && error.is_empty() && code == 0, "{out} {error}");
    let (_, error, code) = said(FLAGGED, &["pipex", "missing", "--sed", "1"], "");
    assert!(error.contains("a similar argument exists: '--seed'") && code == 2, "{error}");
}

#[test]
fn what_was_typed_stands_in_the_journal() {
    let here = tempfile::tempdir().unwrap();
    let ended = run(FLAGGED, here.path(), &["--seed", "7", "--models", "net"], "cache");
    assert!(ended.status.success(), "{ended:?}");
    let mut given = Vec::new();
    for run in pipex::journal::runs(&here.path().join(".pipex")).unwrap() {
        pipex::journal::read(&run, |line| {
            if let pipex::journal::Line::Run(head) = line {
                let text = |given: &pipex::journal::Given<'_>| {
                    format!("{}={}", given.name, given.value.as_deref().unwrap_or("?"))
                };
                given.extend(head.parameters.iter().map(text));
            }
        })
        .unwrap();
    }
    // What serde does not know of is what `Debug` says.
    let expected = ["seed=7", "learning_rate=1.5", "share=Share(0.25)", "station=\"EWR\"", "to=null", "limit=null"];
    assert_eq!(given[..6], expected);
    assert_eq!(given[6..], ["models=[\"net\"]", "days=[7,8]", "_dry=false"]);
}
