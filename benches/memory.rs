//! Whether tasks that say what memory they need end where all of them together would need more than there is: 16 tasks of 4 GB,
//! with `PIPEX_WORKERS=16`. Each touches every page of what it has. Without `memory = ".."` the system would kill the process.
//!
//! `PIPEX_RESOURCES=memory=12GB` counts with less than the machine has.

use std::hint::black_box;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use pipex::{Config, Mode, flow, task};

const TASKS: usize = 16;
const BYTES: usize = 4_000_000_000;

static RUNNING: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

#[task(memory = "4GB")]
fn fill(number: usize) -> usize {
    MOST.fetch_max(RUNNING.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
    let filled = black_box(vec![1_u8; BYTES]);
    RUNNING.fetch_sub(1, Ordering::SeqCst);
    number + filled.len()
}

#[flow]
fn fill_all() -> pipex::Result<usize> {
    let outputs: Vec<_> = (0..TASKS).map(|number| fill(number).submit()).collect();
    outputs.iter().map(pipex::Output::load).sum()
}

fn main() {
    let started = Instant::now();
    let config = Config::new().mode(Mode::Prefect).quiet(true);
    let sum = config.scope(fill_all).expect("none of the tasks is larger than what there is");
    assert_eq!(sum, TASKS * BYTES + (0..TASKS).sum::<usize>());
    let (most, elapsed) = (MOST.load(Ordering::SeqCst), started.elapsed());
    println!("{TASKS} tasks of {} GB ended in {elapsed:.1?}, at most {most} at a time", BYTES / 1_000_000_000);
}
