//! How outputs stand is one of these at a time, and one that cannot be looked at is one line.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use pipex::{Output, flow, task};

use crate::{Desk, lines_of};

#[task(target = "{path}/read/{base}.json")]
fn read(from: &Path) -> std::io::Result<u64> {
    fs::read_to_string(from)?.trim().parse().map_err(std::io::Error::other)
}

/// Cheap, and not worth a file.
#[task(save = false, target = "{path}/many/{base}")]
fn many(of: u64) -> Vec<u64> {
    (0..of).collect()
}

#[task(target = "{path}/sum/{base}.json")]
fn sum(values: Vec<u64>) -> u64 {
    values.iter().sum()
}

fn doubled(sum: Output<u64>, version: &str) -> Output<u64> {
    fn before(sum: Output<u64>) -> Output<u64> {
        #[task(target = "{path}/double/{base}.json")]
        fn double(sum: u64) -> u64 {
            2 * sum
        }
        double(sum).submit()
    }
    fn after(sum: Output<u64>) -> Output<u64> {
        #[task(target = "{path}/double/{base}.json")]
        fn double(sum: u64) -> u64 {
            sum + sum
        }
        double(sum).submit()
    }
    if version == "after" { after(sum) } else { before(sum) }
}

#[task(target = "{path}/last/{base}.json")]
fn last(doubled: u64) -> u64 {
    doubled + 1
}

#[flow(path = "out")]
fn chain(base: &str, version: &str) -> pipex::Result<()> {
    let read = read(Path::new("source.txt")).base(base).lazy();
    last(doubled(sum(many(read).lazy()).submit(), version)).run().map(drop)
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    println!();
    let [base, version] = ["BASE", "VERSION"].map(|name| std::env::var(name).unwrap_or_default());
    match chain(&base, &version) {
        Ok(()) => println!("ended well"),
        Err(error) => println!("ended with an error: {error:?}"),
    }
}

fn run(desk: &Desk, base: &str, version: &str) -> String {
    lines_of(&desk.pipeline("states::pipeline").env("BASE", base).env("VERSION", version).output().unwrap())
}

fn make_desk() -> Desk {
    let desk = Desk::new();
    desk.write("source.txt", "3");
    assert_eq!(run(&desk, "x", "before"), "ended well\n");
    desk
}

/// How each output of `x` stands.
fn states(desk: &Desk) -> [String; 5] {
    let conditions = desk.conditions();
    let names = ["read/x.json", "many/x", "sum/x.json", "double/x.json", "last/x.json"];
    names.map(|name| conditions.get(&format!("out/{name}")).cloned().unwrap_or_default())
}

#[test]
fn data_that_were_in_memory_are_not_saved_and_neither_missing_nor_amiss() {
    let desk = make_desk();
    assert_eq!(states(&desk), ["fresh", "not_saved", "fresh", "fresh", "fresh"]);
    let said = desk.transcribe("status");
    assert!(said.lines().nth(1).unwrap().contains("not saved") && !said.contains("[3]"), "{said}");
    assert!(desk.transcribe("ls out/many").contains("not saved"));
    assert_eq!(desk.json("runs")[0]["not_saved"], 1);
    assert!(desk.transcribe("why out/many/x").contains("its data were in memory, and nothing was saved"));
}

#[test]
fn missing_outputs_are_amiss_and_interim_ones_that_nobody_needs_are_not() {
    let desk = make_desk();
    assert_eq!(desk.pipex("status").status.code(), Some(0));
    fs::remove_file(desk.file("out/read/x.json")).unwrap();
    assert_eq!(states(&desk)[0], "missing");
    assert_eq!(desk.pipex("status").status.code(), Some(3));
    assert!(desk.transcribe("ls --missing").contains("out/read/x.json"));
    // The next run finds that nobody needs it.
    run(&desk, "x", "before");
    assert_eq!(states(&desk), ["not_needed", "not_saved", "fresh", "fresh", "fresh"]);
    assert_eq!(desk.pipex("status").status.code(), Some(0));
    assert!(!desk.transcribe("ls --missing").contains("out/read/x.json"));
    fs::remove_file(desk.file("out/last/x.json")).unwrap();
    assert_eq!(states(&desk)[4], "missing");
    assert_eq!(desk.pipex("status").status.code(), Some(3));
}

#[test]
fn an_edited_output_that_says_nothing_of_itself_is_told_once_and_shown_as_such() {
    let desk = make_desk();
    let original = fs::read_to_string(desk.file("out/sum/x.json")).unwrap();
    desk.write("out/sum/x.json", "100");
    let stale = ["fresh", "not_saved", "stale", "stale", "outdated"];
    // Before a run has seen it, and after each.
    assert_eq!(states(&desk), stale);
    for _ in 0..2 {
        let said = run(&desk, "x", "before");
        let edited: Vec<_> = said.lines().filter(|line| line.contains("pipex: sum: ")).collect();
        assert_eq!(edited.len(), 1, "{said}");
        assert!(edited[0].contains("an output was changed since pipex made it, and taken as it is, out/sum/x.json"));
        assert!(said.contains("double: a stale output was taken, out/double/x.json (changed: inputs)"), "{said}");
        assert_eq!(states(&desk), stale);
    }
    let said = desk.transcribe("status");
    assert!(said.contains("sum: 1 output stale, changed since pipex made it; such as out/sum/x.json"), "{said}");
    assert!(desk.transcribe("ls --edited").contains("out/sum/x.json  sum   stale: edited"));
    assert!(desk.transcribe("why out/sum/x.json").contains("it is stale, changed since pipex made it"));
    let said = desk.transcribe("rm out/sum --yes");
    assert!(said.contains("left alone: out/sum/x.json: it was changed since pipex made it"), "{said}");
    assert_eq!(fs::read_to_string(desk.file("out/sum/x.json")).unwrap(), "100");
    // As it was made, it is what it was.
    desk.write("out/sum/x.json", &original);
    assert_eq!(states(&desk), ["fresh", "not_saved", "fresh", "fresh", "fresh"]);
    desk.write("out/sum/x.json", "100");
    assert!(desk.transcribe("rm out/sum --edited --yes").contains("removed 1 output"));
    assert!(!desk.file("out/sum/x.json").exists());
}

#[test]
fn what_is_made_from_something_stale_is_outdated_however_far_down() {
    let desk = make_desk();
    let said = run(&desk, "x", "after");
    assert!(said.contains("double: a stale output was taken"), "{said}");
    assert_eq!(states(&desk), ["fresh", "not_saved", "fresh", "stale", "outdated"]);
    let said = desk.transcribe("status");
    let [head, last] = [said.lines().nth(1).unwrap(), said.lines().find(|line| line.starts_with("last ")).unwrap()];
    assert!(
        head.split_whitespace()
            .eq(["task", "fresh", "stale", "outdated", "failed", "missing", "not", "saved", "size", "newest"]),
        "{said}"
    );
    assert!(last.split_whitespace().skip(1).take(3).eq(["-", "-", "1"]), "{said}");
    assert!(said.contains("last: 1 output outdated, such as out/last/x.json: out/double/x.json is stale"), "{said}");
    let said = desk.transcribe("why out/last/x.json");
    assert!(
        said.contains("\noutdated: out/double/x.json is stale, changed: code\n") && said.ends_with("[3]\n"),
        "{said}"
    );
    assert_eq!(desk.json("why out/last/x.json")["upstream"][0]["stale"], serde_json::json!(["code"]));
    assert!(desk.transcribe("ls --outdated").contains("out/last/x.json  last  outdated: out/double/x.json is stale"));
    assert_eq!(desk.json("ls --outdated").as_array().unwrap().len(), 1);
    assert_eq!(desk.json("ls --outdated --stale").as_array().unwrap().len(), 2);
    // What was made from what was removed is no less outdated.
    fs::remove_file(desk.file("out/double/x.json")).unwrap();
    assert_eq!(states(&desk)[3..], ["missing", "outdated"]);
}

#[test]
fn a_source_that_has_changed_makes_what_was_made_from_it_stale_before_any_run() {
    let desk = make_desk();
    // A touch is none.
    desk.write("source.txt", "3");
    assert_eq!(states(&desk)[0], "fresh");
    desk.write("source.txt", "4");
    assert_eq!(states(&desk), ["stale", "not_saved", "outdated", "outdated", "outdated"]);
    assert!(desk.transcribe("why out/read/x.json").contains("it is stale, changed: inputs"));
    assert!(desk.transcribe("diff out/read/x.json").contains("content of source.txt: "));
    fs::remove_file(desk.file("source.txt")).unwrap();
    assert_eq!(states(&desk)[0], "stale");
}

#[test]
fn what_cannot_be_looked_at_is_a_line_and_never_the_end() {
    let desk = make_desk();
    // No file is called that.
    let long = "x".repeat(300);
    assert!(run(&desk, &long, "before").contains("ended with an error"));
    assert!(run(&desk, "x", "before").contains("ended well"));
    fs::remove_file(desk.file("out/double/x.json")).unwrap();
    symlink("x.json", desk.file("out/double/x.json")).unwrap();
    fs::remove_dir_all(desk.file("out/last")).unwrap();
    symlink("last", desk.file("out/last")).unwrap();
    let said = desk.transcribe("status");
    assert_eq!(said.matches("cannot be looked at: ").count(), 1, "{said}");
    assert!(
        said.contains("cannot be looked at: 3 outputs, such as out/double/x.json: Too many levels of symbolic links"),
        "{said}"
    );
    assert!(said.ends_with("[3]\n"), "{said}");
    assert_eq!(states(&desk), ["fresh", "not_saved", "fresh", "unknown", "unknown"]);
    for line in ["ls", "runs", "graph", "why out/double/x.json", "rm out/sum --dry-run", "gc", "report -o report.html"]
    {
        let code = desk.pipex(line).status.code();
        assert!(matches!(code, Some(0 | 3)), "{line}: {}", desk.transcribe(line));
    }
    let said = desk.transcribe("ls out/double");
    assert!(
        said.contains("out/double/x.json  double  cannot be looked at: Too many levels of symbolic links"),
        "{said}"
    );
    assert!(desk.transcribe("rm out/double --yes").contains("left alone: out/double/x.json: Too many levels"));
}

/// Until its call is gone: then it is nothing, since nothing can be called that.
#[test]
fn a_name_that_is_too_long_is_told_as_long_as_it_is_asked_for() {
    let desk = make_desk();
    let long = "x".repeat(300);
    assert!(run(&desk, &long, "before").contains("ended with an error"));
    let said = desk.transcribe("status");
    assert!(
        said.contains(&format!("cannot be looked at: 3 outputs, such as out/double/{long}.json: its name is too long")),
        "{said}"
    );
    assert!(desk.transcribe("gc").contains("removed 0 temporary files"));
    run(&desk, "x", "before");
    run(&desk, "x", "before");
    assert!(!desk.transcribe("status").contains("too long"));
}
