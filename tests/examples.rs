//! Examples do what they say. `cargo test` has built them before this runs.

use std::fs;
use std::path::Path;
use std::process::Command;

/// What an example says in mode `cache`, in this directory.
fn run(example: &str, dir: &Path) -> String {
    let target = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
    let mut command = Command::new(target.join("examples").join(example));
    let run = command.env("PIPEX", "cache").env("PIPEX_QUIET", "1").current_dir(dir).output().unwrap();
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
    String::from_utf8(run.stdout).unwrap()
}

#[test]
fn a_codec_of_ones_own() {
    let dir = tempfile::tempdir().unwrap();
    let last = "EWR had 8.7 degrees\nJFK had 7.5 degrees\nLGA had 7.6 degrees\n";
    let measured = "measuring EWR\nmeasuring JFK\nmeasuring LGA\n";
    assert_eq!(run("custom_codec", dir.path()), format!("{measured}{last}"));
    let file = dir.path().join("out/custom_codec/JFK.tsv");
    assert_eq!(fs::read_to_string(&file).unwrap(), "hour\tcelsius\n0\t7.4\n12\t7.0\n18\t7.5\n");
    assert_eq!(run("custom_codec", dir.path()), last, "nothing is measured again");
}

#[test]
fn commands_as_tasks() {
    let dir = tempfile::tempdir().unwrap();
    let said = run("shell", dir.path());
    assert_eq!(said.lines().next(), Some("Newark: 36.00 °C on its five warmest days"), "{said}");
    let rows = fs::read_to_string(dir.path().join("out/shell/John F. Kennedy-warmest.csv")).unwrap();
    assert!(rows.starts_with("John F. Kennedy,") && rows.lines().count() == 5, "{rows}");
    let mean = dir.path().join("out/shell/Newark-mean.txt");
    fs::write(&mean, "by hand").unwrap();
    let again = run("shell", dir.path());
    assert!(again.starts_with("Newark: by hand °C"), "nothing is made again: {again}");
}

/// A grid with cells that fail, which its report says; and nothing of it runs again but these.
#[test]
fn orders_of_two_hundred_shops() {
    let dir = tempfile::tempdir().unwrap();
    let said = run("orders", dir.path());
    assert!(said.starts_with("# The value of an order by its items\n"), "{said}");
    assert_eq!(said.matches("does not converge at a rate of 0.1").count(), 6, "{said}");
    let report = dir.path().join("out/orders/report.md");
    assert_eq!(fs::read_to_string(&report).unwrap(), said.trim_end().to_owned() + "\n");
    let models = |segment: &str| fs::read_dir(dir.path().join("out/orders/models").join(segment)).unwrap().count();
    assert_eq!(["retail", "trade", "online"].map(models), [4; 3]);
    fs::remove_file(dir.path().join("out/orders/test.csv")).unwrap();
    let made = fs::metadata(&report).unwrap().modified().unwrap();
    assert_eq!(run("orders", dir.path()), said);
    assert!(dir.path().join("out/orders/test.csv").exists(), "both outputs of the split are there again");
    assert_eq!(fs::metadata(&report).unwrap().modified().unwrap(), made, "and what came out is the same");
}

#[test]
fn a_listener() {
    let dir = tempfile::tempdir().unwrap();
    for states in [["Completed", "Completed", "Failed"], ["Cached", "Cached", "Failed"]] {
        assert_eq!(run("listener", dir.path()), "2 stations were measured\n");
        let lines = fs::read_to_string(dir.path().join("out/listener/runs.jsonl")).unwrap();
        let lines: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let last = &lines[lines.len() - 3..];
        assert_eq!(last.iter().map(|line| line["state"].as_str().unwrap()).collect::<Vec<_>>(), states);
        assert_eq!(last[0]["target"], "out/listener/EWR.json");
        assert!(last[2]["error"].as_str().unwrap().contains("measure"), "{}", last[2]);
    }
}
