//! Journals that a newer pipex has written are read as far as they are understood, and one line says what to do.

use std::fs;
use std::path::PathBuf;

use pipex::journal::{self, Line, NewerFormat};
use pipex::{flow, task};

use crate::{Desk, lines_of};

#[task(target = "{path}/{x}.json")]
fn number(x: u64) -> u64 {
    x
}

#[flow(path = "out")]
fn numbers() -> pipex::Result<()> {
    (0..3).try_for_each(|x| number(x).run().map(drop))
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    println!();
    numbers().unwrap();
    println!("ended well");
}

fn run(desk: &Desk) -> String {
    lines_of(&desk.pipeline("newer::pipeline").output().unwrap())
}

/// Three outputs, and the journal of the run that made them as a newer pipex would have written it.
fn make_desk() -> (Desk, PathBuf) {
    let desk = Desk::new();
    assert_eq!(run(&desk), "ended well\n");
    let [journal] = &journal::runs(&desk.file(".pipex")).unwrap()[..] else { panic!("one run") };
    let text = fs::read_to_string(journal).unwrap();
    let news = r#"{"weather":{"is":"fine"}}"#;
    assert!(text.contains(r#"{"run":{"format":1,"#), "{text}");
    fs::write(journal, text.replace(r#""format":1,"#, r#""format":2,"news":true,"#) + news + "\n").unwrap();
    fs::remove_file(desk.file(".pipex/index")).unwrap();
    (desk, journal.clone())
}

/// One of which not even the head is known.
fn put_another(desk: &Desk) {
    desk.write(".pipex/runs/99991231-000000.000-numbers-1.jsonl", "{\"run\":{\"format\":3}}\n{\"weather\":null}\n");
}

/// What is said of journals.
fn of_journals(said: &str) -> Vec<&str> {
    said.lines().filter(|line| line.starts_with("pipex: passed over ")).collect()
}

const FORMAT: &str = "it is in format 2, which a newer pipex writes, and this one";

#[test]
fn whoever_reads_one_gets_all_lines_that_are_known_and_an_error_that_says_so() {
    let (desk, journal) = make_desk();
    let mut ended = 0;
    let error = journal::read(&journal, |line| ended += usize::from(matches!(line, Line::Ended(_)))).unwrap_err();
    assert_eq!(ended, 3);
    assert!(NewerFormat::is_in(&error));
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(error.to_string(), format!("{FORMAT} ({version}) reads format 1: update pipex"));
    put_another(&desk);
    let another = journal::runs(&desk.file(".pipex")).unwrap().pop().unwrap();
    let error = journal::read(&another, |line| panic!("it is not known: {line:?}")).unwrap_err();
    assert!(error.to_string().starts_with("it is in format 3, "), "{error}");
}

#[test]
fn the_command_says_it_in_one_line_and_shows_what_it_knows() {
    let (desk, journal) = make_desk();
    let name = journal.file_stem().unwrap().to_str().unwrap();
    let report = format!("report {name}");
    let commands = ["status", "ls", "runs", "why out/1.json", "rm out --dry-run", "accept --dry-run", &report];
    for line in commands {
        let said = desk.transcribe(line);
        let [told] = of_journals(&said)[..] else { panic!("{line}: {said}") };
        assert!(told.starts_with("pipex: passed over what is not known of the journal "), "{line}: {said}");
        assert!(
            told.contains(&format!("{name}.jsonl: {FORMAT}")) && told.ends_with(": update pipex"),
            "{line}: {said}"
        );
    }
    assert_eq!(desk.count("number", "fresh"), 3);
    assert_eq!(desk.pipex("status").status.code(), Some(0));
    put_another(&desk);
    for line in commands {
        let said = desk.transcribe(line);
        let [told] = of_journals(&said)[..] else { panic!("{line}: {said}") };
        assert!(told.starts_with("pipex: passed over what is not known of 2 journals, such as "), "{line}: {said}");
        assert!(told.contains(&format!("{name}.jsonl: {FORMAT}")), "the first: {said}");
    }
    assert_eq!(desk.count("number", "fresh"), 3);
}

#[test]
fn so_does_a_program_that_makes_the_index_from_them() {
    for are_two in [false, true] {
        let (desk, journal) = make_desk();
        if are_two {
            put_another(&desk);
        }
        // Only the journal knows that it was another when it was made.
        desk.write("out/1.json", "7\n");
        let said = run(&desk);
        let [told] = of_journals(&said)[..] else { panic!("{said}") };
        let what = if are_two { "2 journals, such as .pipex/runs/" } else { "the journal .pipex/runs/" };
        assert!(told.starts_with(&format!("pipex: passed over what is not known of {what}")), "{said}");
        assert!(told.contains(&format!("{}: {FORMAT}", journal.file_name().unwrap().display())), "{said}");
        assert!(said.contains("number: an output was changed since pipex made it"), "{said}");
        // The index has them now.
        let said = run(&desk);
        assert_eq!(of_journals(&said), [""; 0]);
        assert!(said.contains("number: an output was changed since pipex made it"), "{said}");
    }
}
