//! The work itself, and what each program is asked for and says.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::time::Instant;
use std::{env, fs, io};

/// How many bodies of tasks have run.
static BODIES: AtomicUsize = AtomicUsize::new(0);

/// As many numbers as are about 1 KB with what is kept beside them.
const VALUES: u32 = 110;

pub fn load(station: u32) -> Vec<f64> {
    BODIES.fetch_add(1, Relaxed);
    vec![f64::from(station); VALUES as usize]
}

pub fn clean(values: &[f64]) -> Vec<f64> {
    BODIES.fetch_add(1, Relaxed);
    values.iter().copied().filter(|value| *value >= 0.0).collect()
}

/// The sum of all values of these, each of which is there when it is asked for.
pub fn merge<E>(cleaned: impl IntoIterator<Item = Result<Vec<f64>, E>>) -> Result<f64, E> {
    BODIES.fetch_add(1, Relaxed);
    cleaned.into_iter().try_fold(0.0, |sum, values| Ok(sum + values?.iter().sum::<f64>()))
}

/// `PROGRAM PAIRS cold|warm`: does so many pairs here, in the current folder, and says how long they took, process aside. In the cold run
/// each body runs, in the warm one none.
#[allow(dead_code, reason = "the steps of others are programs of their own")]
pub fn main<E: std::fmt::Debug>(pairs: impl FnOnce(u32) -> Result<f64, E>) {
    let arguments: Vec<String> = env::args().collect();
    let [_, count, run] = &arguments[..] else { panic!("PROGRAM PAIRS cold|warm") };
    let count: u32 = count.parse().unwrap();
    let started = Instant::now();
    let sum = pairs(count).unwrap();
    let tasks = started.elapsed().as_secs_f64();
    let expected = f64::from(VALUES) * f64::from(count) * f64::from(count - 1) / 2.0;
    assert!((sum - expected).abs() <= f64::EPSILON * expected, "the sum is {sum}, not {expected}");
    let bodies = if run == "cold" { 2 * count as usize + 1 } else { 0 };
    assert_eq!(BODIES.load(Relaxed), bodies, "bodies that ran");
    println!("{{\"tasks\": {tasks}}}");
}

#[allow(dead_code, reason = "not everybody keeps bytes")]
pub fn to_bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[allow(dead_code, reason = "not everybody keeps bytes")]
pub fn from_bytes(bytes: &[u8]) -> Vec<f64> {
    bytes.chunks_exact(8).map(|bytes| f64::from_le_bytes(bytes.try_into().expect("eight are eight"))).collect()
}

#[allow(dead_code, reason = "not everybody keeps files")]
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<f64>> {
    Ok(from_bytes(&fs::read(path)?))
}
