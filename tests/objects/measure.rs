//! What it costs that outputs are there: `tests/objects/run --ignored --exact measure::warm --nocapture`.

use std::time::{Duration, Instant};

use pipex::{Config, Mode, flow, task};

use crate::place::Place;

#[task(target = "{path}/{number}.json")]
fn number(number: u64) -> u64 {
    number
}

#[flow]
fn numbers(count: u64) -> pipex::Result<()> {
    (0..count).try_for_each(|each| number(each).run().map(drop))
}

fn time(what: impl FnOnce()) -> Duration {
    let begun = Instant::now();
    what();
    begun.elapsed()
}

#[test]
#[ignore = "it takes minutes, and says something only on a quiet machine"]
fn warm() {
    let count = std::env::var("PIPEX_TESTS_COUNT").map_or(10_000, |count| count.parse().unwrap());
    let (place, journal) = (Place::new(), tempfile::tempdir().unwrap());
    let config = Config::new().mode(Mode::Cache).path(place.path()).journal(journal.path().join(".pipex")).quiet(true);
    let cold = time(|| config.clone().scope(|| numbers(count)).unwrap());
    let mut pairs: Vec<_> = (0..5)
        .map(|_| {
            let listed = time(|| assert_eq!(place.outputs().len() as u64, count));
            let warm = time(|| config.clone().scope(|| numbers(count)).unwrap());
            (warm.as_secs_f64() / listed.as_secs_f64(), warm, listed)
        })
        .collect();
    pairs.sort_by(|(one, ..), (other, ..)| one.total_cmp(other));
    let (ratio, warm, listed) = pairs[2];
    println!("{count} targets: made in {cold:?}; warm {warm:?}, a list of them {listed:?}: {ratio:.2}");
}
