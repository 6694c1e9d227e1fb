//! What the benchmarks share: figures as ratios, of two things that are measured in turn.

use std::time::{Duration, Instant};

/// The head of the table.
pub fn head() {
    println!("| figure | pipex | floor | more | ratio | goal |\n| --- | ---: | ---: | ---: | ---: | --- |");
}

/// One figure: a name, how often it is measured, and the two closures, each of which does `count` of its thing.
pub fn ratio(
    name: &str,
    goal: &str,
    rounds: usize,
    count: u32,
    mut ours: impl FnMut(usize),
    mut floor: impl FnMut(usize),
) {
    let time = |round: usize, work: &mut dyn FnMut(usize)| {
        let started = Instant::now();
        work(round);
        started.elapsed()
    };
    let mut pairs: Vec<(Duration, Duration)> = (0..=rounds)
        .map(|round| {
            // In turn first and second, so that what the one leaves in caches does not always help the other.
            if round % 2 == 0 {
                let ours = time(round, &mut ours);
                (ours, time(round, &mut floor))
            } else {
                let floor = time(round, &mut floor);
                (time(round, &mut ours), floor)
            }
        })
        .skip(1)
        .collect();
    pairs.sort_by(|a, b| (a.0.as_secs_f64() / a.1.as_secs_f64()).total_cmp(&(b.0.as_secs_f64() / b.1.as_secs_f64())));
    let (ours, floor) = pairs[pairs.len() / 2];
    let each = |duration: Duration| duration.as_secs_f64() * 1e9 / f64::from(count);
    println!(
        "| {name} | {:.1} ns | {:.1} ns | {:+.1} ns | {:.2} | {goal} |",
        each(ours),
        each(floor),
        each(ours) - each(floor),
        ours.as_secs_f64() / floor.as_secs_f64()
    );
}
