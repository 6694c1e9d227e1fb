//! Runs as a real Prefect server shows them.

use std::collections::{HashMap, HashSet};
use std::io::Write as _;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use pipex::{Config, Output, flow, task};
use serde_json::{Value, json};

use crate::gate::{Gate, wait_at};
use crate::http::read_message;
use crate::servers::{Place, Prefect, Process};

/// The numbers in the table that a program prints: ran, cached, failed, skipped.
fn table(said: &str) -> HashMap<String, [u64; 4]> {
    let row = |line: &str| {
        let mut words = line.split_whitespace();
        let name = words.next()?.to_owned();
        let numbers: Vec<u64> = words.take(4).filter_map(|word| word.parse().ok()).collect();
        Some((name, numbers.try_into().ok()?))
    };
    said.lines().filter_map(row).collect()
}

#[test]
fn weather_is_shown_as_it_ran() {
    let (prefect, place) = (Prefect::new(), Place::new());
    let run = || {
        let mut command = place.weather();
        command.env("PREFECT_API_URL", &prefect.url).env("PIPEX_PREFECT", "max_runs=2000").env("PIPEX_LOG", "info");
        let (code, said) = Process::start(&mut command).end();
        assert_eq!(code, Some(0), "{said}");
        (prefect.flow_run(&said), table(&said))
    };
    let (cold, table) = run();
    let ran: u64 = table.values().map(|[ran, ..]| ran).sum();
    assert_eq!(ran, 2196);
    prefect.counts(&cold, "Completed", ran);
    let flow_run = prefect.get(&format!("/flow_runs/{cold}"));
    assert_eq!(flow_run["state_type"], "COMPLETED");
    assert_eq!(flow_run["parameters"]["out"], "out");

    // The graph, as its page draws it.
    let graph = prefect.get(&format!("/flow_runs/{cold}/graph-v2"));
    let nodes: HashMap<&str, &Value> =
        graph["nodes"].as_array().unwrap().iter().map(|node| (node[1]["label"].as_str().unwrap(), &node[1])).collect();
    let parents = |name: &str| {
        let parents: HashSet<&Value> = nodes[name]["parents"].as_array().unwrap().iter().map(|it| &it["id"]).collect();
        let label = |parent: &Value| nodes.values().find(|node| node["id"] == *parent).unwrap()["label"].clone();
        (parents.len(), label(parents.iter().next().unwrap()))
    };
    assert_eq!(parents("clean EWR 2013-07-04"), (1, json!("split")));
    assert_eq!(parents("summary EWR 2013-07-04"), (1, json!("clean EWR 2013-07-04")));
    assert_eq!(parents("report").0, 1095);
    assert!(nodes["split"]["parents"].as_array().unwrap().is_empty());

    let logs = prefect.post("/logs/filter", &json!({ "logs": { "flow_run_id": { "any_": [cold] } } }));
    let read =
        logs.as_array().unwrap().iter().find(|log| log["message"].as_str().unwrap().starts_with("read ")).unwrap();
    assert_eq!((&read["level"], &read["name"]), (&json!(20), &json!("prefect.task_runs")));
    assert!(read["message"].as_str().unwrap().contains("examples/weather.rs:"), "{read}");

    let summary = prefect.task_run(&cold, "summary EWR 2013-07-04");
    let inputs = json!({
        "hours": [{ "input_type": "task_run", "id": nodes["clean EWR 2013-07-04"]["id"] }],
        "station": [{ "input_type": "constant", "type": "\"EWR\"" }],
        "day": [{ "input_type": "constant", "type": "\"2013-07-04\"" }],
    });
    assert_eq!(summary["task_inputs"], inputs);

    let data = |key: &str| prefect.artifact(&cold, key)["data"].as_str().unwrap().to_owned();
    assert!(data("pipex-task-runs").contains("| clean | 1095 | 0 | 0 | 0 |"));
    let rows = |key: &str| data(key).lines().filter(|row| row.contains("| Completed |")).count();
    let keys = ["pipex-weather-clean", "pipex-weather-clean-2", "pipex-weather-clean-3"];
    assert_eq!(keys.map(rows), [500, 500, 95]);
    let link = format!("[out/report.json](file://{}) |", place.file("out/report.json").display());
    assert!(data("pipex-weather-report").contains(&link), "{link}");

    let (warm, table) = run();
    let cached: u64 = table.values().map(|[_, cached, ..]| cached).sum();
    assert_eq!(cached, 2195, "what is upstream of what is there is not asked about");
    prefect.counts(&warm, "Cached", cached);
    assert_eq!(prefect.task_run(&warm, "report")["state"]["message"], "Target out/report.json is there");
}

#[task(retries = 2, tags = ["web"], name = "fetch {station}")]
fn fetch(station: &str) -> Result<u64, std::io::Error> {
    static TRIES: AtomicUsize = AtomicUsize::new(0);
    tracing::warn!("fetching {station}");
    match station {
        "flaky" if TRIES.fetch_add(1, Ordering::Relaxed) == 0 => Err(std::io::Error::other("not yet")),
        "broken" => Err(std::io::Error::other("never")),
        _ => Ok(station.len() as u64),
    }
}

#[task]
fn double(x: u64) -> u64 {
    2 * x
}

/// Nothing can be told of it.
struct Untold;

#[task]
fn falls(x: u64, _untold: Untold) -> u64 {
    panic!("over {x}")
}

#[task(timeout = "50ms")]
async fn dreams() {
    std::future::pending::<()>().await;
}

#[flow]
fn inner(x: u64) -> pipex::Result<u64> {
    double(x).base("inner").run()?.load()
}

#[flow]
fn all_states(names: Vec<String>, _untold: Untold) -> pipex::Result<u64> {
    let fetched: Vec<Output<u64>> = names.iter().map(|name| fetch(name.clone()).base(&**name).submit()).collect();
    let _doubled: Vec<_> = fetched.iter().map(|x| double(x).submit()).collect();
    let _ = falls(1, Untold).base("falls").submit();
    let _ = dreams().base("dreams").submit();
    inner(3)
}

#[test]
#[ignore = "another process: a flow"]
fn flow_of_all_states() {
    pipex::logging::init();
    eprintln!("{:?}", all_states(vec!["flaky".to_owned(), "broken".to_owned()], Untold).unwrap_err());
}

fn run(place: &Place, url: &str, set: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = place.program("prefect::flow_of_all_states");
    Process::start(command.env("PIPEX", "prefect").env("PREFECT_API_URL", url).envs(set.iter().copied())).end()
}

#[test]
fn states_attempts_logs_and_flows_within_flows_are_shown() {
    for prefect in Prefect::each() {
        states_attempts_logs_and_flows_within_flows_are_shown_by(&prefect);
    }
}

fn states_attempts_logs_and_flows_within_flows_are_shown_by(prefect: &Prefect) {
    let place = Place::new();
    let (code, said) = run(&place, &prefect.url, &[]);
    assert_eq!(code, Some(0), "{said}");
    let id = prefect.flow_run(&said);
    let flow_run = prefect.get(&format!("/flow_runs/{id}"));
    assert_eq!(flow_run["state_type"], "FAILED");
    assert!(flow_run["state"]["message"].as_str().unwrap().contains("fetch broken"), "{flow_run}");
    let parameters = json!({ "names": ["flaky", "broken"], "_untold": "(a value that cannot be shown)" });
    assert_eq!(flow_run["parameters"], parameters);

    let states = [("Failed", 1), ("Crashed", 1), ("TimedOut", 1), ("NotReady", 1), ("Completed", 3)];
    for (state, count) in states {
        prefect.counts(&id, state, count);
    }
    let flaky = prefect.task_run(&id, "fetch flaky");
    assert_eq!(flaky["tags"], json!(["web"]));
    assert_eq!(flaky["task_inputs"], json!({ "station": [{ "input_type": "constant", "type": "\"flaky\"" }] }));
    let took = json!({ "x": [{ "input_type": "task_run", "id": flaky["id"] }] });
    assert_eq!(prefect.task_run(&id, "double flaky")["task_inputs"], took);
    let untold = json!({
        "x": [{ "input_type": "constant", "type": "1" }],
        "_untold": [{ "input_type": "parameter", "name": "_untold" }],
    });
    assert_eq!(prefect.task_run(&id, "falls falls")["task_inputs"], untold);
    let history = prefect.get(&format!("/task_run_states/?task_run_id={}", flaky["id"].as_str().unwrap()));
    let mut history: Vec<_> = history.as_array().unwrap().iter().map(|state| state["name"].as_str().unwrap()).collect();
    history.retain(|name| *name != "Pending");
    let all = ["Running", "AwaitingRetry", "Retrying", "Completed"];
    assert_eq!(history, if prefect.takes_events { &all[..] } else { &all[3..] });
    let broken = prefect.task_run(&id, "fetch broken");
    assert!(broken["state"]["message"].as_str().unwrap().ends_with(": never"), "{broken}");
    if prefect.takes_events {
        assert_eq!((&flaky["run_count"], &broken["run_count"]), (&json!(2), &json!(3)));
    }

    let logs = prefect.until("log lines", || {
        let filter = json!({ "logs": { "flow_run_id": { "any_": [id] } }, "limit": 200 });
        let logs = prefect.post("/logs/filter", &filter).as_array().unwrap().clone();
        (logs.len() >= 5).then_some(logs)
    });
    let of_flaky: Vec<_> = logs.iter().filter(|log| log["task_run_id"] == flaky["id"]).collect();
    let fetching = of_flaky.iter().filter(|log| log["message"].as_str().unwrap().starts_with("fetching flaky"));
    assert!(fetching.clone().all(|log| log["level"] == 30 && log["message"].as_str().unwrap().contains("prefect.rs:")));
    assert_eq!(fetching.count(), 2);

    // The flow within is a task run of the outer one, which its own flow run is linked to.
    let tracking = prefect.task_run(&id, "inner");
    let filter = json!({ "flow_runs": { "parent_task_run_id": { "any_": [tracking["id"]] } } });
    let inner = &prefect.post("/flow_runs/filter", &filter)[0];
    assert_eq!(inner["state_type"], "COMPLETED");
    assert_eq!(inner["parameters"]["x"], 3);
    let within = prefect.task_run(inner["id"].as_str().unwrap(), "double inner");
    assert_eq!(within["state_type"], "COMPLETED");
    assert_eq!(prefect.task_run(&id, "inner")["state_type"], "COMPLETED");
}

#[task(target = "{path}/many/{number}.json", name = "<b>{number}</b> | 0")]
fn one_of_many(number: u32) -> Result<u32, std::io::Error> {
    match number % 400 {
        7 => {
            tracing::warn!("number {number} is none");
            Err(std::io::Error::other(format!("no {number}\n| **here**")))
        }
        _ => Ok(number),
    }
}

#[flow]
fn many() -> pipex::Result<()> {
    let all: Vec<_> = (0..1203).map(|number| one_of_many(number).submit()).collect();
    all.iter().for_each(|output| _ = output.wait());
    Ok(())
}

#[test]
#[ignore = "another process: a flow"]
fn flow_of_many() {
    pipex::logging::init();
    many().unwrap();
}

#[test]
fn task_runs_that_are_not_shown_for_themselves_are_found_in_tables() {
    for prefect in Prefect::each() {
        let place = Place::new();
        let mut command = place.program("prefect::flow_of_many");
        let (code, said) =
            Process::start(command.env("PREFECT_API_URL", &prefect.url).env("PIPEX_PREFECT", "max_runs=2")).end();
        assert_eq!(code, Some(0), "{said}");
        let id = prefect.flow_run(&said);
        // Two that are shown for themselves, and one that stands for the rest.
        prefect.counts(&id, "Completed", 2);
        prefect.counts(&id, "Failed", 1);
        let rest = prefect.task_run(&id, "one_of_many (1201 more)");
        let message = rest["state"]["message"].as_str().unwrap();
        let counts = "1201 more task runs, listed in the artifacts: 1198 completed, 0 cached, 3 failed, 0 skipped; \
                      the first that failed: \"<b>";
        assert!(message.starts_with(counts) && message.contains("</b> | 0\": "), "{message}");

        let keys = ["", "-2", "-3", "-failed"].map(|more| format!("pipex-engines-prefect-one-of-many{more}"));
        let rows = |key: &String| {
            let table = prefect.artifact(&id, key);
            assert_eq!(table["task_run_id"], rest["id"], "{key}");
            let mut lines = table["data"].as_str().unwrap().lines();
            assert!(lines.next().unwrap().starts_with("Outputs are below /"), "{table}");
            lines.skip(3).map(str::to_owned).collect::<Vec<_>>()
        };
        let [failed, others @ ..] = [&keys[3], &keys[0], &keys[1], &keys[2]].map(rows);
        assert_eq!(others.each_ref().map(Vec::len), [500, 500, 200]);
        let others: HashSet<_> = others.into_iter().flatten().collect();
        let is_there = |row: &str| others.iter().any(|it| it.contains(row));
        let target = format!("| [out/many/8.json](file://{}) |", place.file("out/many/8.json").display());
        assert!(is_there("| &lt;b\\>8&lt;/b\\> \\| 0 | Completed | ") && is_there(&target), "{others:?}");
        let mut failed: Vec<_> = failed.iter().map(|row| row.split(" | ").collect::<Vec<_>>()).collect();
        failed.sort();
        let names = [407, 7, 807].map(|number| format!("| &lt;b\\>{number}&lt;/b\\> \\| 0"));
        assert_eq!(failed.iter().map(|row| row[0]).collect::<Vec<_>>(), names);
        assert_eq!((failed[1][1], failed[1][3]), ("Failed", "out/many/7.json"));
        assert!(failed[1][4].ends_with("no 7 \\| \\*\\*here\\*\\* |"), "{failed:?}");

        // What they log stands with the one that stands for them.
        prefect.until("log lines", || {
            let filter = json!({ "logs": { "task_run_id": { "any_": [rest["id"]] } } });
            let logs = prefect.post("/logs/filter", &filter);
            logs.as_array()
                .unwrap()
                .iter()
                .any(|log| log["message"].as_str().unwrap().contains("number 807 is none"))
                .then_some(())
        });
    }
}

#[test]
fn a_server_that_is_not_there_is_no_reason_to_stop_unless_it_is_said() {
    let place = Place::new();
    let url = "http://user:a-secret@127.0.0.1:9/api";
    let (code, said) = run(&place, url, &[("PREFECT_API_KEY", "a-secret-key")]);
    assert_eq!(code, Some(0));
    assert!(said.contains("goes on and is not reported to Prefect"), "{said}");
    assert!(said.contains("fetch broken"), "it ran: {said}");
    assert!(!said.contains("secret"), "{said}");
    let (_, said) =
        run(&place, url, &[("PIPEX_PREFECT", "required, max_runs=20"), ("PREFECT_API_KEY", "a-secret-key")]);
    assert!(said.contains("cannot use the Prefect server at http://127.0.0.1:9/api: start it, set"), "{said}");
    assert!(!said.contains("fetching") && !said.contains("secret"), "nothing ran: {said}");
    for wrong in ["1", "require", "max_runs", "max_runs=many", "required,", "required,runs=5"] {
        let (_, said) = run(&place, url, &[("PIPEX_PREFECT", wrong)]);
        let refused = format!("PIPEX_PREFECT={wrong} is not required, max_runs=500 (a number of task runs), or both");
        assert!(said.contains(&refused) && !said.contains("fetching"), "nothing ran: {said}");
    }
}

/// Passes calls on to the server, but for every third: that is refused, or its connection breaks after the server has it.
fn unreliable(prefect: &Prefect) -> String {
    let server: String = prefect.url.trim_start_matches("http://").trim_end_matches("/api").to_owned();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    let calls = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        for connection in listener.incoming().map_while(Result::ok) {
            let (server, calls) = (server.clone(), Arc::clone(&calls));
            thread::spawn(move || serve(connection, &server, &calls));
        }
    });
    url
}

fn serve(mut client: TcpStream, server: &str, calls: &AtomicUsize) {
    while let Some((request, _)) = read_message(&mut client) {
        let call = calls.fetch_add(1, Ordering::Relaxed);
        if call % 6 == 4 {
            let _ = client.write_all(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
            continue;
        }
        let mut upstream = TcpStream::connect(server).unwrap();
        upstream.write_all(&request).unwrap();
        let Some((answer, _)) = read_message(&mut upstream) else { return };
        if call % 3 == 1 {
            return;
        }
        if client.write_all(&answer).is_err() {
            return;
        }
    }
}

#[test]
fn busy_servers_and_broken_connections_lose_nothing() {
    for prefect in Prefect::each() {
        let place = Place::new();
        let (code, said) = run(&place, &unreliable(&prefect), &[]);
        assert_eq!(code, Some(0), "{said}");
        assert!(!said.contains("not reported"), "{said}");
        let id = prefect.flow_run(&said);
        for (state, count) in [("Failed", 1), ("Crashed", 1), ("TimedOut", 1), ("NotReady", 1), ("Completed", 3)] {
            prefect.counts(&id, state, count);
        }
        assert_eq!(prefect.get(&format!("/flow_runs/{id}"))["state_type"], "FAILED");
    }
}

#[task]
fn waits(gate: &Path, number: u64) -> u64 {
    eprintln!("number {number} waits");
    wait_at(gate);
    number
}

#[flow]
fn long(gate: PathBuf) -> pipex::Result<()> {
    let all: Vec<_> = (0..6).map(|number| waits(gate.clone(), number).base(number.to_string()).submit()).collect();
    all.iter().try_for_each(|output| output.wait())
}

#[test]
#[ignore = "another process: a flow"]
fn flow_that_is_long() {
    eprintln!("{:?}", Config::new().signals(true).scope(|| long("gate".into())));
}

/// A flow of six task runs, of which two run until the gate is open; and how the server calls it.
fn long_flow(prefect: &Prefect, place: &Place) -> (Process, String, Gate) {
    let gate = Gate::new(place.file("gate"));
    let mut command = place.program("prefect::flow_that_is_long");
    let flow = Process::start(
        command.env("PREFECT_API_URL", &prefect.url).env("PIPEX_WORKERS", "2").env("PIPEX_JOURNAL", "off"),
    );
    flow.says("/runs/flow-run/");
    let id = prefect.flow_run(&flow.said());
    (0..2).for_each(|number| flow.says(&format!("number {number} waits")));
    if prefect.takes_events {
        prefect.counts(&id, "Running", 2);
    }
    (flow, id, gate)
}

#[test]
fn cancelled_in_prefect_it_is_cancelled_here() {
    for prefect in Prefect::each() {
        let place = Place::new();
        let (flow, id, gate) = long_flow(&prefect, &place);
        let state = json!({ "state": { "type": "CANCELLING", "name": "Cancelling" } });
        prefect.post(&format!("/flow_runs/{id}/set_state"), &state);
        flow.says(&format!("/runs/flow-run/{id} was cancelled in Prefect: no more tasks start; those that run go on"));
        let _open = gate.open();
        let (_, said) = flow.end();
        assert!(said.contains("the flow run was cancelled: it was cancelled in Prefect"), "{said}");
        prefect.counts(&id, "Cancelled", 4);
        prefect
            .until("the end", || (prefect.get(&format!("/flow_runs/{id}"))["state_type"] == "CANCELLED").then_some(()));
    }
}

#[test]
fn stopped_by_a_signal_it_is_shown_as_cancelled() {
    for prefect in Prefect::each() {
        let place = Place::new();
        let (flow, id, _gate) = long_flow(&prefect, &place);
        flow.signal("-INT");
        flow.says("no more tasks start");
        flow.signal("-INT");
        assert_eq!(flow.end().0, Some(130));
        let run = prefect.get(&format!("/flow_runs/{id}"));
        assert_eq!(
            (&run["state_type"], &run["state"]["message"]),
            (&json!("CANCELLED"), &json!("the process was stopped"))
        );
    }
}
