//! Tasks on worker processes, through NATS JetStream.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use pipex::store::{Claim, Store, StoreResult};
use pipex::{FileStore, Location, Output, flow, task};

use crate::servers::{Nats, Place, Process, set, until};

/// A [`FileStore`] that takes down each commit.
struct Counted;

impl Store<u64> for Counted {
    fn exists(&self, target: &Location) -> StoreResult<bool> {
        Store::<u64>::exists(&FileStore::new(), target)
    }
    fn load(&self, target: &Location) -> StoreResult<u64> {
        FileStore::new().load(target)
    }
    fn save(&self, claim: Claim, value: &u64) -> StoreResult<u64> {
        let bytes = FileStore::new().save(claim, value)?;
        let mut commits = OpenOptions::new().append(true).create(true).open("commits")?;
        commits.write_all(format!("{value}\n").as_bytes())?;
        Ok(bytes)
    }
    fn remove(&self, target: &Location) -> StoreResult<()> {
        Store::<u64>::remove(&FileStore::new(), target)
    }
}

#[task(remote, target = "{path}/{number}", store = Counted)]
fn square(number: u64, millis: u64) -> u64 {
    std::thread::sleep(Duration::from_millis(millis));
    number * number
}

#[task(remote)]
fn total(squares: Vec<u64>) -> u64 {
    squares.iter().sum()
}

#[flow]
fn squares(count: u64, millis: u64) -> pipex::Result<u64> {
    let squares: Vec<_> = (0..count).map(|number| square(number, millis).submit()).collect();
    total(squares).base("total").run()?.load()
}

fn number(name: &str) -> u64 {
    std::env::var(name).unwrap().parse().unwrap()
}

#[test]
#[ignore = "another process: a flow"]
fn flow_of_squares() {
    let count = number("COUNT");
    let sum = (0..count).map(|number| number * number).sum::<u64>();
    match squares(count, number("MILLIS")) {
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
    pipex::remote::command();
    unreachable!("it is told to be a worker");
}

fn start_worker(place: &Place, url: &str) -> Process {
    Process::start(place.program("nats::worker").env("PIPEX_WORKER", "1").env("PIPEX_NATS_URL", url))
}

fn start_flow(place: &Place, nats: &Nats, count: u64, millis: u64) -> Process {
    let mut flow = place.program("nats::flow_of_squares");
    Process::start(
        flow.env("COUNT", count.to_string()).env("MILLIS", millis.to_string()).env("PIPEX_NATS_URL", nats.url()),
    )
}

/// How many commits there have been, and each no more than once.
fn commits(place: &Place) -> usize {
    let Ok(commits) = fs::read_to_string(place.file("commits")) else { return 0 };
    let mut commits: Vec<_> = commits.lines().collect();
    let count = commits.len();
    commits.sort_unstable();
    commits.dedup();
    assert_eq!(commits.len(), count, "a target was committed twice");
    count
}

fn all_are_right(place: &Place, count: u64) {
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
    let workers: Vec<_> = (0..3)
        .map(|_| Process::start(place.weather().env("PIPEX_WORKER", "1").env("PIPEX_NATS_URL", nats.url())))
        .collect();
    let flow = Process::start(place.weather().env("PIPEX_NATS_URL", nats.url()));
    let (code, said) = flow.end();
    assert_eq!(code, Some(0), "{said}");
    // The journal and the files are as if it had all been made here: nothing runs, and nothing is stale.
    let quietly = [("PIPEX", "cache"), ("PIPEX_STALE", "rerun"), ("PIPEX_QUIET", "1")];
    let (code, said) = Process::start(place.weather().envs(quietly)).end();
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let runs = fs::read_dir(place.file(".pipex/runs")).unwrap().map(|run| run.unwrap().path());
    let last = fs::read_to_string(runs.max().unwrap()).unwrap();
    assert!(!last.contains("{\"ended\""), "a task run ran: {last}");
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
    let (mut nats, place) = (Nats::start(&[]), Place::new());
    let mut workers: Vec<_> = (0..3).map(|_| start_worker(&place, &nats.url())).collect();
    let mut flow = start_flow(&place, &nats, COUNT, 5);
    let mut killed = 0;
    for part in 1..8 {
        until("another part is done", || {
            (commits(&place) > part * COUNT as usize / 8 || flow.has_ended()).then_some(())
        });
        let victim = part % workers.len();
        workers[victim].kill();
        workers[victim] = start_worker(&place, &nats.url());
        killed += 1;
        if part == 4 {
            nats.kill();
            nats.again();
        }
    }
    let (code, said) = flow.end();
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(killed, 7);
    all_are_right(&place, COUNT);
    // One that was killed between its commit and this list is not in it.
    assert!(commits(&place) as u64 >= COUNT - killed * 2);
}

/// Both make the stream and the consumers, or find them.
#[test]
fn workers_that_start_together_on_an_empty_server() {
    for _ in 0..3 {
        let (nats, place) = (Nats::start(&[]), Place::new());
        let workers: Vec<_> = (0..2).map(|_| start_worker(&place, &nats.url())).collect();
        let (code, said) = start_flow(&place, &nats, 40, 10).end();
        assert_eq!(code, Some(0), "{said}");
        for mut worker in workers {
            assert!(!worker.has_ended(), "{}", worker.stderr());
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
    let end = Instant::now() + Duration::from_secs(120);
    let mut see = |flow: &mut Process| loop {
        assert!(Instant::now() < end, "it never ended: {}", flow.stderr());
        for worker in &mut workers {
            if worker.has_ended() {
                *worker = start_worker(&place, &nats.url());
                deaths += 1;
            }
        }
        if flow.has_ended() {
            return;
        }
        std::thread::sleep(Duration::from_millis(20));
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
    let flow = start_flow(&place, &nats, 3, 0);
    flow.wait_for_text("no worker can take square (3 waiting): start workers, with the same executable");
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
            std::thread::sleep(Duration::from_secs(3));
            Ok(0)
        }
        tried => Ok(tried),
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

#[test]
fn a_token_opens_the_server_and_is_not_told() {
    let (nats, place) = (Nats::start(&["--auth", "a-secret-token"]), Place::new());
    let refused = Process::start(
        place
            .program("nats::flow_of_squares")
            .envs([("COUNT", "3"), ("MILLIS", "0"), ("PIPEX_NATS_TOKEN", "a-wrong-token")])
            .env("PIPEX_NATS_URL", nats.url()),
    );
    let (code, said) = refused.end();
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("cannot use NATS at nats://127.0.0.1:") && !said.contains("token"), "{said}");
    let token = |command: &mut Command| Process::start(command.env("PIPEX_NATS_TOKEN", "a-secret-token"));
    let _worker = token(place.program("nats::worker").env("PIPEX_WORKER", "1").env("PIPEX_NATS_URL", nats.url()));
    let mut flow = place.program("nats::flow_of_squares");
    let flow = token(flow.envs([("COUNT", "3"), ("MILLIS", "0")]).env("PIPEX_NATS_URL", nats.url()));
    let (code, said) = flow.end();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn over_tls_the_server_has_to_be_one_that_is_trusted() {
    let pem = |name: &str| format!("{}/{name}", set("PIPEX_TESTS_CERTIFICATES"));
    let (certificate, key) = (pem("server.pem"), pem("server.key"));
    let (nats, place) = (Nats::start(&["--tls", "--tlscert", &certificate, "--tlskey", &key]), Place::new());
    let flow = |command: &mut Command| {
        command.envs([("COUNT", "3"), ("MILLIS", "0")]).env("PIPEX_NATS_URL", nats.url().replace("nats:", "tls:"));
        Process::start(command)
    };
    let (code, said) = flow(&mut place.program("nats::flow_of_squares")).end();
    assert!(code == Some(1) && said.contains("cannot use NATS at tls://127.0.0.1:"), "{said}");
    let trusted = |name| {
        let mut command = place.program(name);
        command.env("PIPEX_NATS_CA", pem("authority.pem"));
        command
    };
    let _worker = flow(trusted("nats::worker").env("PIPEX_WORKER", "1"));
    let (code, said) = flow(&mut trusted("nats::flow_of_squares")).end();
    assert_eq!(code, Some(0), "{said}");
}

#[test]
fn a_server_that_is_not_there_is_named() {
    let place = Place::new();
    let mut flow = place.program("nats::flow_of_squares");
    flow.envs([("COUNT", "3"), ("MILLIS", "0"), ("PIPEX_NATS_URL", "nats://user:secret@127.0.0.1:9")]);
    let (code, said) = Process::start(&mut flow).end();
    assert_eq!(code, Some(1));
    assert!(said.contains("cannot use NATS at nats://127.0.0.1:9: start it (`nats-server -js`)"), "{said}");
    assert!(!said.contains("secret"), "{said}");
}

/// In a network namespace of its own, below which the worker has another; the wire between them is cut for a while.
#[test]
fn cut_off_it_ends_well() {
    let inside = crate::child::child("nats::inside_a_namespace");
    let mut unshare = Command::new("unshare");
    unshare.args(["--user", "--map-root-user", "--net", "--"]).arg(inside.get_program()).args(inside.get_args());
    let (code, said) = Process::start(&mut unshare).end();
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("the wire was cut, and the flow ended well"), "{said}");
}

#[test]
#[ignore = "another process: the test above, in its namespace"]
fn inside_a_namespace() {
    const COUNT: u64 = 300;
    let ip = |arguments: &str| assert!(Command::new("ip").args(arguments.split(' ')).status().unwrap().success());
    ip("link set lo up");
    ip("link add here type veth peer name there");
    ip("addr add 10.77.0.1/24 dev here");
    ip("link set here up");
    let (nats, place) = (Nats::at("0.0.0.0", &[]), Place::new());
    let url = format!("nats://10.77.0.1:{}", nats.port);
    let worker = place.program("nats::worker");
    let arrive = "until ip link show there >/dev/null 2>&1; do sleep 0.05; done; ip link set lo up; \
                  ip addr add 10.77.0.2/24 dev there; ip link set there up; exec \"$@\"";
    let mut away = Command::new("unshare");
    away.args(["--net", "--", "sh", "-c", arrive, "sh"]).arg(worker.get_program()).args(worker.get_args());
    away.envs(worker.get_envs().filter_map(|(name, value)| Some((name, value?)))).current_dir(place.path());
    away.env_remove("PREFECT_API_URL");
    let away = Process::start(away.env("PIPEX_WORKER", "1").env("PIPEX_NATS_URL", &url));
    let namespace = |id: &str| fs::read_link(format!("/proc/{id}/ns/net")).ok();
    until("the worker's namespace", || {
        namespace(&away.id().to_string()).filter(|net| Some(net) != namespace("self").as_ref())
    });
    ip(&format!("link set there netns {}", away.id()));
    away.wait_for_text("does");

    let mut flow = start_flow(&place, &nats, COUNT, 20);
    until("a beginning", || (commits(&place) > 30).then_some(()));
    ip("link set here down");
    // Without a worker nothing goes on, but for what it had.
    std::thread::sleep(Duration::from_secs(4));
    let here = start_worker(&place, &nats.url().replace("0.0.0.0", "127.0.0.1"));
    until("half of it", || (commits(&place) > COUNT as usize / 2 || flow.has_ended()).then_some(()));
    ip("link set here up");
    let (code, said) = flow.end();
    assert_eq!(code, Some(0), "{said}");
    all_are_right(&place, COUNT);
    assert_eq!(commits(&place) as u64, COUNT);
    drop((here, away));
    eprintln!("the wire was cut, and the flow ended well");
}
