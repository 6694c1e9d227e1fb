//! The server: addresses, headers, and who is asked.

use std::io;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::{Arc, mpsc};
use std::thread;

use axum::Router;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use futures_util::stream;
use serde::Deserialize;
use tokio::sync::oneshot;

use super::Question;
use super::answer::{Answer, Asked, Change};
use super::guard::{Guard, Refusal};
use super::live::follow;
use crate::page::{MODULES, Page, STYLE, embed};
use crate::project::Project;
use crate::{CommandError, join_sources};

pub struct Server {
    guard: Guard,
    questions: mpsc::Sender<Question>,
    journal: PathBuf,
    nonce: String,
}

type Shared = State<Arc<Server>>;

/// The most that a request may say.
const MAX_BODY: usize = 4 << 20;

impl Server {
    pub fn new(guard: Guard, questions: mpsc::Sender<Question>, journal: PathBuf, nonce: String) -> Self {
        Server { guard, questions, journal, nonce }
    }

    /// Serves for as long as the process lives.
    pub fn serve(self, listener: TcpListener) -> io::Result<()> {
        let server = Arc::new(self);
        let guarded = Router::new()
            .route("/", get(page))
            .route("/assets/{file}", get(asset))
            .route("/api/events", get(events))
            .route("/api/{name}", get(answer))
            .route("/api/change/{name}", post(change))
            .layer(middleware::from_fn_with_state(Arc::clone(&server), guard))
            .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
            .with_state(server);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        runtime.block_on(async {
            listener.set_nonblocking(true)?;
            axum::serve(tokio::net::TcpListener::from_std(listener)?, guarded).await
        })
    }

    /// Asks who has the project.
    async fn ask<R: Send + 'static>(
        &self,
        is_of_the_past: bool,
        question: impl FnOnce(&Project) -> R + Send + 'static,
    ) -> Option<R> {
        let (answer, answered) = oneshot::channel();
        let ask = Box::new(move |project: &Project| _ = answer.send(question(project)));
        self.questions.send(Question { is_of_the_past, ask }).ok()?;
        answered.await.ok()
    }
}

#[derive(Deserialize)]
struct Opened {
    #[serde(default)]
    key: String,
}

/// Lets through what the user's own page asks, and says what browsers are to let the page do: nothing but ask here.
async fn guard(State(server): Shared, Query(opened): Query<Opened>, request: Request, next: Next) -> Response {
    let (guard, headers) = (&server.guard, request.headers());
    let checked = guard.check_origin(headers);
    // The first time: from then on the cookie says it, and the address does not.
    let opens = request.uri().path() == "/" && guard.is_key(&opened.key);
    let mut response = match checked {
        Ok(()) if opens => {
            let to = [(header::LOCATION, "/".to_owned()), (header::SET_COOKIE, guard.cookie())];
            (StatusCode::SEE_OTHER, to).into_response()
        }
        checked => {
            let checked = checked.and_then(|()| guard.check_key(headers));
            match checked.and_then(|()| guard.check_token(request.method(), headers)) {
                Ok(()) => next.run(request).await,
                Err(refusal) => refuse(refusal),
            }
        }
    };
    let policy = format!(
        "default-src 'none'; script-src 'self' 'nonce-{}'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        server.nonce
    );
    let fixed = [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    let headers = response.headers_mut();
    headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    if let Ok(policy) = policy.parse() {
        // A picture's own is stricter.
        headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(policy);
    }
    response
}

fn refuse(refusal: Refusal) -> Response {
    (StatusCode::FORBIDDEN, refusal.message()).into_response()
}

async fn page(State(server): Shared) -> Response {
    let data = serde_json::json!({ "live": true, "token": server.guard.token() });
    let page = embed(&data).and_then(|data| {
        let module = |name: &str, _: &str| format!("/assets/{name}.js");
        let style = Some("/assets/style.css");
        Page { title: "pipex", nonce: &server.nonce, policy: None, style, module: &module, data }.render()
    });
    match page {
        Ok(page) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], page).into_response(),
        Err(error) => fail(&error),
    }
}

async fn asset(Path(file): Path<String>) -> Response {
    if file == "style.css" {
        return ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response();
    }
    let module = MODULES.iter().find(|(name, _)| file.strip_suffix(".js") == Some(name));
    match module {
        Some((_, text)) => ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], *text).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn events(State(server): Shared, Query(asked): Query<Asked>, headers: HeaderMap) -> Response {
    // The browser says it where it connects again by itself.
    let after = headers.get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or(asked.after);
    let (sender, mut receiver) = tokio::sync::mpsc::channel::<Event>(4);
    let journal = server.journal.clone();
    thread::spawn(move || follow(&journal, asked.run.as_deref(), after, &sender));
    let events = stream::poll_fn(move |context| receiver.poll_recv(context).map(|event| event.map(Ok::<_, io::Error>)));
    Sse::new(events).into_response()
}

async fn answer(State(server): Shared, Path(name): Path<String>, Query(asked): Query<Asked>) -> Response {
    let is_picture = name == "picture";
    let is_of_the_past = asked.is_of_the_past(&name);
    let answer = server.ask(is_of_the_past, move |project| Answer::find(project, &name, &asked)).await;
    let mut response = respond(answer);
    if is_picture {
        // Opened by itself it is a page of this origin, and a picture may have scripts.
        let alone = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; sandbox");
        response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, alone);
    }
    response
}

async fn change(State(server): Shared, Path(name): Path<String>, body: String) -> Response {
    let change: Change = match serde_json::from_str(&body) {
        Ok(change) => change,
        Err(error) => return (StatusCode::BAD_REQUEST, error.to_string()).into_response(),
    };
    respond(server.ask(false, move |project| Answer::change(project, &name, change)).await)
}

fn respond(answer: Option<Option<Result<Answer, CommandError>>>) -> Response {
    match answer {
        Some(Some(Ok(answer))) => ([(header::CONTENT_TYPE, answer.content_type)], answer.body).into_response(),
        Some(Some(Err(error))) => fail(&error),
        Some(None) => StatusCode::NOT_FOUND.into_response(),
        None => (StatusCode::SERVICE_UNAVAILABLE, "the journal cannot be read").into_response(),
    }
}

fn fail(error: &CommandError) -> Response {
    let status = match error {
        CommandError::NoTarget { .. } | CommandError::NoRun { .. } | CommandError::NoMatch { .. } => {
            StatusCode::NOT_FOUND
        }
        _ => StatusCode::UNPROCESSABLE_ENTITY,
    };
    (status, join_sources(error)).into_response()
}
