//! What a clean checkout of the weather example takes to be complete, all of whose outputs a team shares; beside bare requests for the same
//! objects, in turn.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use object_store::aws::AmazonS3Builder;
use object_store::{ObjectStore, ObjectStoreExt as _};
use tokio::runtime::Runtime;

use crate::{far, time};

const ROUNDS: usize = 3;
/// As many as pipex has under way.
const AT_ONCE: usize = 64;
/// A bucket in another building or so.
const FAR: Duration = Duration::from_millis(20);

const RUNS: [(&str, &[(&str, &str)]); 3] = [
    ("`PIPEX=cache`", &[("PIPEX", "cache")]),
    ("`PIPEX=prefect.cache`, 2 workers", &[("PIPEX", "prefect.cache"), ("PIPEX_WORKERS", "2")]),
    ("`PIPEX=prefect.cache`, 64 workers", &[("PIPEX", "prefect.cache"), ("PIPEX_WORKERS", "64")]),
];

/// Runs the example in a directory that nobody has used, and says whether anything was made there.
fn check_out(program: &str, shared: &str, settings: &[(&str, &str)]) -> bool {
    let checkout = tempfile::tempdir().expect("a directory");
    let mut weather = Command::new(program);
    weather.arg("out/weather").current_dir(checkout.path()).env("PIPEX_SHARED", shared).stdout(Stdio::null());
    let ended = weather.envs(settings.iter().copied()).output().expect("the example");
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(ended.status.success(), "{said}");
    // Columns: task, ran, cached, failed.
    let table = said.lines().skip_while(|line| !line.starts_with("task ")).skip(1);
    table.into_iter().any(|line| line.split_whitespace().nth(1).is_some_and(|ran| ran != "0"))
}

/// The medians of what the runs took, and of their ratios to each of the others.
fn rows(place: &str, floors: &[&str], rounds: &[Vec<Duration>]) {
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let seconds = |number: usize| median(rounds.iter().map(|round| round[number].as_secs_f64()).collect());
    for (number, floor) in floors.iter().enumerate() {
        println!("{place}: {floor}: {:.2} s", seconds(number));
    }
    for (run, (name, _)) in RUNS.iter().enumerate() {
        let run = run + floors.len();
        let ratio = |floor: usize| {
            median(rounds.iter().map(|round| round[run].as_secs_f64() / round[floor].as_secs_f64()).collect())
        };
        let ratios: Vec<_> = (0..floors.len()).map(|floor| format!("{:.2}", ratio(floor))).collect();
        println!("| {place} | {name} | {:.2} s | {} |", seconds(run), ratios.join(" | "));
    }
}

pub fn measure(bucket: &str, program: &str) {
    let there = format!("s3://{bucket}/shared");
    assert!(check_out(program, &there, RUNS[0].1), "it is made once");
    let near = std::env::var("AWS_ENDPOINT").expect("the server");
    let runtime = Runtime::new().expect("a runtime");
    let endpoint = far::start(near, FAR);
    let store = AmazonS3Builder::from_env().with_endpoint(&endpoint).with_bucket_name(bucket);
    let store = store.build().expect("a client");
    let prefix = object_store::path::Path::from("shared");
    let names = || store.list(Some(&prefix)).map_ok(|meta| meta.location).try_collect::<Vec<_>>();
    let get = |at_once: usize| {
        let all = async {
            let gets = names().await?.into_iter().map(async |name| store.get(&name).await?.bytes().await);
            stream::iter(gets).buffer_unordered(at_once).try_fold(0, async |sum, bytes| Ok(sum + bytes.len())).await
        };
        time(|| assert!(runtime.block_on(all).expect("all objects") > 0))
    };
    let check_out = |run: &[(&str, &str)]| check_out(program, &there, &[run, &[("AWS_ENDPOINT", &endpoint)]].concat());
    // What it has been asked before it answers when its time has come.
    get(AT_ONCE);
    assert!(RUNS.iter().all(|(_, run)| !check_out(run)), "nothing is made again");
    let round = || {
        let mut times = vec![get(1), get(AT_ONCE)];
        times.extend(RUNS.iter().map(|(_, run)| time(|| _ = check_out(run))));
        times
    };
    let rounds: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    rows("a bucket 20 ms away", &["a list and GETs, one after the other", "a list and GETs, 64 at once"], &rounds);
    folder(program);
}

/// The same in a folder.
fn folder(program: &str) {
    let directory = tempfile::tempdir().expect("a directory");
    let folder = directory.path().join("shared");
    let shared = folder.to_str().expect("a name");
    assert!(check_out(program, shared, RUNS[0].1), "it is made once");
    let copy = || {
        let to = tempfile::tempdir().expect("a directory");
        time(|| {
            let copied = Command::new("cp").arg("-r").arg(&folder).arg(to.path()).status();
            assert!(copied.expect("cp").success());
        })
    };
    let read = || time(|| assert!(read_all(&folder) > 0));
    let round = || {
        let mut times = vec![read(), copy()];
        times.extend(RUNS.iter().map(|(_, run)| time(|| assert!(!check_out(program, shared, run)))));
        times
    };
    let rounds: Vec<_> = (0..ROUNDS).map(|_| round()).collect();
    rows("a folder", &["each file read", "`cp -r`"], &rounds);
}

fn read_all(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path());
    entries.map(|path| if path.is_dir() { read_all(&path) } else { fs::read(path).expect("a file").len() as u64 }).sum()
}
