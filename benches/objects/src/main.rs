//! What it costs to keep values in a bucket and to load them, beside the bare requests of `object_store`: the two in turn, one request
//! after the other; or, with a program, what it takes to check that out. `benches/objects/run` starts the server.

mod far;
mod weather;

use std::path::Path;
use std::time::{Duration, Instant};

use object_store::aws::AmazonS3Builder;
use object_store::{ObjectStoreExt as _, PutPayload};
use pipex::store::{Files, Listing as _};
use pipex::{Config, Mode, Output, flow, task};
use tokio::runtime::Runtime;

const VALUES: u64 = 200;
const ROUNDS: usize = 7;

/// 8 kB.
#[task(target = "{path}/{number}")]
fn values(number: u64) -> Vec<f64> {
    (0..1_000).map(|x| (x * number) as f64).collect()
}

#[flow]
fn all() -> pipex::Result<Vec<Output<Vec<f64>>>> {
    (0..VALUES).map(|number| values(number).run()).collect()
}

fn time(what: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    what();
    begun.elapsed()
}

/// The medians of both, of a value.
fn row(figure: &str, mut pairs: Vec<(Duration, Duration)>) {
    pairs.sort_by(|one, other| {
        (one.0.as_secs_f64() / one.1.as_secs_f64()).total_cmp(&(other.0.as_secs_f64() / other.1.as_secs_f64()))
    });
    let (pipex, bare) = pairs[pairs.len() / 2];
    let each = |time: Duration| time.as_secs_f64() * 1e3 / VALUES as f64;
    println!(
        "| {figure} | {:.2} ms | {:.2} ms | {:.2} |",
        each(pipex),
        each(bare),
        pipex.as_secs_f64() / bare.as_secs_f64()
    );
}

fn main() {
    let bucket = std::env::args().nth(1).expect("the name of a bucket");
    // It chooses who sees to TLS, for both.
    Files.list(&format!("s3://{bucket}/none/"), &mut |_| ()).expect("a list");
    if let Some(program) = std::env::args().nth(2) {
        return weather::measure(&bucket, &program);
    }
    let store = AmazonS3Builder::from_env().with_bucket_name(&bucket).build().expect("a client");
    let runtime = Runtime::new().expect("a runtime");
    let bytes = vec![7; 8_200];
    let [mut saves, mut loads, mut warm] = [const { Vec::new() }; 3];
    for round in 0..ROUNDS {
        let path = format!("s3://{bucket}/pipex-{round}");
        let journal = tempfile::tempdir().expect("a directory");
        let config =
            |path: &str, journal: &Path| Config::new().mode(Mode::Cache).path(path).journal(journal).quiet(true);
        let here = config(&path, &journal.path().join(".pipex"));
        let name = |number: u64| object_store::path::Path::from(format!("bare-{round}/{number}"));
        let put = time(|| {
            for number in 0..VALUES {
                runtime.block_on(store.put(&name(number), PutPayload::from(bytes.clone()))).expect("a put");
            }
        });
        let mut outputs = Vec::new();
        saves.push((time(|| outputs = here.clone().scope(all).expect("a run")), put));
        let get = time(|| {
            for number in 0..VALUES {
                let bytes = runtime.block_on(async { store.get(&name(number)).await?.bytes().await });
                assert_eq!(bytes.expect("a get").len(), 8_200);
            }
        });
        loads.push((
            time(|| outputs.iter().for_each(|output| assert_eq!(output.load().expect("a load").len(), 1_000))),
            get,
        ));
        let head = time(|| {
            for number in 0..VALUES {
                runtime.block_on(store.head(&name(number))).expect("a head");
            }
        });
        warm.push((time(|| drop(here.clone().scope(all).expect("a run"))), head));
    }
    println!("| figure | pipex | bare | ratio |\n| --- | ---: | ---: | ---: |");
    row("save a value of 8 kB / PUT", saves);
    row("load it / GET", loads);
    row("find that it is there / HEAD", warm);
}
