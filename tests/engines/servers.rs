//! Real servers, and the processes that talk to them.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;

use crate::events::{LIMIT, happened, wait_for};

pub fn set(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run tests/engines/run"))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A NATS server with JetStream, which keeps what it has when it is stopped.
pub struct Nats {
    server: Option<Process>,
    pub host: String,
    pub port: u16,
    dir: TempDir,
    arguments: Vec<String>,
}

impl Nats {
    pub fn start(arguments: &[&str]) -> Self {
        Self::at("127.0.0.1", arguments)
    }

    pub fn at(host: &str, arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(ToString::to_string).collect();
        let dir = tempfile::tempdir().unwrap();
        let mut nats = Nats { server: None, host: host.to_owned(), port: free_port(), dir, arguments };
        nats.again();
        nats
    }

    /// Starts it once more.
    pub fn again(&mut self) {
        let mut command = Command::new(set("PIPEX_TESTS_NATS"));
        command.args(["-a", &self.host, "-p", &self.port.to_string(), "-js", "-sd"]).arg(self.dir.path());
        let server = Process::start(command.args(&self.arguments));
        server.says("Server is ready");
        self.server = Some(server);
    }

    pub fn kill(&mut self) {
        self.server = None;
    }

    /// What `PIPEX_NATS_URL` is, for this project's jobs.
    pub fn url(&self) -> String {
        format!("{}?project=tests&ack_wait=2", self.address())
    }

    pub fn address(&self) -> String {
        format!("nats://{}:{}", self.host, self.port)
    }
}

/// A process whose lines are read while it runs.
pub struct Process {
    child: Child,
    said: Arc<Mutex<Said>>,
}

#[derive(Default)]
struct Said {
    lines: String,
    /// There will be no more: it has ended.
    is_all: bool,
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let said = Arc::<Mutex<Said>>::default();
        let into = Arc::clone(&said);
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                into.lock().unwrap().lines.push_str(&(line + "\n"));
                happened();
            }
            into.lock().unwrap().is_all = true;
            happened();
        });
        Process { child, said }
    }

    pub fn said(&self) -> String {
        self.said.lock().unwrap().lines.clone()
    }

    fn is_all(&self) -> bool {
        self.said.lock().unwrap().is_all
    }

    /// Waits until it has said this.
    pub fn says(&self, what: &str) {
        let has_said = || self.said().contains(what);
        wait_for(|| (has_said() || self.is_all()).then_some(()));
        assert!(has_said(), "it never said {what:?}:\n{}", self.said());
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: &str) {
        assert!(Command::new("kill").args([signal, &self.id().to_string()]).status().unwrap().success());
    }

    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Whether it has ended, and all is read of what it said.
    pub fn has_ended(&mut self) -> bool {
        let is_all = self.is_all();
        if is_all {
            self.child.wait().unwrap();
        }
        is_all
    }

    /// Waits for its end; whether it went well, and what it said.
    pub fn end(mut self) -> (Option<i32>, String) {
        wait_for(|| self.has_ended().then_some(()));
        assert!(self.has_ended(), "it never ended:\n{}", self.said());
        (self.child.wait().unwrap().code(), self.said())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A directory with outputs, and how processes are started in it.
pub struct Place {
    pub dir: TempDir,
}

impl Place {
    pub fn new() -> Self {
        Place { dir: tempfile::tempdir().unwrap() }
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.path().join(name)
    }

    /// This test program, as another process that runs `name`.
    pub fn program(&self, name: &str) -> Command {
        let mut command = crate::child::child(name);
        command.current_dir(self.path()).env("PIPEX", "prefect.cache").env("PIPEX_PATH", "out").env("PIPEX_QUIET", "1");
        command.env_remove("PREFECT_API_URL");
        command
    }

    /// The example.
    pub fn weather(&self) -> Command {
        self.example(&["out"])
    }

    /// The same, as a worker.
    pub fn weather_worker(&self) -> Command {
        self.example(&["pipex", "worker"])
    }

    fn example(&self, arguments: &[&str]) -> Command {
        let target = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
        let mut command = Command::new(target.join("examples/weather"));
        command.current_dir(self.path()).env("PIPEX", "prefect.cache").env_remove("PREFECT_API_URL").args(arguments);
        command
    }
}

/// Between two calls that ask for the same.
const PAUSE: Duration = Duration::from_millis(200);

/// Asks a server now and then, until the answer is there. It says nothing by itself.
pub fn ask_until<T>(what: &str, mut ask: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + LIMIT;
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(Instant::now() < end, "it never came: {what}");
        // Asked without a pause, it has none to do what it is asked about, and refuses the calls of flows.
        thread::park_timeout(PAUSE);
    }
}

/// A Prefect server, for one test at a time: while it records thousands of runs, it refuses calls.
pub struct Prefect {
    _turn: MutexGuard<'static, ()>,
    pub url: String,
    /// Whether it takes task runs as events. One of version 2 does not: there each has a call of its own, at its end.
    pub takes_events: bool,
    authorization: String,
    client: String,
    /// What proves that a call comes from here.
    csrf: String,
}

impl Prefect {
    /// That of version 3.
    pub fn new() -> Self {
        static TURN: Mutex<()> = Mutex::new(());
        Self::at("PIPEX_TESTS_PREFECT", &TURN)
    }

    /// Those of version 3 and of version 2, one after the other.
    pub fn each() -> impl Iterator<Item = Self> {
        static TURN: Mutex<()> = Mutex::new(());
        [Self::new, || Self::at("PIPEX_TESTS_PREFECT_2", &TURN)].into_iter().map(|prefect| prefect())
    }

    fn at(url: &str, turn: &'static Mutex<()>) -> Self {
        let authorization = format!("Basic {}", STANDARD.encode(set("PREFECT_API_AUTH_STRING")));
        let client = thread::current().name().unwrap_or_default().replace(':', "-");
        let turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let (csrf, takes_events) = (String::new(), false);
        let mut prefect = Prefect { _turn: turn, url: set(url), takes_events, authorization, client, csrf };
        prefect.takes_events = !prefect.get("/admin/version").as_str().unwrap().starts_with("2.");
        prefect.csrf =
            prefect.get(&format!("/csrf-token?client={}", prefect.client))["token"].as_str().unwrap().to_owned();
        prefect
    }

    pub fn post(&self, path: &str, body: &Value) -> Value {
        let call = ureq::post(format!("{}{path}", self.url)).header("Authorization", &self.authorization);
        let call = call.header("Prefect-Csrf-Token", &self.csrf).header("Prefect-Csrf-Client", &self.client);
        call.send_json(body).unwrap().body_mut().read_json().unwrap()
    }

    pub fn get(&self, path: &str) -> Value {
        let call = ureq::get(format!("{}{path}", self.url)).header("Authorization", &self.authorization);
        call.call().unwrap().body_mut().read_json().unwrap()
    }

    /// Asks it now and then, until the answer is there.
    pub fn until<T>(&self, what: &str, ask: impl FnMut() -> Option<T>) -> T {
        ask_until(what, ask)
    }

    /// Waits until so many task runs of it are in a state with this name.
    pub fn counts(&self, flow_run: &str, state: &str, count: u64) {
        self.until(state, || (self.count(flow_run, state) == count).then_some(()));
    }

    /// The flow run whose page a program has named.
    pub fn flow_run(&self, said: &str) -> String {
        let after = said.split("/runs/flow-run/").nth(1).unwrap_or_else(|| panic!("no page was named: {said}"));
        after.chars().take_while(|c| c.is_ascii_hexdigit() || *c == '-').collect()
    }

    /// How many task runs of it are in a state with this name.
    fn count(&self, flow_run: &str, state: &str) -> u64 {
        let body = serde_json::json!({
            "flow_runs": { "id": { "any_": [flow_run] } },
            "task_runs": { "state": { "name": { "any_": [state] } } },
        });
        self.post("/task_runs/count", &body).as_u64().unwrap()
    }

    /// The artifacts of it.
    pub fn artifacts(&self, flow_run: &str) -> Vec<Value> {
        let body = serde_json::json!({ "artifacts": { "flow_run_id": { "any_": [flow_run] } }, "limit": 200 });
        self.post("/artifacts/filter", &body).as_array().unwrap().clone()
    }

    /// That of it with this key.
    pub fn artifact(&self, flow_run: &str, key: &str) -> Value {
        let artifacts = self.artifacts(flow_run);
        let artifact = artifacts.iter().find(|artifact| artifact["key"] == key);
        artifact.unwrap_or_else(|| panic!("{key} is not among {artifacts:?}")).clone()
    }

    /// The task run of it with this name, as soon as its state is there.
    pub fn task_run(&self, flow_run: &str, name: &str) -> Value {
        let body = serde_json::json!({
            "flow_runs": { "id": { "any_": [flow_run] } },
            "task_runs": { "name": { "any_": [name] } },
        });
        self.until(name, || Some(self.post("/task_runs/filter", &body)[0].take()).filter(|run| !run["state"].is_null()))
    }
}
