//! What `PIPEX_NATS_URL` says: the servers, who asks, and what stands in the query.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash as _, Hasher as _};
use std::time::Duration;

use async_nats::{ConnectOptions, ServerAddr};
use percent_encoding::percent_decode_str;

use pipex_format::environment::env_text;
use pipex_format::model::error::{Cause, Error, Result};
use pipex_format::root::Root;

const URL: &str = "PIPEX_NATS_URL";
const EXPECTED: &str = "the address of a NATS server, such as nats://TOKEN@127.0.0.1:4222?project=weather, or several, \
                        separated by commas; what is special in a token (/?#,@:%) is percent-encoded";
const KNOWN: &str =
    "a NATS server with settings that there are: project, replicas, ack_wait, max_starts, ca, credentials";

/// What the environment says of the server and of the project.
#[derive(Clone)]
pub(super) struct NatsSettings {
    /// Without what is secret in their addresses.
    pub(super) servers: Vec<ServerAddr>,
    login: Option<Login>,
    /// What tells streams and subjects from those of other projects.
    pub(super) project: String,
    pub(super) credentials: Option<String>,
    pub(super) authority: Option<String>,
    pub(super) replicas: usize,
    /// How long a worker may be silent.
    pub(super) ack_wait: Duration,
    /// How often a job is started at most.
    pub(super) starts: u64,
}

#[derive(Clone, PartialEq)]
enum Login {
    Token(String),
    User(String, String),
}

impl NatsSettings {
    pub(super) fn from_env() -> Result<Option<Self>> {
        env_text(URL).map(|text| Self::parse(&text)).transpose()
    }

    fn parse(text: &str) -> Result<Self> {
        let mut settings = NatsSettings {
            servers: Vec::new(),
            login: None,
            project: this_project(),
            credentials: None,
            authority: None,
            replicas: 1,
            ack_wait: Duration::from_secs(30),
            starts: 3,
        };
        text.split(',').try_for_each(|server| settings.add_server(server.trim()))?;
        Ok(settings)
    }

    fn add_server(&mut self, text: &str) -> Result<()> {
        // No part of it is shown: what is wrong may be within the token.
        let wrong = || Error::Setting { name: URL, value: "..".to_owned(), expected: EXPECTED };
        let mut url = text.parse::<ServerAddr>().map_err(|_| wrong())?.into_inner();
        if url.host_str().is_none_or(str::is_empty) || !matches!(url.path(), "" | "/") || url.fragment().is_some() {
            return Err(wrong());
        }
        let decode = |text: &str| percent_decode_str(text).decode_utf8().map(String::from).map_err(|_| wrong());
        let login = match (decode(url.username())?, url.password()) {
            (user, Some(password)) => Some(Login::User(user, decode(password)?)),
            (user, None) if user.is_empty() => None,
            (token, None) => Some(Login::Token(token)),
        };
        if self.login.is_some() && login.is_some() && self.login != login {
            let expected = "one token, or one user and password, for all servers";
            return Err(Error::Setting { name: URL, value: "..".to_owned(), expected });
        }
        self.login = self.login.take().or(login);
        url.query_pairs().try_for_each(|(key, value)| self.set(&key, &value))?;
        url.set_query(None);
        url.set_password(None).and_then(|()| url.set_username("")).map_err(|()| wrong())?;
        self.servers.push(ServerAddr::from_url(url).map_err(|_| wrong())?);
        Ok(())
    }

    fn set(&mut self, key: &str, value: &str) -> Result<()> {
        let number = |most: u64| value.parse().ok().filter(|number| (1..=most).contains(number));
        let file = || (!value.is_empty()).then(|| Some(value.to_owned()));
        let seconds = || number(u32::MAX.into()).map(Duration::from_secs);
        let project = || is_name(value).then(|| value.to_owned());
        let (is_set, name, expected) = match key {
            "project" => {
                (assign(&mut self.project, project()), "PIPEX_NATS_URL: project", "a name of letters, digits, - and _")
            }
            "replicas" => (
                assign(&mut self.replicas, number(5).map(|number| number as usize)),
                "PIPEX_NATS_URL: replicas",
                "a number of replicas, 1 to 5",
            ),
            "ack_wait" => {
                (assign(&mut self.ack_wait, seconds()), "PIPEX_NATS_URL: ack_wait", "a number of seconds, 1 or more")
            }
            "max_starts" => (
                assign(&mut self.starts, number(u64::MAX)),
                "PIPEX_NATS_URL: max_starts",
                "how often a job is started at most, 1 or more",
            ),
            "ca" => (assign(&mut self.authority, file()), "PIPEX_NATS_URL: ca", "the path of a file"),
            "credentials" => {
                (assign(&mut self.credentials, file()), "PIPEX_NATS_URL: credentials", "the path of a file")
            }
            // Its value may be secret, and what is no word may be part of a token.
            key => {
                let is_word = key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
                let value = format!("..?{}", if is_word { key } else { ".." });
                return Err(Error::Setting { name: URL, value, expected: KNOWN });
            }
        };
        if is_set { Ok(()) } else { Err(Error::Setting { name, value: value.to_owned(), expected }) }
    }

    /// Sets who asks, and how it is known that the server is the right one.
    pub(super) async fn authenticate(&self, mut options: ConnectOptions) -> Result<ConnectOptions> {
        options = match self.login.clone() {
            Some(Login::Token(token)) => options.token(token),
            Some(Login::User(user, password)) => options.user_and_password(user, password),
            None => options,
        };
        if let Some(path) = &self.credentials {
            let with = options.credentials_file(path).await;
            options = with.map_err(|error| self.failed("its `credentials` name a .creds file", error))?;
        }
        if let Some(path) = &self.authority {
            options = options.add_root_certificates(path.into()).require_tls(true);
        }
        Ok(options)
    }

    /// The servers, without what is secret in their addresses.
    pub(super) fn named(&self) -> String {
        self.servers.iter().map(|server| server.as_url_str().trim_end_matches('/')).collect::<Vec<_>>().join(",")
    }

    pub(super) fn stream(&self) -> String {
        format!("pipex-{}", self.project)
    }

    pub(super) fn subject(&self, kind: &str, rest: &str) -> String {
        format!("pipex.{}.{kind}.{rest}", self.project)
    }

    pub(super) fn failed(&self, advice: &str, source: impl Into<Cause>) -> Error {
        Error::Engine { engine: format!("NATS at {}", self.named()), advice: advice.to_owned(), source: source.into() }
    }
}

/// Whether there is a value for this place, which it has then.
fn assign<T>(place: &mut T, value: Option<T>) -> bool {
    value.map(|value| *place = value).is_some()
}

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// The executable's name and a fingerprint of the project's directory: programs that run elsewhere would not find the same files.
fn this_project() -> String {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(|path| path.file_stem()).map(|name| name.to_string_lossy().into_owned());
    let name: String =
        name.unwrap_or_default().chars().filter(|c| c.is_ascii_alphanumeric() || "-_".contains(*c)).collect();
    let mut hasher = DefaultHasher::new();
    Some(Root::of_program().directory()).hash(&mut hasher);
    format!("{name}-{:08x}", hasher.finish() as u32)
}
