//! What the engines cost: tasks on two worker processes beside bare JetStream, reports to Prefect beside none.
//!
//! `cargo bench -p pipex --features nats,prefect-server --bench engines`, once `tests/engines/run` has installed a NATS server.

#![allow(clippy::disallowed_methods, reason = "they read what they are told by variables of their own")]

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use async_nats::jetstream::consumer::{PullConsumer, pull};
use async_nats::jetstream::context::ContextBuilder;
use async_nats::jetstream::stream::{Config as StreamConfig, RetentionPolicy};
use futures_util::StreamExt as _;
use pipex::{Output, flow, task};
use quick::{quick, rounds};

mod quick;

const WORKERS: usize = 2;

#[task(remote)]
fn empty(number: u32) -> u32 {
    number
}

#[flow]
fn empties(count: u32) -> pipex::Result<()> {
    let outputs: Vec<_> = (0..count).map(|number| empty(number).submit()).collect();
    outputs.iter().try_for_each(Output::wait)
}

#[flow]
fn one_after_the_other(count: u32) -> pipex::Result<Vec<Duration>> {
    let one = |number| {
        let started = Instant::now();
        empty(number).run().map(|_| started.elapsed())
    };
    (0..count).map(one).collect()
}

#[task]
fn millisecond(_number: u32) {
    let started = Instant::now();
    while started.elapsed() < Duration::from_millis(1) {
        std::hint::spin_loop();
    }
}

/// How long the tasks take, without the start and the end of the flow run.
#[flow]
fn milliseconds(count: u32) -> pipex::Result<Duration> {
    let started = Instant::now();
    let outputs: Vec<_> = (0..count).map(|number| millisecond(number).submit()).collect();
    outputs.iter().try_for_each(Output::wait)?;
    Ok(started.elapsed())
}

struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// This program in another role; it says when it is ready, or what it measured.
fn role(role: &str, url: &str, set: &[(&str, String)]) -> Killed {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("ROLE", role).env("URL", url).env("PIPEX", "prefect");
    command.envs(set.iter().cloned()).env("PIPEX_QUIET", "1").env("PIPEX_JOURNAL", "off");
    Killed(command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap())
}

fn said(child: &mut Killed) -> String {
    let mut line = String::new();
    BufReader::new(child.0.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
    line.trim().to_owned()
}

fn number(name: &str) -> u32 {
    std::env::var(name).unwrap().parse().unwrap()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap()
}

async fn bare(url: &str) -> (async_nats::jetstream::Context, PullConsumer) {
    let client = async_nats::connect(url).await.unwrap();
    let context = ContextBuilder::new().max_ack_inflight(1000).build(client);
    let config = StreamConfig {
        name: "bare".to_owned(),
        subjects: vec!["bare.>".to_owned()],
        retention: RetentionPolicy::WorkQueue,
        ..StreamConfig::default()
    };
    let stream = loop {
        if let Ok(stream) = context.get_or_create_stream(config.clone()).await {
            break stream;
        }
    };
    let consumer = pull::Config {
        durable_name: Some("bare".to_owned()),
        filter_subject: "bare.job".to_owned(),
        max_ack_pending: 10_000,
        ..pull::Config::default()
    };
    let consumer = stream.create_consumer(consumer).await.unwrap();
    (context, consumer)
}

/// Pulls and acknowledges, 256 at a time, for ever; with `REPLY` it also says so, as the one who waits has asked.
async fn bare_worker(url: &str) {
    let (context, consumer) = bare(url).await;
    println!("ready");
    loop {
        let mut batch =
            consumer.batch().max_messages(256).expires(Duration::from_millis(500)).messages().await.unwrap();
        while let Some(Ok(message)) = batch.next().await {
            if std::env::var_os("REPLY").is_some() {
                context.client().publish("done", message.payload.clone()).await.unwrap();
            }
            message.ack().await.unwrap();
        }
    }
}

/// Publishes so many messages of the same size as jobs are, and waits until none is left, or with `REPLY` for as many answers.
async fn bare_flow(url: &str, count: u32) -> Duration {
    let (context, _) = bare(url).await;
    let done = context.client().subscribe("done").await.unwrap();
    let mut stream = context.get_stream("bare").await.unwrap();
    let payload = bytes::Bytes::from(vec![b'x'; 250]);
    let started = Instant::now();
    let mut acknowledgements = VecDeque::new();
    for number in 0..count {
        let mut headers = async_nats::HeaderMap::new();
        headers.insert(async_nats::header::NATS_MESSAGE_ID, format!("{:?}.{number}", started).as_str());
        acknowledgements.push_back(context.publish_with_headers("bare.job", headers, payload.clone()).await.unwrap());
        if acknowledgements.len() >= 1000 {
            acknowledgements.pop_front().unwrap().await.unwrap();
        }
    }
    for acknowledgement in acknowledgements {
        acknowledgement.await.unwrap();
    }
    if std::env::var_os("REPLY").is_some() {
        done.take(count as usize).for_each(async |_| {}).await;
        return started.elapsed();
    }
    while stream.info().await.unwrap().state.messages > 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    started.elapsed()
}

/// One message after the other: published, pulled, answered.
async fn bare_latency(url: &str, count: u32) -> Vec<Duration> {
    let (context, _) = bare(url).await;
    let mut done = context.client().subscribe("done").await.unwrap();
    let mut all = Vec::new();
    for _ in 0..count {
        let started = Instant::now();
        context.publish("bare.job", "x".into()).await.unwrap().await.unwrap();
        done.next().await.unwrap();
        all.push(started.elapsed());
    }
    all
}

/// The median.
fn median(mut all: Vec<Duration>) -> Duration {
    all.sort();
    all[all.len() / 2]
}

/// Takes all that is reported, and says that it is well.
fn sink() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api", listener.local_addr().unwrap());
    thread::spawn(move || {
        listener.incoming().map_while(Result::ok).for_each(|one| _ = thread::spawn(move || swallow(one)))
    });
    url
}

fn swallow(mut client: TcpStream) {
    let (mut bytes, mut piece) = (Vec::new(), vec![0; 1 << 16]);
    loop {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            match client.read(&mut piece) {
                Ok(read @ 1..) => bytes.extend_from_slice(&piece[..read]),
                _ => return,
            }
            continue;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        let all = end + 4 + length.unwrap_or(0);
        while bytes.len() < all {
            match client.read(&mut piece) {
                Ok(read @ 1..) => bytes.extend_from_slice(&piece[..read]),
                _ => return,
            }
        }
        bytes.drain(..all);
        let body = r#"{"id":"01234567-89ab-cdef-0123-456789abcdef"}"#;
        let _ = write!(client, "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    }
}

fn main() {
    let url = std::env::var("URL").unwrap_or_default();
    match std::env::var("ROLE").as_deref() {
        Ok("bare worker") => return runtime().block_on(bare_worker(&url)),
        Ok("bare flow") => {
            return println!("{}", runtime().block_on(bare_flow(&url, number("COUNT"))).as_secs_f64());
        }
        Ok("bare latency") => {
            return println!("{}", median(runtime().block_on(bare_latency(&url, number("COUNT")))).as_secs_f64());
        }
        Ok("worker") => pipex::remote::run_command(["worker"]),
        Ok("flow") => {
            // Connected, as the floor is.
            empties(1).unwrap();
            let started = Instant::now();
            empties(number("COUNT")).unwrap();
            return println!("{}", started.elapsed().as_secs_f64());
        }
        Ok("latency") => {
            return println!("{}", median(one_after_the_other(number("COUNT")).unwrap()).as_secs_f64());
        }
        Ok("milliseconds") => return println!("{}", milliseconds(number("COUNT")).unwrap().as_secs_f64()),
        _ => {}
    }
    let installed = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/engines/bin/nats-server");
    if !installed.exists() {
        return println!("no NATS server in {}: run tests/engines/run once", installed.display());
    }
    carried(&installed);
    reported();
}

fn carried(server: &Path) {
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let dir = tempfile::tempdir().unwrap();
    let mut command = Command::new(server);
    command.args(["-a", "127.0.0.1", "-p", &port.to_string(), "-js", "-sd"]).arg(dir.path());
    let _server = Killed(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    while TcpStream::connect(("127.0.0.1", port)).is_err() {
        thread::sleep(Duration::from_millis(10));
    }
    let url = format!("nats://127.0.0.1:{port}");
    let nats = ("PIPEX_NATS_URL", format!("{url}?project=bench"));
    let measure = |what: &str, set: &[(&str, String)]| -> f64 { said(&mut role(what, &url, set)).parse().unwrap() };
    let bare_workers = |reply: bool| -> Vec<Killed> {
        let set = if reply { vec![("REPLY", "1".to_owned())] } else { Vec::new() };
        let mut workers: Vec<_> = (0..WORKERS).map(|_| role("bare worker", &url, &set)).collect();
        workers.iter_mut().for_each(|worker| assert_eq!(said(worker), "ready"));
        workers
    };
    let worker = || role("worker", &url, &[nats.clone(), ("PIPEX_WORKERS", "1".into())]);

    let count = if quick() { 100 } else { 10_000 };
    let counted = ("COUNT", count.to_string());
    println!("| figure | pipex | floor | ratio | goal |\n| --- | ---: | ---: | ---: | --- |");
    for (reply, what, goal) in [(false, "acknowledge", "> 0.9"), (true, "acknowledge, answer", "")] {
        let mut pairs: Vec<(f64, f64)> = (0..rounds(7))
            .map(|_| {
                let floor = {
                    let _workers = bare_workers(reply);
                    let set =
                        if reply { vec![counted.clone(), ("REPLY", "1".to_owned())] } else { vec![counted.clone()] };
                    measure("bare flow", &set)
                };
                let _workers: Vec<_> = (0..WORKERS).map(|_| worker()).collect();
                thread::sleep(Duration::from_millis(300));
                (measure("flow", &[counted.clone(), nats.clone()]), floor)
            })
            .collect();
        pairs.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
        let (ours, floor) = pairs[pairs.len() / 2];
        let rate = |seconds: f64| f64::from(count) / seconds;
        println!(
            "| {count} empty tasks on two workers / bare publish, pull, {what} | {:.0} /s | {:.0} /s | {:.2} | {goal} |",
            rate(ours),
            rate(floor),
            floor / ours
        );
    }

    let count = if quick() { 10 } else { 500 };
    let floor = {
        let _workers = bare_workers(true);
        measure("bare latency", &[("COUNT", count.to_string())])
    };
    let _workers: Vec<_> = (0..WORKERS).map(|_| worker()).collect();
    thread::sleep(Duration::from_millis(300));
    let ours = measure("latency", &[("COUNT", count.to_string()), nats]);
    println!(
        "| one task after the other / bare publish, pull, answer | {:.0} us | {:.0} us | {:.2} | |",
        ours * 1e6,
        floor * 1e6,
        floor / ours
    );
}

fn reported() {
    let count = if quick() { 20 } else { 10_000 };
    let sink = sink();
    let measure = |set: &[(&str, String)]| -> f64 {
        let set: Vec<_> = set.iter().cloned().chain([("COUNT", count.to_string())]).collect();
        said(&mut role("milliseconds", "", &set)).parse().unwrap()
    };
    for shown in ["500", "1000000"] {
        let mut pairs: Vec<(f64, f64)> = (0..rounds(5))
            .map(|_| {
                let with =
                    measure(&[("PREFECT_API_URL", sink.clone()), ("PIPEX_PREFECT", format!("max_runs={shown}"))]);
                (with, measure(&[]))
            })
            .collect();
        pairs.sort_by(|a, b| (a.0 / a.1).total_cmp(&(b.0 / b.1)));
        let (with, without) = pairs[pairs.len() / 2];
        println!(
            "| {count} tasks of 1 ms, reported ({shown} shown for themselves) / not | {with:.3} s | {without:.3} s | {:.3} | < 1.05 |",
            with / without
        );
    }
}
