//! Outputs in a table: `PIPEX=cache cargo run --example sqlite --features sqlite`, twice. Then look into it:
//!
//! ```console
//! $ sqlite3 out/outputs.sqlite 'SELECT target, value, saved FROM outputs LIMIT 3'
//! $ sqlite3 out/outputs.sqlite "DELETE FROM outputs WHERE target = 'collatz/27.json'"
//! ```

use pipex::{Config, Output, SqliteStore, Summary, flow, task};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Orbit {
    start: u64,
    steps: u64,
    highest: u64,
}

/// A target is a key of the table; what ends in `.json` stands there as text.
#[task(target = "collatz/{start}.json", store = SqliteStore::new("out/outputs.sqlite"))]
fn collatz(start: u64) -> Orbit {
    let next = |x: &u64| (*x != 1).then(|| if x.is_multiple_of(2) { x / 2 } else { 3 * x + 1 });
    let orbit = || std::iter::successors(Some(start), next);
    Orbit { start, steps: orbit().count() as u64 - 1, highest: orbit().max().unwrap_or(start) }
}

#[task(target = "collatz/longest.json", store = SqliteStore::new("out/outputs.sqlite"))]
fn longest(orbits: &[Orbit]) -> Option<Orbit> {
    orbits.iter().max_by_key(|orbit| orbit.steps).cloned()
}

#[flow]
fn search() -> pipex::Result<Option<Orbit>> {
    let orbits: Vec<Output<Orbit>> = (1..=1_000).map(|start| collatz(start).submit()).collect();
    longest(orbits).run()?.load()
}

#[pipex::main]
fn main() -> pipex::Result<()> {
    let counts = Summary::new();
    let orbit = Config::new().reporter(counts.clone()).scope(search)?;
    println!("{orbit:?}\n\n{counts}");
    Ok(())
}
