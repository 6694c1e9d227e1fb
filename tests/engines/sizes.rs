//! What jobs need and what workers have: no worker does more at a time than fits on it, and large ones find their way.

use std::path::Path;

use async_nats::jetstream;
use futures_util::StreamExt as _;
use pipex::{flow, task};
use tokio::runtime::Runtime;

use crate::events::until;
use crate::gate::{Gate, wait_at};
use crate::servers::{Nats, Place, Process, ask_until};

const GB: u64 = 1_000_000_000;

#[task(remote, memory = gigabytes * GB, target = "{path}/{number}")]
fn fit(number: u64, gigabytes: u64) -> u64 {
    eprintln!("begin {number} {gigabytes}");
    if gigabytes == 3 {
        wait_at(Path::new("small"));
    }
    eprintln!("end {number} {gigabytes}");
    gigabytes
}

#[task(remote, memory = "12GB", target = "{path}/{number}")]
fn whole(number: u64) -> u64 {
    eprintln!("begin {number} 12");
    eprintln!("end {number} 12");
    12
}

/// Small ones, and, once a gate is open, large ones behind them.
#[flow]
fn mixed() -> pipex::Result<u64> {
    let mut all: Vec<_> = (0..30).map(|number| fit(number, 3).submit()).collect();
    wait_at(Path::new("large"));
    all.extend((30..33).map(|number| whole(number).submit()));
    all.extend((33..36).map(|number| fit(number, 12).submit()));
    all.iter().map(|output| output.load()).sum()
}

#[test]
#[ignore = "another process: a flow"]
fn mixed_flow() {
    assert_eq!(mixed().unwrap(), 30 * 3 + 6 * 12);
}

#[flow]
fn huge() -> pipex::Result<u64> {
    let [huge, small] = [fit(0, 64), fit(1, 1)].map(|call| call.submit());
    let small: u64 = small.load()?;
    eprintln!("the small one is done");
    Ok(small + huge.load()?)
}

#[test]
#[ignore = "another process: a flow"]
fn huge_flow() {
    assert_eq!(huge().unwrap(), 65);
}

fn start_worker(place: &Place, nats: &Nats, memory: &str) -> Process {
    let mut worker = place.program("nats::worker");
    let resources = format!("memory={memory},gpu=0,threads=8");
    let worker = Process::start(worker.env("PIPEX_NATS_URL", nats.url()).env("PIPEX_RESOURCES", resources));
    worker.says(" of memory, of project tests");
    worker
}

fn start_flow(place: &Place, nats: &Nats, name: &str) -> Process {
    Process::start(place.program(name).env("PIPEX_NATS_URL", nats.url()))
}

struct Line {
    begins: bool,
    number: u64,
    gigabytes: u64,
}

/// What a worker has said of what it does.
fn read_lines(worker: &Process) -> Vec<Line> {
    let read = |line: &str| {
        let words: Vec<_> = line.split(' ').collect();
        let begins = words[0] == "begin";
        (begins || words[0] == "end").then(|| Line {
            begins,
            number: words[1].parse().unwrap(),
            gigabytes: words[2].parse().unwrap(),
        })
    };
    worker.said().lines().filter_map(read).collect()
}

/// The subject of the jobs of a task, once a worker has been sent one.
async fn find_sent(stream: &jetstream::stream::Stream, task: &str) -> Option<String> {
    let mut names = stream.consumer_names();
    while let Some(Ok(name)) = names.next().await {
        if name.contains(task) {
            let info = stream.consumer_info(&name).await.unwrap();
            return (info.num_ack_pending > 0).then_some(info.config.filter_subject);
        }
    }
    None
}

#[test]
fn two_workers_of_different_size_never_do_more_at_a_time_than_fits_and_large_ones_are_not_passed() {
    let (nats, place) = (Nats::start(&[]), Place::new());
    let [small_gate, large_gate] = ["small", "large"].map(|name| Gate::new(place.file(name)));
    let [small, large] = ["4GB", "16GB"].map(|memory| start_worker(&place, &nats, memory));
    assert!(small.said().contains("whole never fits here: it needs 12.0 GB of memory"), "{}", small.said());
    let mut flow = start_flow(&place, &nats, "sizes::mixed_flow");
    until("all small ones that fit", || {
        let running = [&small, &large].map(|worker| read_lines(worker).len());
        (running[0] >= 1 && running[1] >= 5 || flow.has_ended()).then_some(())
    });
    let _large = large_gate.open();
    let runtime = Runtime::new().unwrap();
    let _within = runtime.enter();
    let client = runtime.block_on(async_nats::connect(nats.address())).unwrap();
    let stream = runtime.block_on(jetstream::new(client.clone()).get_stream("pipex-tests")).unwrap();
    let subject = ask_until("a large one on its way to the large worker", || {
        runtime.block_on(find_sent(&stream, "whole")).map(Some).or_else(|| flow.has_ended().then_some(None))
    });
    // An answer from there comes after it.
    if let Some(subject) = subject {
        let inbox = client.new_inbox();
        let mut answers = runtime.block_on(client.subscribe(inbox.clone())).unwrap();
        let subject = subject.replacen(".task.", ".can.", 1);
        runtime.block_on(client.publish_with_reply(subject, inbox, "".into())).unwrap();
        let is_large = |name: &[u8]| String::from_utf8_lossy(name).ends_with(&format!(":{}", large.id()));
        while !is_large(&runtime.block_on(answers.next()).unwrap().payload) {}
    }
    let before = read_lines(&large).len();
    let _small = small_gate.open();
    let (code, said) = flow.end();
    assert_eq!(code, Some(0), "{said}");

    let mut begun = Vec::new();
    for (worker, fits) in [(&small, 4), (&large, 16)] {
        let mut used = 0;
        for Line { begins, number, gigabytes } in read_lines(worker) {
            if begins {
                begun.push(number);
                used += gigabytes;
            } else {
                used -= gigabytes;
            }
            assert!(used <= fits, "{used} GB at a time on a worker that has {fits}: {}", worker.said());
        }
    }
    begun.sort_unstable();
    assert_eq!(begun, Vec::from_iter(0..36), "each once");
    // But for the one that came to wait before it.
    let lines = read_lines(&large);
    let begun = lines[before..].iter().filter(|line| line.begins);
    let passed = begun.take_while(|line| !(30..33).contains(&line.number)).count();
    assert!(passed <= 1, "{passed} passed the large one: {}", large.said());
}

#[test]
fn what_fits_on_no_worker_is_told_and_done_by_one_that_comes() {
    let (nats, place) = (Nats::start(&[]), Place::new());
    let [_small, large] = ["4GB", "16GB"].map(|memory| start_worker(&place, &nats, memory));
    // One of an older pipex, which does not say what it has, may do anything.
    let runtime = Runtime::new().unwrap();
    let client = runtime.block_on(async_nats::connect(nats.address())).unwrap();
    let mut asked = runtime.block_on(client.subscribe("pipex.tests.can.>")).unwrap();
    runtime.block_on(client.flush()).unwrap();
    let flow = start_flow(&place, &nats, "sizes::huge_flow");
    flow.says("the small one is done");
    for _ in 0..4 {
        let reply = runtime.block_on(asked.next()).unwrap().reply.unwrap();
        runtime.block_on(client.publish(reply, "older:1".into())).unwrap();
    }
    assert!(!flow.said().contains("no worker"), "{}", flow.said());
    drop(asked);
    flow.says("no worker has room for fit: it needs 64.0 GB of memory, and the largest worker, ");
    flow.says(&format!(":{}, has 16.0 GB of memory, 8 threads: start one that is large enough", large.id()));
    let _huge = start_worker(&place, &nats, "64GB");
    let (code, said) = flow.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("no worker").count(), 1, "once is enough: {said}");
}
