//! Paths are those of the shell: in arguments, and in what is printed, so that it can be pasted.

use std::fs;
use std::path::Path;
use std::process::Command;

use pipex::{SqliteStore, flow, task};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::Desk;

#[derive(Clone, Serialize, Deserialize)]
struct Sale {
    shop: String,
    count: u64,
}

#[task(target = "{path}/{shop}/{base}.csv")]
fn sales(shop: &str) -> Vec<Sale> {
    vec![Sale { shop: shop.to_owned(), count: 1 }]
}

#[task(target = "{shop}", store = SqliteStore::new("out/means.sqlite"))]
fn mean(sales: Vec<Sale>, shop: &str) -> u64 {
    sales.iter().filter(|sale| sale.shop == shop).map(|sale| sale.count).sum()
}

const SHOPS: [&str; 4] = ["north", "my-retail-shop", "[a]*", "a"];

#[flow(path = "out")]
fn shops() -> pipex::Result<()> {
    SHOPS.into_iter().try_for_each(|shop| {
        let sales = sales(shop.to_owned()).base("2013").run()?;
        mean(sales, shop.to_owned()).run().map(drop)
    })
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    shops().unwrap();
}

fn make_desk() -> Desk {
    let desk = Desk::new();
    assert!(desk.pipeline("paths::pipeline").status().unwrap().success());
    desk
}

#[test]
fn a_program_in_a_subfolder_goes_on_with_the_same_project() {
    let desk = make_desk();
    fs::create_dir(desk.file("sub")).unwrap();
    let before = desk.json("ls");
    let names = |before: &serde_json::Value| {
        before.as_array().unwrap().iter().map(|row| row["target"].to_string()).collect::<Vec<_>>()
    };
    let run = |directory: &str, sales: &str| {
        let again = desk.pipeline("paths::pipeline").current_dir(desk.file(directory)).output().unwrap();
        let said = String::from_utf8_lossy(&again.stderr).into_owned();
        let rows: Vec<String> =
            said.lines().map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect();
        let has = |row: &str| rows.iter().any(|line| line.starts_with(row));
        assert!(has(&format!("sales {sales} ")) && has("mean 0 4 ") && !said.contains("stale"), "{said}");
        assert_eq!(names(&desk.json("ls")), names(&before));
        assert!(desk.conditions().values().all(|condition| condition == "fresh"), "{:?}", desk.conditions());
        assert!(!desk.file("sub/.pipex").exists() && !desk.file("sub/out").exists());
    };
    run("sub", "0 4");
    fs::remove_file(desk.file("out/north/2013.csv")).unwrap();
    run("sub", "1 3");
    // The index is made from the journals again, which name places from where each ran.
    fs::remove_file(desk.file(".pipex/index")).unwrap();
    run("", "0 4");
    assert_eq!(desk.json("runs").as_array().unwrap().len(), 4);
    assert!(run_in(&desk, "sub", &["status"]).contains("sales"));
    let root = desk.path().to_str().unwrap();
    let elsewhere = desk.command().current_dir("/").env("PIPEX_ROOT", root).arg("status").output().unwrap();
    assert!(elsewhere.status.success() && String::from_utf8_lossy(&elsewhere.stdout).contains("sales"));
    let none = desk.command().current_dir(desk.file("sub")).env("PIPEX_ROOT", ".").arg("status").output().unwrap();
    assert!(String::from_utf8_lossy(&none.stderr).contains("there is no journal here"));
}

/// Runs the command with these arguments in this directory, and gives what it says.
fn run_in(desk: &Desk, directory: impl AsRef<Path>, arguments: &[&str]) -> String {
    let output = desk.command().current_dir(desk.path().join(directory)).args(arguments).output().unwrap();
    [&*output.stdout, &*output.stderr].map(String::from_utf8_lossy).concat()
}

/// The names that `ls` lists, as a shell would take them.
fn listed(desk: &Desk, directory: impl AsRef<Path>, arguments: &[&str]) -> Vec<String> {
    let said = run_in(desk, directory, &[&["ls"], arguments].concat());
    said.lines().skip(1).map(|line| line.split("  ").next().unwrap().to_owned()).collect()
}

#[test]
fn arguments_are_relative_to_where_the_command_is_called_and_so_is_what_is_printed() {
    let desk = make_desk();
    let absolute = desk.file("out/north/2013.csv").canonicalize().unwrap();
    let absolute = absolute.to_str().unwrap();
    let cases = [
        (".", "out/north/2013.csv", "out/north/2013.csv"),
        (".", "./out//north/../north/2013.csv", "out/north/2013.csv"),
        (".", absolute, "out/north/2013.csv"),
        ("out", "north/2013.csv", "north/2013.csv"),
        ("out", "./north", "north/2013.csv"),
        ("out/north", "2013.csv", "2013.csv"),
        ("out/north", ".", "2013.csv"),
        ("out/north", absolute, "2013.csv"),
        ("out/a", "../north/2013.csv", "../north/2013.csv"),
        ("out/a", "../nor*/*", "../north/2013.csv"),
        // Named from where the journal is, if nothing is called so here.
        ("out/a", "out/north/2013.csv", "../north/2013.csv"),
        ("out/a", "out/north", "../north/2013.csv"),
        ("out/a", "out/nor*/*.csv", "../north/2013.csv"),
    ];
    for (directory, argument, printed) in cases {
        assert_eq!(listed(&desk, directory, &[argument]), [printed], "{directory}: {argument}");
        // What is printed can be pasted.
        assert_eq!(listed(&desk, directory, &[printed]), [printed], "{directory}: {printed}");
        assert_eq!(listed(&desk, ".", &["-C", directory, argument]), [printed], "-C {directory}: {argument}");
        for command in ["why", "show", "diff", "graph"] {
            if !argument.contains('*') && !matches!(argument, "." | "./north" | "out/north") {
                let said = run_in(&desk, directory, &[command, argument]);
                assert!(!said.contains("is not known"), "{directory}: {command} {argument}: {said}");
            }
        }
    }
    // Programs are told the same wherever they ask.
    let output = desk.command().current_dir(desk.file("out/a")).args(["ls", "--json", "../north"]).output().unwrap();
    let rows: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(rows[0]["target"], "out/north/2013.csv");
    // What is in no file has a name everywhere.
    assert_eq!(listed(&desk, "out/a", &["north"]), ["north"]);
    assert!(run_in(&desk, "out/a", &["show", "north"]).contains("state      fresh"));
    assert!(run_in(&desk, "out/a", &["ls", "south"]).contains("south matches nothing"));
}

#[test]
fn links_on_the_way_to_the_project_lead_there() {
    let desk = make_desk();
    let elsewhere = tempfile::tempdir().unwrap();
    let link = elsewhere.path().join("link");
    std::os::unix::fs::symlink(desk.path(), &link).unwrap();
    let by_link = link.join("out/north/2013.csv");
    let [link, by_link] = [&link, &by_link].map(|path| path.to_str().unwrap());
    assert_eq!(listed(&desk, ".", &[by_link]), ["out/north/2013.csv"]);
    assert_eq!(listed(&desk, ".", &["-C", link, "out/north"]), ["out/north/2013.csv"]);
    assert_eq!(listed(&desk, ".", &["--journal", &format!("{link}/.pipex"), "out/north"]), ["out/north/2013.csv"]);
    let output =
        desk.command().current_dir(elsewhere.path()).args(["-C", "link/out", "rm", "north", "--yes"]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("removed 1 output"), "{output:?}");
}

#[test]
fn a_pattern_without_a_slash_is_for_names_at_any_depth() {
    let desk = make_desk();
    let both = ["my-retail-shop", "out/my-retail-shop/2013.csv"];
    assert_eq!(listed(&desk, ".", &["*retail*"]), both);
    assert_eq!(listed(&desk, ".", &["out/*retail*"]), both[1..]);
    assert_eq!(listed(&desk, ".", &["2013*"]).len(), 4);
    // Here, and if there is none here, everywhere.
    assert_eq!(listed(&desk, "out/a", &["2013*"]), ["2013.csv"]);
    assert_eq!(listed(&desk, "out/a", &["*retail*"]), ["my-retail-shop", "../my-retail-shop/2013.csv"]);
    assert!(run_in(&desk, ".", &["rm", "*retail*", "--yes"]).contains("removed"));
    assert!(!desk.file("out/my-retail-shop/2013.csv").exists() && desk.file("out/north/2013.csv").exists());
}

#[test]
fn a_target_that_is_called_like_a_pattern_can_be_named() {
    let desk = make_desk();
    let name = "out/[a]*/2013.csv";
    // A directory that is called so comes first; as a pattern it would match another.
    assert_eq!(listed(&desk, ".", &[name]), [name]);
    assert_eq!(listed(&desk, ".", &["out/[a]*"]), [name]);
    assert_eq!(listed(&desk, "out/[a]*", &["2013.csv"]), ["2013.csv"]);
    assert_eq!(listed(&desk, "out/[a]*", &["2013*"]), ["2013.csv"]);
    assert_eq!(listed(&desk, ".", &["out/[a]/2013.csv"]), ["out/a/2013.csv"]);
    assert!(run_in(&desk, ".", &["ls", "--literal", "out/[a]/2013.csv"]).contains("matches nothing"));
    assert!(run_in(&desk, ".", &["why", name]).contains("a run would take it as it is"));
    assert!(run_in(&desk, ".", &["rm", "--literal", name, "--yes"]).contains("removed 1 output"));
    assert!(!desk.file(name).exists() && desk.file("out/a/2013.csv").exists());
}

#[test]
fn shells_complete_paths() {
    let desk = Desk::new();
    let bash = run_in(&desk, ".", &["completions", "bash"]);
    let words = format!("{bash}\ncomplete -p pipex; declare -f _pipex | grep -c 'compgen -f'");
    let output = Command::new("bash").args(["-c", &words]).output().unwrap();
    let said_by_bash = String::from_utf8_lossy(&output.stdout);
    assert!(said_by_bash.contains("-F _pipex"), "{said_by_bash}");
    let zsh = run_in(&desk, ".", &["completions", "zsh"]);
    assert!(zsh.matches(":_files").count() > 20, "{zsh}");
    let fish = run_in(&desk, ".", &["completions", "fish"]);
    assert!(fish.contains("-l output") && fish.contains("-r -F"), "{fish}");
}

#[test]
fn graphs_and_reports_go_to_files_here() {
    let desk = make_desk();
    assert!(run_in(&desk, "out", &["graph", "-o", "graph.svg"]).contains("graph.svg"));
    assert!(fs::read_to_string(desk.file("out/graph.svg")).unwrap().starts_with("<svg"));
    run_in(&desk, "out", &["graph", "north/2013.csv", "-o", "graph", "--format", "dot"]);
    assert!(fs::read_to_string(desk.file("out/graph")).unwrap().starts_with("digraph"));
    run_in(&desk, "out", &["report", "-o", "../report.html"]);
    assert!(desk.file("report.html").exists());
}

#[test]
fn that_nobody_reads_further_is_no_error() {
    let desk = make_desk();
    for line in ["ls", "ls --json", "status --json", "runs", "gc --keep 1GB --dry-run --json"] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = desk.command().args(line.split(' ')).stdout(writer).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{line}: {output:?}");
    }
}

#[test]
fn raw_is_what_was_saved_byte_by_byte() {
    let desk = make_desk();
    let file = desk.file("out/north/2013.csv");
    let raw = || desk.command().args(["show", "--raw", "out/north/2013.csv"]).output().unwrap();
    assert_eq!((raw().stdout, raw().stderr), (fs::read(&file).unwrap(), Vec::new()));
    // Text that a terminal would obey is spelled out, unless one asks for it as it is.
    fs::write(&file, "a,b\r\n\u{1b}[2J,\u{9b}1\n").unwrap();
    let output = desk.command().args(["show", "out/north/2013.csv"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "a,b\r\n\\u{1b}[2J,\\u{9b}1\n");
    assert_eq!(raw().stdout, fs::read(&file).unwrap());
    let shown = desk.json("show out/north/2013.csv");
    assert_eq!(shown["content"], json!("a,b\r\n\u{1b}[2J,\u{9b}1\n"));
}
