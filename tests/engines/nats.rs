//! Tasks on worker processes, through NATS JetStream.

use std::fs;
use std::path::Path;
use std::process::Command;

use pipex::journal::{self, Line};
use pipex::store::sweep;
use pipex::{FileStore, Location, Output, Store as _, flow, task};

use crate::commits::{Commits, Counted};
use crate::events::until;
use crate::gate::{self, Gate, wait_at};
use crate::servers::{Nats, Place, Process, set};

#[task(remote, target = "{path}/{number}", store = Counted)]
fn square(number: u64) -> u64 {
    number * number
}

#[task(remote)]
fn total(squares: Vec<u64>) -> u64 {
    squares.iter().sum()
}

/// In parts of about the same size, each behind a gate, if there are any.
#[flow]
fn squares(count: u64, gates: u64) -> pipex::Result<u64> {
    let mut squares = Vec::new();
    let parts = gates.max(1);
    for part in 0..parts {
        if gates > 0 {
            wait_at(Path::new(&gate(part)));
        }
        squares.extend((part * count / parts..(part + 1) * count / parts).map(|number| square(number).submit()));
    }
    total(squares).base("total").run()?.load()
}

fn gate(part: u64) -> String {
    format!("gate-{part}")
}

fn number(name: &str) -> u64 {
    std::env::var(name).unwrap().parse().unwrap()
}

#[test]
#[ignore = "another process: a flow"]
fn flow_of_squares() {
    let count = number("COUNT");
    let sum = (0..count).map(|number| number * number).sum::<u64>();
    match squares(count, number("GATES")) {
        Ok(total) => assert_eq!(total, sum),
        Err(error) => {
            eprintln!("{error:?}");
            std::process::exit(1);
        }
    }
    eprintln!("the flow ended well");
}

#[test]
#[ignore = "another process: a worker"]
fn worker() {
    pipex::remote::run_command(["worker"]);
}

/// How many tasks a worker does at a time.
const WORKERS: u64 = 2;

pub fn start_worker(place: &Place, url: &str) -> Process {
    let mut worker = place.program("nats::worker");
    Process::start(worker.env("PIPEX_WORKERS", WORKERS.to_string()).env("PIPEX_NATS_URL", url))
}

pub fn start_flow(place: &Place, nats: &Nats, count: u64) -> Process {
    start_gated_flow(place, nats, count, 0)
}

pub fn start_gated_flow(place: &Place, nats: &Nats, count: u64, gates: u64) -> Process {
    let mut flow = place.program("nats::flow_of_squares");
    Process::start(
        flow.env("COUNT", count.to_string()).env("GATES", gates.to_string()).env("PIPEX_NATS_URL", nats.url()),
    )
}

pub fn all_are_right(place: &Place, count: u64) {
    for number in 0..count {
        let there = Location::new(place.file(&format!("out/{number}")).to_str().unwrap());
        let found: u64 = FileStore::new().load(&there).unwrap();
        assert_eq!(found, number * number);
    }
    let leftover = fs::read_dir(place.file("out")).unwrap().count();
    assert_eq!(leftover as u64, count + 1, "nothing lies about");
}

#[test]
fn weather_on_three_workers() {
    let (nats, place) = (Nats::start(&[]), Place::new());
    let workers: Vec<_> =
        (0..3).map(|_| Process::start(place.weather_worker().env("PIPEX_NATS_URL", nats.url()))).collect();
    let flow = Process::start(place.weather().env("PIPEX_NATS_URL", nats.url()));
    let (code, said) = flow.end();
    assert_eq!(code, Some(0), "{said}");
    // The journal and the files are as if it had all been made here: nothing runs, and nothing is stale.
    let mut again = place.weather();
    again.envs([("PIPEX", "cache"), ("PIPEX_STALE", "rerun"), ("PIPEX_QUIET", "1")]);
    let (code, said) = Process::start(&mut again).end();
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let last = journal::runs(&place.file(".pipex")).unwrap().pop().unwrap();
    let mut cached = 0;
    let count = |line| match line {
        Line::Cached(_) => cached += 1,
        Line::Ended(ended) => panic!("it ran: {ended:?}"),
        _ => {}
    };
    journal::read(&last, count).unwrap();
    assert_eq!(cached, 2195);
    let alone = Place::new();
    assert_eq!(Process::start(alone.weather().env("PIPEX", "cache")).end().0, Some(0));
    let same = Command::new("diff").arg("-r").args([place.file("out"), alone.file("out")]).output().unwrap();
    assert!(same.status.success(), "{}", String::from_utf8_lossy(&same.stdout));
    for worker in workers {
        worker.signal("-TERM");
        assert_eq!(worker.end().0, Some(0));
    }
}

/// Workers are killed again and again, and the server stops and comes back.
#[test]
fn killed_again_and_again_it_ends_well() {
    const COUNT: u64 = 2_000;
    const PARTS: u64 = 8;
    let (mut nats, place) = (Nats::start(&[]), Place::new());
    let (commits, gates) = (Commits::of(&place), gates(&place, PARTS));
    let mut workers: Vec<_> = (0..3).map(|_| start_worker(&place, &nats.url())).collect();
    let mut flow = start_gated_flow(&place, &nats, COUNT, PARTS);
    let mut open = Vec::new();
    for part in 0..PARTS {
        open.push(gates[part as usize].open());
        // The other half is under way.
        until("half of a part", || {
            (commits.count() > (2 * part + 1) * COUNT / PARTS / 2 || flow.has_ended()).then_some(())
        });
        let victim = part as usize % workers.len();
        workers[victim].kill();
        workers[victim] = start_worker(&place, &nats.url());
        if part == 4 {
            nats.kill();
            nats.again();
        }
    }
    let (code, said) = flow.end();
    assert_eq!(code, Some(0), "{said}");
    // What was killed when its output had its name, and its claim had one yet, is nobody's to make again.
    sweep(&place.file("out"), false, &mut |swept| drop(swept.unwrap())).unwrap();
    all_are_right(&place, COUNT);
    // What was killed between its commit and this list is not in it.
    assert!(commits.all() >= COUNT - PARTS * WORKERS);
}

pub fn gates(place: &Place, count: u64) -> Vec<Gate> {
    (0..count).map(|part| Gate::new(place.file(&gate(part)))).collect()
}

/// Both make the stream and the consumers, or find them.
#[test]
fn workers_that_start_together_on_an_empty_server() {
    for _ in 0..3 {
        let (nats, place) = (Nats::start(&[]), Place::new());
        let workers: Vec<_> = (0..2).map(|_| start_worker(&place, &nats.url())).collect();
        let (code, said) = start_flow(&place, &nats, 40).end();
        assert_eq!(code, Some(0), "{said}");
        for mut worker in workers {
            assert!(!worker.has_ended(), "{}", worker.said());
        }
    }
}

#[task(remote, target = "{path}/{number}")]
fn poisonous(number: u64) -> u64 {
    if number == 7 {
        std::process::abort();
    }
    number
}

#[flow]
fn with_poison() -> pipex::Result<u64> {
    let all: Vec<_> = (0..50).map(|number| poisonous(number).submit()).collect();
    Ok(all.iter().filter_map(|output| output.load().ok()).sum())
}

#[test]
#[ignore = "another process: a flow"]
fn flow_with_poison() {
    eprintln!("the rest is {}", with_poison().unwrap());
}

#[flow]
fn only_poison() -> pipex::Result<u64> {
    poisonous(7).run()?.load()
}

#[test]
#[ignore = "another process: a flow"]
fn flow_of_poison() {
    eprintln!("{:?}", only_poison().unwrap_err());
}

#[test]
fn what_kills_its_workers_is_given_up_and_the_rest_is_done() {
    let (nats, place) = (Nats::start(&[]), Place::new());
    let mut workers: Vec<_> = (0..2).map(|_| start_worker(&place, &nats.url())).collect();
    let mut deaths = 0;
    // What dies is started again, as long as the flow goes on.
    let mut see = |flow: &mut Process| {
        until("the flow's end", || {
            for worker in &mut workers {
                if worker.has_ended() {
                    *worker = start_worker(&place, &nats.url());
                    deaths += 1;
                }
            }
            flow.has_ended().then_some(())
        });
    };
    let mut flow =
        Process::start(place.program("nats::flow_of_poison").env("PIPEX_NATS_URL", nats.url()).env("RUST_LOG", "off"));
    see(&mut flow);
    let (_, said) = flow.end();
    assert!(said.contains("the workers that started it died, 3 of them"), "{said}");
    let mut flow = Process::start(place.program("nats::flow_with_poison").env("PIPEX_NATS_URL", nats.url()));
    see(&mut flow);
    let (code, said) = flow.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains(&format!("the rest is {}", (0..50).sum::<u64>() - 7)), "{said}");
    // Some may have died before they could say that they had started.
    assert!((6..=12).contains(&deaths), "{deaths}");
}

#[test]
fn that_no_worker_is_there_is_said() {
    let (nats, place) = (Nats::start(&[]), Place::new());
    let flow = start_flow(&place, &nats, 3);
    flow.says("no worker can take square (3 waiting): start workers, with the same executable");
    let _worker = start_worker(&place, &nats.url());
    let (code, said) = flow.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(said.matches("no worker").count(), 1, "once is enough: {said}");
}

#[task(remote)]
fn large(bytes: usize) -> Vec<u8> {
    vec![7; bytes]
}

/// Saves little, and gives more than a message may have.
#[task(remote, save = false, target = "{path}/{base}")]
fn gives_much(#[target] to: &Path) -> std::io::Result<Vec<u8>> {
    fs::write(to, "little")?;
    Ok(vec![7; 2_000_000])
}

#[task(remote)]
fn length(bytes: &[u8]) -> usize {
    bytes.len()
}

#[task(remote, retries = 2, timeout = "1s")]
fn flaky(tries: &Path) -> Result<usize, std::io::Error> {
    let tried = fs::read_to_string(tries).unwrap_or_default() + "x";
    tracing::warn!("attempt {}", tried.len());
    fs::write(tries, &tried)?;
    match tried.len() {
        1 => Err(std::io::Error::other("not yet")),
        2 => {
            // Longer than its limit: until the next attempt.
            wait_at(Path::new("third attempt"));
            Ok(0)
        }
        tried => {
            drop(gate::open(Path::new("third attempt")));
            Ok(tried)
        }
    }
}

#[flow]
fn values() -> pipex::Result<usize> {
    let small: Output<usize> = length(large(1_000).base("small").submit()).submit();
    let flaky = flaky(Path::new("tries").to_owned()).base("flaky").submit();
    let error = large(2_000_000).base("large").run().err();
    eprintln!("too large: {error:?}");
    let error = length(vec![1_u8; 1_000_000]).base("long").run().err();
    eprintln!("too long: {error:?}");
    eprintln!("flaky: {:?}", flaky.load());
    eprintln!("much: {:?}", gives_much().path("much").base("much").run().map(|output| output.location().cloned()));
    small.load()
}

#[test]
#[ignore = "another process: a flow"]
fn flow_of_values() {
    pipex::logging::init();
    eprintln!("values: {:?}", values());
}

#[test]
fn values_travel_if_they_are_small_and_attempts_are_counted() {
    let (nats, place) = (Nats::start(&[]), Place::new());
    let _gate = Gate::new(place.file("third attempt"));
    let _worker = start_worker(&place, &nats.url());
    let mut flow = place.program("nats::flow_of_values");
    let flow = Process::start(flow.env("PIPEX", "prefect").env("PIPEX_NATS_URL", nats.url()));
    let (code, said) = flow.end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("values: Ok(1000)"), "{said}");
    assert!(said.contains("flaky: Ok(3)"), "{said}");
    assert!(said.contains("much: Ok(Some(\"much/much\"))") && place.file("much/much").exists(), "{said}");
    for attempt in 1..=3 {
        let logged = format!("WARNING | Task run 'flaky flaky' - attempt {attempt}  (pipex/../tests/engines/nats.rs:");
        assert!(said.contains(&logged), "{said}");
    }
    assert!(said.contains("too large: Some(task run \"large large\": its output cannot be sent"), "{said}");
    let refused = said.lines().filter(|line| line.starts_with("too l") && line.contains("a message at most 1048064"));
    assert_eq!(refused.count(), 2, "{said}");
}

/// Three squares, with what this says.
fn start_three(place: &Place, url: &str) -> Process {
    let mut flow = place.program("nats::flow_of_squares");
    Process::start(flow.envs([("COUNT", "3"), ("GATES", "0"), ("PIPEX_NATS_URL", url)]))
}

#[test]
fn a_token_or_a_password_opens_the_server_and_is_not_told() {
    for (arguments, wrong, right) in [
        (&["--auth", "a-sec/ret:tok%en"][..], "a-wrong-token@", "a-sec%2Fret%3Atok%25en@"),
        (&["--user", "somebody", "--pass", "a-secret/token"], "somebody:a-wrong-token@", "somebody:a-secret%2Ftoken@"),
    ] {
        let (nats, place) = (Nats::start(arguments), Place::new());
        let url = |login: &str| nats.url().replace("nats://", &format!("nats://{login}"));
        let (code, said) = start_three(&place, &url(wrong)).end();
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("cannot use NATS at nats://127.0.0.1:"), "{said}");
        assert!(!said.contains("tok") && !said.contains("somebody"), "{said}");
        let worker = start_worker(&place, &url(right));
        let (code, said) = start_three(&place, &url(right)).end();
        assert_eq!(code, Some(0), "{said}");
        let said = said + &worker.said();
        assert!(!said.contains("tok") && !said.contains("somebody"), "{said}");
    }
}

#[test]
fn over_tls_the_server_has_to_be_one_that_is_trusted() {
    let pem = |name: &str| format!("{}/{name}", set("PIPEX_TESTS_CERTIFICATES"));
    let (certificate, key) = (pem("server.pem"), pem("server.key"));
    let (nats, place) = (Nats::start(&["--tls", "--tlscert", &certificate, "--tlskey", &key]), Place::new());
    let url = nats.url().replace("nats:", "tls:");
    let (code, said) = start_three(&place, &url).end();
    assert!(code == Some(1) && said.contains("cannot use NATS at tls://127.0.0.1:"), "{said}");
    let trusted = format!("{url}&ca={}", pem("authority.pem"));
    let _worker = start_worker(&place, &trusted);
    let (code, said) = start_three(&place, &trusted).end();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn what_means_nothing_in_the_address_is_refused_and_no_secret_is_told() {
    let place = Place::new();
    for (rest, expected) in [
        ("?replicas=9", "PIPEX_NATS_URL: replicas=9 is not a number of replicas, 1 to 5"),
        ("?ack_wait=soon", "PIPEX_NATS_URL: ack_wait=soon is not a number of seconds, 1 or more"),
        ("?max_starts=0", "PIPEX_NATS_URL: max_starts=0 is not how often a job is started at most"),
        ("?project=a.b", "PIPEX_NATS_URL: project=a.b is not a name of letters, digits, - and _"),
        ("?ca=", "PIPEX_NATS_URL: ca= is not the path of a file"),
        ("?token=secret", "..?token is not a NATS server with settings that there are: project, replicas, ack_wait,"),
        ("?secret@b", "PIPEX_NATS_URL=..?.. is not a NATS server with settings that there are"),
        ("/secret@b", "PIPEX_NATS_URL=.. is not the address of a NATS server, such as nats://TOKEN@127.0.0.1:4222"),
        ("#secret@b", "PIPEX_NATS_URL=.. is not the address of a NATS server"),
        (",nats://other@b:9", "PIPEX_NATS_URL=.. is not one token, or one user and password, for all servers"),
    ] {
        let (code, said) = start_three(&place, &format!("nats://secret@127.0.0.1:9{rest}")).end();
        assert_eq!(code, Some(1), "{rest}: {said}");
        assert!(said.contains(expected) && !said.contains("secret"), "{rest}: {said}");
    }
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let place = Place::new();
    let (code, said) = start_three(&place, "nats://user:secret@127.0.0.1:9").end();
    assert_eq!(code, Some(1));
    assert!(said.contains("cannot use NATS at nats://127.0.0.1:9: start it (`nats-server -js`)"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}
