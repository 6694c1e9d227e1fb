//! How long to wait before a failed run is tried again.

use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBuilder};

/// How long to wait before a failed run is tried again.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum RetryDelay {
    /// As long each time.
    Same(Duration),
    /// So long before the first retry, before the second ...; the last also before all that follow.
    Each(&'static [Duration]),
    /// `first`, then each time `factor` times as long, but no longer than `longest`. With `jitter`, up to as long again is
    /// added at random, so that runs that failed together do not come back together.
    Exponential {
        /// Before the first retry.
        first: Duration,
        /// How many times longer each is than the one before.
        factor: f32,
        /// The longest, without jitter.
        longest: Option<Duration>,
        /// Whether something is added at random.
        jitter: bool,
    },
}

impl RetryDelay {
    /// How long to wait before this retry: 1 is the first.
    #[doc(hidden)]
    pub fn before(&self, retry: u32) -> Duration {
        match *self {
            RetryDelay::Same(delay) => delay,
            RetryDelay::Each(list) => {
                let place = (retry.max(1) as usize - 1).min(list.len().saturating_sub(1));
                list.get(place).copied().unwrap_or_default()
            }
            RetryDelay::Exponential { first, factor, longest, jitter } => {
                let delays = ExponentialBuilder::new()
                    .with_min_delay(first)
                    .with_max_delay(longest.unwrap_or(LONGEST))
                    .with_factor(factor)
                    .without_max_times();
                let delays = if jitter { delays.with_jitter() } else { delays };
                // After so many it has long been the longest.
                let skipped = (retry.max(1) as usize - 1).min(10_000);
                delays.build().nth(skipped).unwrap_or_default()
            }
        }
    }
}

/// A year: longer than anybody waits, and far from what a clock can't tell.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 3_600);

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    const LIST: &[Duration] = &[SECOND, Duration::from_secs(10)];

    fn seconds(delay: &RetryDelay) -> Vec<f64> {
        (1..=5).map(|retry| delay.before(retry).as_secs_f64()).collect()
    }

    #[test]
    fn delays_are_as_written() {
        assert_eq!(seconds(&RetryDelay::Same(2 * SECOND)), [2.0; 5]);
        assert_eq!(seconds(&RetryDelay::Each(LIST)), [1.0, 10.0, 10.0, 10.0, 10.0]);
        let exponential =
            RetryDelay::Exponential { first: SECOND, factor: 3.0, longest: Some(20 * SECOND), jitter: false };
        assert_eq!(seconds(&exponential), [1.0, 3.0, 9.0, 20.0, 20.0]);
    }

    #[test]
    fn however_many_retries() {
        let exponential = RetryDelay::Exponential { first: SECOND, factor: 2.0, longest: None, jitter: false };
        assert_eq!(exponential.before(u32::MAX), LONGEST);
    }

    #[test]
    fn jitter_adds_up_to_as_much_again() {
        let jittered = RetryDelay::Exponential { first: SECOND, factor: 2.0, longest: None, jitter: true };
        let third: Vec<f64> = (0..50).map(|_| jittered.before(3).as_secs_f64()).collect();
        assert!(third.iter().all(|delay| (4.0..8.1).contains(delay)), "{third:?}");
        assert!(third.iter().any(|delay| *delay != third[0]));
    }
}
