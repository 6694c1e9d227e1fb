//! Real servers, and the processes that talk to them.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use tempfile::TempDir;

pub fn set(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run tests/engines/run"))
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Waits for what is to come, a minute at most.
pub fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let end = Instant::now() + Duration::from_secs(90);
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "it never came: {what}");
        thread::sleep(Duration::from_millis(20));
    }
}

/// A NATS server with JetStream, which keeps what it has when it is stopped.
pub struct Nats {
    child: Option<Child>,
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
        let mut nats = Nats { child: None, host: host.to_owned(), port: free_port(), dir, arguments };
        nats.again();
        nats
    }

    /// Starts it once more.
    pub fn again(&mut self) {
        let mut command = Command::new(set("PIPEX_TESTS_NATS"));
        command.args(["-a", &self.host, "-p", &self.port.to_string(), "-js", "-sd"]).arg(self.dir.path());
        let child = command.args(&self.arguments).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        self.child = Some(child);
        let address = format!("{}:{}", self.host, self.port);
        until("a NATS server that says INFO", || {
            let mut info = [0; 4];
            TcpStream::connect(&address).ok()?.read_exact(&mut info).ok()?;
            (&info == b"INFO").then_some(())
        });
    }

    pub fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    pub fn url(&self) -> String {
        format!("nats://{}:{}", self.host, self.port)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        if self.child.is_some() {
            self.kill();
        }
    }
}

/// A process whose lines are read while it runs.
pub struct Process {
    child: Child,
    lines: Arc<Mutex<String>>,
    /// Where it works.
    _reader: thread::JoinHandle<()>,
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        let said = BufReader::new(child.stderr.take().unwrap());
        let lines = Arc::new(Mutex::new(String::new()));
        let into = Arc::clone(&lines);
        let reader = thread::spawn(move || {
            for line in said.lines().map_while(Result::ok) {
                into.lock().unwrap().push_str(&(line + "\n"));
            }
        });
        Process { child, lines, _reader: reader }
    }

    pub fn stderr(&self) -> String {
        self.lines.lock().unwrap().clone()
    }

    /// Waits until it has said this.
    pub fn wait_for_text(&self, what: &str) {
        let end = Instant::now() + Duration::from_secs(60);
        while !self.stderr().contains(what) {
            assert!(Instant::now() < end, "it never said {what:?}:\n{}", self.stderr());
            thread::sleep(Duration::from_millis(10));
        }
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

    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Waits for its end; whether it went well, and what it said.
    pub fn end(mut self) -> (Option<i32>, String) {
        let end = Instant::now() + Duration::from_secs(180);
        while !self.has_ended() {
            assert!(Instant::now() < end, "it never ended:\n{}", self.stderr());
            thread::sleep(Duration::from_millis(10));
        }
        let code = self.child.wait().unwrap().code();
        // All of what it said.
        thread::sleep(Duration::from_millis(50));
        (code, self.stderr())
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
        command.env_remove("PREFECT_API_URL").env("PIPEX_NATS_ACK_WAIT", "2").env("PIPEX_NATS_PROJECT", "tests");
        command
    }

    /// The example.
    pub fn weather(&self) -> Command {
        let target = std::env::current_exe().unwrap().ancestors().nth(2).unwrap().to_owned();
        let mut command = Command::new(target.join("examples/weather"));
        command.current_dir(self.path()).env("PIPEX", "prefect.cache").env("PIPEX_NATS_ACK_WAIT", "2");
        command.env_remove("PREFECT_API_URL").arg("out");
        command
    }
}

/// The Prefect server.
pub struct Prefect {
    pub url: String,
    authorization: String,
    client: String,
    /// What proves that a call comes from here.
    csrf: String,
}

impl Prefect {
    pub fn new() -> Self {
        let authorization = format!("Basic {}", STANDARD.encode(set("PREFECT_API_AUTH_STRING")));
        let client = thread::current().name().unwrap_or_default().replace(':', "-");
        let mut prefect = Prefect { url: set("PIPEX_TESTS_PREFECT"), authorization, client, csrf: String::new() };
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

    /// The flow run whose page a program has named.
    pub fn flow_run(&self, said: &str) -> String {
        let after = said.split("/runs/flow-run/").nth(1).unwrap_or_else(|| panic!("no page was named: {said}"));
        after.chars().take_while(|c| c.is_ascii_hexdigit() || *c == '-').collect()
    }

    /// How many task runs of it are in a state with this name.
    pub fn count(&self, flow_run: &str, state: &str) -> u64 {
        let body = serde_json::json!({
            "flow_runs": { "id": { "any_": [flow_run] } },
            "task_runs": { "state": { "name": { "any_": [state] } } },
        });
        self.post("/task_runs/count", &body).as_u64().unwrap()
    }

    /// The task runs of it, 200 at most.
    pub fn task_runs(&self, flow_run: &str) -> Vec<Value> {
        let body = serde_json::json!({ "flow_runs": { "id": { "any_": [flow_run] } }, "limit": 200 });
        self.post("/task_runs/filter", &body).as_array().unwrap().clone()
    }

    pub fn task_run(&self, flow_run: &str, name: &str) -> Value {
        until(name, || self.task_runs(flow_run).into_iter().find(|run| run["name"] == name))
    }
}
