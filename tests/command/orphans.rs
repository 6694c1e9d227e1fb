//! What the last complete run of a flow did not ask for, directly or through what it took, is orphaned; where it is not there,
//! it is nothing at all.

use std::fs;

use crate::{Desk, lines_of};

const SECOND: (&str, &str) = ("VERSION", "second");

/// How many cells are in each of these states.
fn cells<const N: usize>(desk: &Desk, states: [&str; N]) -> [u64; N] {
    states.map(|state| desk.count("cell", state))
}

#[test]
fn a_grid_that_loses_values_leaves_orphans_whatever_is_accepted_and_however_often_it_runs() {
    for accept in ["accept --stale --yes", "accept --reason code,arguments,inputs --yes"] {
        let desk = Desk::new();
        desk.grid("1,2,3", &[]);
        assert_eq!(cells(&desk, ["fresh", "orphaned"]), [36, 0]);
        desk.grid("1", &[SECOND]);
        assert_eq!(cells(&desk, ["fresh", "stale", "orphaned"]), [0, 12, 24]);
        assert_eq!(desk.count("row", "orphaned"), 2);
        assert!(desk.pipex(accept).status.success());
        for _ in 0..2 {
            assert_eq!(cells(&desk, ["fresh", "stale", "orphaned"]), [12, 0, 24]);
            desk.grid("1", &[SECOND]);
        }
        let said = desk.transcribe("rm --orphaned --yes");
        assert!(said.contains("removed 26 outputs"), "{said}");
        assert_eq!(cells(&desk, ["fresh", "missing", "orphaned", "not_needed"]), [12, 0, 0, 0]);
        assert_eq!(fs::read_dir(desk.file("out/cell")).unwrap().count(), 12);
    }
}

#[test]
fn what_is_orphaned_and_not_there_is_nothing_whatever_became_of_it() {
    let desk = Desk::new();
    let said = lines_of(&desk.grid("1,2,9", &[("FAILS", "9")]));
    assert!(said.contains("no value for 9"), "{said}");
    assert_eq!([desk.count("cell", "failed"), desk.count("row", "not_ready")], [12, 1]);
    // Their calls are gone.
    desk.grid("1,2", &[]);
    let said = desk.transcribe("status");
    assert!(!said.contains("failed:") && !said.contains("[3]"), "{said}");
    assert_eq!(desk.conditions().len(), 24 + 2 + 1);
    // Orphaned, and removed by hand.
    desk.grid("1", &[]);
    desk.grid("1", &[("PIPEX_STALE", "rerun")]);
    fs::remove_file(desk.file("out/cell/2-3.json")).unwrap();
    assert_eq!(cells(&desk, ["missing", "failed", "orphaned"]), [0, 0, 11]);
    assert!(!desk.conditions().contains_key("out/cell/2-3.json"));
    assert_eq!(desk.pipex("status").status.code(), Some(0));
    assert!(desk.transcribe("why out/cell/2-3.json").contains("it is not there, and nothing asks for it any more"));
}

#[test]
fn a_run_that_did_not_get_to_its_end_drops_nothing() {
    let desk = Desk::new();
    desk.grid("1,2", &[]);
    desk.grid("3", &[("FAILS", "3")]);
    assert_eq!(cells(&desk, ["fresh", "orphaned", "failed"]), [24, 0, 12]);
    desk.grid("3", &[]);
    assert_eq!(cells(&desk, ["fresh", "orphaned", "failed"]), [12, 24, 0]);
}

#[test]
fn the_runs_of_a_flow_in_one_run_of_its_program_count_together() {
    let desk = Desk::new();
    let columns = |xs| desk.grid(xs, &[("WHAT", "columns")]);
    columns("1,2,3");
    assert_eq!(cells(&desk, ["fresh", "orphaned"]), [3, 0]);
    columns("2,3");
    let conditions = desk.conditions();
    assert_eq!(conditions["columns/cell/1-0.json"], "orphaned");
    assert_eq!([&conditions["columns/cell/2-0.json"], &conditions["columns/cell/3-0.json"]], ["fresh", "fresh"]);
}

/// Older versions did not say which runs were of one run of the program: then host and process tell.
#[test]
fn journals_of_older_versions_are_told_apart_by_process() {
    let desk = Desk::new();
    let columns = |xs| desk.grid(xs, &[("WHAT", "columns")]);
    columns("1,2,3");
    columns("2,3");
    let is_new = |part: &str| {
        ["\"invocation\":", "\"state\":\"Completed\"}}", "\"helpers\":"].iter().any(|new| part.contains(new))
    };
    for run in pipex::journal::runs(&desk.file(".pipex")).unwrap() {
        let text = fs::read_to_string(&run).unwrap();
        let head = text.lines().next().unwrap();
        let start = head.find("\"invocation\":").unwrap();
        let older = text.replacen(&head[start..start + 48], "", 1).replace(",\"state\":\"Completed\"}}", "}}");
        let older: Vec<_> = older
            .lines()
            .map(|line| match line.find(",\"helpers\":") {
                Some(start) => format!("{}}}}}", &line[..start]),
                None => line.to_owned(),
            })
            .collect();
        let older = older.join("\n") + "\n";
        assert!(is_new(&text) && !is_new(&older), "{older}");
        fs::write(run, older).unwrap();
    }
    let conditions = desk.conditions();
    assert_eq!(conditions.values().collect::<Vec<_>>(), ["orphaned", "fresh", "fresh"]);
}

#[test]
fn each_flow_drops_only_what_it_asked_for_and_what_another_asks_for_stays() {
    let desk = Desk::new();
    desk.grid("1,2", &[]);
    desk.grid("2", &[("WHAT", "other")]);
    desk.grid("7", &[("WHAT", "columns")]);
    assert_eq!(cells(&desk, ["fresh", "orphaned"]), [25, 0]);
    desk.grid("1", &[]);
    let conditions = desk.conditions();
    assert_eq!([&conditions["out/cell/2-0.json"], &conditions["out/cell/2-1.json"]], ["fresh", "orphaned"]);
    assert_eq!(conditions["columns/cell/7-0.json"], "fresh");
    desk.grid("1", &[("WHAT", "other")]);
    assert_eq!(desk.conditions()["out/cell/2-0.json"], "orphaned");
}

#[test]
fn what_calls_outside_flows_made_is_never_orphaned() {
    let desk = Desk::new();
    desk.grid("1,2", &[("WHAT", "outside")]);
    desk.grid("1", &[("WHAT", "outside")]);
    desk.grid("1", &[]);
    desk.grid("1", &[]);
    let conditions = desk.conditions();
    assert_eq!([&conditions["outside/cell/1-0.json"], &conditions["outside/cell/2-0.json"]], ["fresh", "fresh"]);
}

/// As one task that is run by its name is: it asks for nothing, and yet it was asked for.
#[test]
fn what_a_call_outside_flows_takes_up_again_waits_for_the_next_complete_run() {
    let desk = Desk::new();
    desk.grid("1,2", &[]);
    desk.grid("1", &[]);
    desk.grid("2", &[("WHAT", "outside"), ("OUTSIDE", "out")]);
    assert_eq!(cells(&desk, ["fresh", "orphaned"]), [13, 11]);
    desk.grid("1", &[]);
    assert_eq!(cells(&desk, ["fresh", "orphaned"]), [12, 12]);
}

#[test]
fn a_run_in_a_mode_without_targets_drops_nothing() {
    let desk = Desk::new();
    desk.grid("1,2", &[]);
    desk.grid("1", &[("PIPEX", "prefect"), ("PIPEX_QUIET", "1")]);
    assert_eq!(cells(&desk, ["fresh", "orphaned"]), [24, 0]);
}

/// What `PROGRAM pipex make` leaves out is still asked for.
#[test]
fn a_run_that_was_asked_for_some_outputs_drops_no_others() {
    let desk = Desk::new();
    desk.grid("1,2", &[]);
    desk.grid("1", &[]);
    assert_eq!(cells(&desk, ["fresh", "orphaned"]), [12, 12]);
    let runs = desk.json("runs");
    let journal = desk.file(&format!(".pipex/runs/{}.jsonl", runs[1]["run"].as_str().unwrap()));
    let text = std::fs::read_to_string(&journal).unwrap();
    let end = text.find("}}\n").unwrap();
    std::fs::write(&journal, format!(r#"{},"asked":["out/x"]{}"#, &text[..end], &text[end..])).unwrap();
    assert_eq!(desk.json("runs")[1]["asked"], serde_json::json!(["out/x"]));
    assert_eq!(cells(&desk, ["fresh", "orphaned"]), [24, 0]);
}
