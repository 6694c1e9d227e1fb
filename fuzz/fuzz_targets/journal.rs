//! The journal is data from outside, and so is what commands are asked about: whatever stands in it, commands answer.
#![no_main]

use std::fs;
use std::sync::LazyLock;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use tempfile::TempDir;

#[derive(Debug, Arbitrary)]
struct Input<'i> {
    /// Put behind lines that every journal begins with.
    headed: bool,
    lines: &'i str,
    index: Option<&'i [u8]>,
    glob: &'i str,
}

static DIRECTORY: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = TempDir::with_prefix("pipex-fuzz-").unwrap();
    fs::create_dir_all(directory.path().join(".pipex/runs")).unwrap();
    directory
});

const HEAD: &str = concat!(
    r#"{"run":{"format":1,"pipex":"0.1.0","flow":"f","program":"p","version":null,"mode":"cache","started":"2026-11-25T00:00:00Z","process":7,"host":"h","directory":"/d"}}"#,
    "\n",
    r#"{"task":{"task":0,"name":"t","module":"m","file":"f.rs","line":1,"code":"000000000000000000000000000000ff"}}"#,
    "\n",
    r#"{"ended":{"task":0,"name":"t x","target":"out/x","state":"Completed","why":"missing","at":0.1,"elapsed":0.2,"worker":0,"attempt":1,"there":{"content":"0000000000000000000000000000000a","stamp":7,"bytes":3,"code":"000000000000000000000000000000ff","arguments":"00000000000000000000000000000001","inputs":"00000000000000000000000000000001"}}}"#,
    "\n",
);

fuzz_target!(|input: Input<'_>| {
    let journal = DIRECTORY.path().join(".pipex");
    let run = journal.join("runs/20261125-000000.000-f-7.jsonl");
    let text = if input.headed { format!("{HEAD}{}\n", input.lines) } else { input.lines.to_owned() };
    fs::write(&run, text).unwrap();
    match input.index {
        Some(index) => fs::write(journal.join("index"), index).unwrap(),
        None => _ = fs::remove_file(journal.join("index")),
    }
    if let Err(error) = pipex::journal::read(&run, |_| {}) {
        assert!(pipex::journal::NewerFormat::is_in(&error), "{error}");
    }
    let command = |arguments: &[&str]| {
        let all = ["pipex", "--json", "--journal", journal.to_str().unwrap()];
        let _ = pipex_cli::main_with(all.iter().chain(arguments).map(Into::into), &|_| None);
    };
    command(&["status"]);
    command(&["ls", "--", input.glob]);
    command(&["rm", "--dry-run", "--", input.glob]);
    command(&["why", "--", input.glob]);
    command(&["runs"]);
});
