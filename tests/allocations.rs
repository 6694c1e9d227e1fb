//! What is there costs a look, and next to no memory.

use std::path::Path;

use pipex::{flow, task};

use crate::support::Bench;

#[task(target = "{path}/{station}-{day}")]
fn day(station: &str, day: u64) -> u64 {
    station.len() as u64 + day
}

#[flow(path = path)]
fn days(path: &Path, count: u64) -> pipex::Result<()> {
    (0..count).try_for_each(|number| day("EWR", number).run().map(drop))
}

#[test]
fn a_skip_allocates_the_call_the_target_its_place_and_its_handle() {
    let bench = Bench::new();
    let config = || bench.config(pipex::Mode::Cache);
    config().scope(|| days(bench.path(), 1_000)).unwrap();
    let skips = |count| allocation_counter::measure(|| config().scope(|| days(bench.path(), count)).unwrap());
    // The first has what a flow run needs; the table of targets grows a few times, and so does the journal's buffer.
    let (one, all) = (skips(1), skips(1_000));
    let more = all.count_total - one.count_total;
    assert!(more <= 4 * 999 + 30, "{more} allocations for 999 skips");
}

#[test]
fn a_call_in_do_nothing_allocates_itself_and_its_output() {
    let nothing = pipex::Config::new().mode(pipex::Mode::DoNothing);
    let calls = nothing.scope(|| {
        allocation_counter::measure(|| (0..1_000).for_each(|number| drop(day("EWR", number).run().unwrap())))
    });
    assert_eq!(calls.count_total, 2 * 1_000);
}
