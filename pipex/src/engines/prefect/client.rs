//! Calls to the server.

use std::error::Error as _;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBuilder};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use ureq::Agent;
use ureq::http::{Response, StatusCode};

use pipex_format::environment::env_text;

/// How long one call may take.
const CALL: Duration = Duration::from_secs(15);
/// The server closes connections that were idle for longer.
const IDLE: Duration = Duration::from_secs(4);

pub(super) struct Client {
    agent: Agent,
    /// Without what is secret in it.
    url: String,
    authorization: Option<String>,
    /// What it calls itself.
    client: String,
    /// What proves that a call comes from here, where the server wants that.
    csrf: Mutex<Option<String>>,
}

/// Why a call failed. It never says more of the server's address than where it is.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{method} {path}: {problem}")]
pub(super) struct RequestFailure {
    method: &'static str,
    path: String,
    problem: String,
    pub(super) status: Option<u16>,
}

impl RequestFailure {
    /// Whether another try may go better.
    fn passes(&self) -> bool {
        self.status.is_none_or(|status| status >= 500 || status == 429 || status == 408)
    }
}

impl Client {
    pub(super) fn new(url: &str, client: String) -> Self {
        let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
        let (user, host) = rest.rsplit_once('@').map_or((None, rest), |(user, host)| (Some(user.to_owned()), host));
        let basic = |pair: String| format!("Basic {}", STANDARD.encode(pair));
        let authorization = env_text("PREFECT_API_KEY")
            .map(|key| format!("Bearer {key}"))
            .or_else(|| env_text("PREFECT_API_AUTH_STRING").or(user).map(basic));
        let config = Agent::config_builder()
            .timeout_global(Some(CALL))
            .timeout_connect(Some(Duration::from_secs(5)))
            .max_idle_age(IDLE)
            .http_status_as_error(false)
            .user_agent(concat!("pipex/", env!("CARGO_PKG_VERSION")))
            .build();
        let url = format!("{scheme}://{}", host.trim_end_matches('/'));
        Client { agent: config.into(), url, authorization, client, csrf: Mutex::default() }
    }

    /// Where it is.
    pub(super) fn named(&self) -> &str {
        &self.url
    }

    /// The page of a flow run.
    pub(super) fn page(&self, id: &str) -> String {
        let ui = env_text("PREFECT_UI_URL").unwrap_or_else(|| self.url.trim_end_matches("/api").to_owned());
        format!("{}/runs/flow-run/{id}", ui.trim_end_matches('/'))
    }

    /// The server's version; whether it is there at all. It is asked again and again until it is `until`.
    pub(super) fn version(&self, until: Instant) -> Result<String, RequestFailure> {
        let version = self.call_until("GET", "/admin/version", None, until)?;
        Ok(version.as_str().unwrap_or_default().to_owned())
    }

    /// Finds out whether the server wants calls to prove where they come from.
    pub(super) fn greet(&self) {
        let token = self.call("GET", &format!("/csrf-token?client={}", self.client), None).ok();
        let token = token.and_then(|token| token.get("token")?.as_str().map(str::to_owned));
        *self.csrf.lock().unwrap_or_else(PoisonError::into_inner) = token;
    }

    pub(super) fn get(&self, path: &str) -> Result<Value, RequestFailure> {
        self.call("GET", path, None)
    }

    /// Posts, again and again until it is `until`, while the server is not to be had or says that it is busy.
    pub(super) fn post(&self, path: &str, body: &Value, until: Instant) -> Result<Value, RequestFailure> {
        self.call_until("POST", path, Some(body), until)
    }

    fn call_until(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&Value>,
        until: Instant,
    ) -> Result<Value, RequestFailure> {
        let mut delays = ExponentialBuilder::default()
            .with_min_delay(Duration::from_millis(100))
            .with_max_delay(Duration::from_secs(5))
            .with_jitter()
            .without_max_times()
            .build();
        let mut renewed = false;
        loop {
            let failure = match self.call(method, path, body) {
                Ok(answer) => return Ok(answer),
                Err(failure) => failure,
            };
            if failure.status == Some(403) && !std::mem::replace(&mut renewed, true) {
                // The proof is valid for an hour.
                self.greet();
                continue;
            }
            let delay = delays.next().unwrap_or(Duration::from_secs(5));
            if !failure.passes() || Instant::now() + delay > until {
                return Err(failure);
            }
            thread::sleep(delay);
        }
    }

    fn call(&self, method: &'static str, path: &str, body: Option<&Value>) -> Result<Value, RequestFailure> {
        let url = format!("{}{path}", self.url);
        let failed = |problem: String, status| {
            let path = path.split('?').next().unwrap_or(path).to_owned();
            RequestFailure { method, path: format!("{}{path}", self.url), problem, status }
        };
        let answer = match body {
            None => self.signed(self.agent.get(&url)).call(),
            Some(body) => self.signed(self.agent.post(&url)).send_json(body),
        };
        // What the library says may name the address; the kind of the problem is enough.
        let mut answer: Response<ureq::Body> = answer.map_err(|error| {
            let system = match &error {
                ureq::Error::Io(error) => Some(error.to_string()),
                _ => error.source().map(ToString::to_string),
            };
            failed(system.unwrap_or_else(|| error.to_string()), None)
        })?;
        let status = answer.status();
        if status.is_success() {
            if status == StatusCode::NO_CONTENT {
                return Ok(Value::Null);
            }
            return answer.body_mut().read_json().map_err(|_| failed("the answer is no JSON".to_owned(), None));
        }
        let said = answer.body_mut().read_to_string().unwrap_or_default();
        let said: String = said.chars().filter(|c| !c.is_control()).take(300).collect();
        Err(failed(format!("{status}: {said}"), Some(status.as_u16())))
    }

    fn signed<B>(&self, mut request: ureq::RequestBuilder<B>) -> ureq::RequestBuilder<B> {
        if let Some(authorization) = &self.authorization {
            request = request.header("Authorization", authorization);
        }
        if let Some(token) = &*self.csrf.lock().unwrap_or_else(PoisonError::into_inner) {
            request = request.header("Prefect-Csrf-Token", token).header("Prefect-Csrf-Client", &self.client);
        }
        request
    }
}
