//! Runs as a real Prefect server shows them.

use std::collections::HashMap;
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
        let parents = nodes[name]["parents"].as_array().unwrap();
        let label = |parent: &Value| nodes.values().find(|node| node["id"] == parent["id"]).unwrap()["label"].clone();
        (parents.len(), label(&parents[0]))
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

    let artifacts = prefect.post("/artifacts/filter", &json!({ "artifacts": { "flow_run_id": { "any_": [cold] } } }));
    assert!(artifacts[0]["data"].as_str().unwrap().contains("| clean | 1095 | 0 | 0 | 0 |"), "{artifacts}");

    let (warm, table) = run();
    let cached: u64 = table.values().map(|[_, cached, ..]| cached).sum();
    assert_eq!(cached, 2195, "what is upstream of what is there is not asked about");
    prefect.counts(&warm, "Cached", cached);
    let body = json!({ "flow_runs": { "id": { "any_": [warm] } }, "task_runs": { "name": { "any_": ["report"] } } });
    // A task run is counted before all of its state is there.
    let message = prefect.until("why the report did not run", || {
        let message = &prefect.post("/task_runs/filter", &body)[0]["state"]["message"];
        message.as_str().map(str::to_owned)
    });
    assert_eq!(message, "Target out/report.json is there");
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

#[task]
fn falls(x: u64) -> u64 {
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
fn all_states(names: Vec<String>) -> pipex::Result<u64> {
    let fetched: Vec<Output<u64>> = names.iter().map(|name| fetch(name.clone()).base(&**name).submit()).collect();
    let _doubled: Vec<_> = fetched.iter().map(|x| double(x).submit()).collect();
    let _ = falls(1).base("falls").submit();
    let _ = dreams().base("dreams").submit();
    inner(3)
}

#[test]
#[ignore = "another process: a flow"]
fn flow_of_all_states() {
    pipex::logging::init();
    eprintln!("{:?}", all_states(vec!["flaky".to_owned(), "broken".to_owned()]).unwrap_err());
}

fn run(place: &Place, url: &str, set: &[(&str, &str)]) -> (Option<i32>, String) {
    let mut command = place.program("prefect::flow_of_all_states");
    Process::start(command.env("PIPEX", "prefect").env("PREFECT_API_URL", url).envs(set.iter().copied())).end()
}

#[test]
fn states_attempts_logs_and_flows_within_flows_are_shown() {
    let (prefect, place) = (Prefect::new(), Place::new());
    let (code, said) = run(&place, &prefect.url, &[]);
    assert_eq!(code, Some(0), "{said}");
    let id = prefect.flow_run(&said);
    let flow_run = prefect.get(&format!("/flow_runs/{id}"));
    assert_eq!(flow_run["state_type"], "FAILED");
    assert!(flow_run["state"]["message"].as_str().unwrap().contains("fetch broken"), "{flow_run}");
    assert_eq!(flow_run["parameters"]["names"], json!(["flaky", "broken"]));

    let states = [("Failed", 1), ("Crashed", 1), ("TimedOut", 1), ("NotReady", 1), ("Completed", 3)];
    for (state, count) in states {
        prefect.counts(&id, state, count);
    }
    let flaky = prefect.task_run(&id, "fetch flaky");
    assert_eq!((&flaky["run_count"], &flaky["tags"]), (&json!(2), &json!(["web"])));
    let history = prefect.get(&format!("/task_run_states/?task_run_id={}", flaky["id"].as_str().unwrap()));
    let mut history: Vec<_> = history.as_array().unwrap().iter().map(|state| state["name"].as_str().unwrap()).collect();
    history.retain(|name| *name != "Pending");
    assert_eq!(history, ["Running", "AwaitingRetry", "Retrying", "Completed"]);
    let broken = prefect.task_run(&id, "fetch broken");
    assert!(broken["state"]["message"].as_str().unwrap().ends_with(": never"), "{broken}");
    assert_eq!(broken["run_count"], 3);

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
    let (prefect, place) = (Prefect::new(), Place::new());
    let (code, said) = run(&place, &unreliable(&prefect), &[]);
    assert_eq!(code, Some(0), "{said}");
    assert!(!said.contains("not reported"), "{said}");
    let id = prefect.flow_run(&said);
    for (state, count) in [("Failed", 1), ("Crashed", 1), ("TimedOut", 1), ("NotReady", 1), ("Completed", 3)] {
        prefect.counts(&id, state, count);
    }
    assert_eq!(prefect.get(&format!("/flow_runs/{id}"))["state_type"], "FAILED");
}

#[task]
fn waits(gate: &Path, number: u64) -> u64 {
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
    prefect.counts(&id, "Running", 2);
    (flow, id, gate)
}

#[test]
fn cancelled_in_prefect_it_is_cancelled_here() {
    let (prefect, place) = (Prefect::new(), Place::new());
    let (flow, id, gate) = long_flow(&prefect, &place);
    let state = json!({ "state": { "type": "CANCELLING", "name": "Cancelling" } });
    prefect.post(&format!("/flow_runs/{id}/set_state"), &state);
    flow.says(&format!("/runs/flow-run/{id} was cancelled in Prefect: no more tasks start; those that run go on"));
    let _open = gate.open();
    let (_, said) = flow.end();
    assert!(said.contains("the flow run was cancelled: it was cancelled in Prefect"), "{said}");
    prefect.counts(&id, "Cancelled", 4);
    prefect.until("the end", || (prefect.get(&format!("/flow_runs/{id}"))["state_type"] == "CANCELLED").then_some(()));
}

#[test]
fn stopped_by_a_signal_it_is_shown_as_cancelled() {
    let (prefect, place) = (Prefect::new(), Place::new());
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
