//! Waiting for what happens in other processes: who sees something says so, and who waits looks again.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long anything may take.
pub const LIMIT: Duration = Duration::from_secs(300);

/// How much has happened: lines that processes have said, and their ends.
static EVENTS: Mutex<u64> = Mutex::new(0);
static HAPPENED: Condvar = Condvar::new();

/// Something has happened that somebody may wait for.
pub fn happened() {
    *EVENTS.lock().unwrap_or_else(PoisonError::into_inner) += 1;
    HAPPENED.notify_all();
}

/// Looks again whenever something has happened; `None` when it has not come within the limit.
pub fn wait_for<T>(mut look: impl FnMut() -> Option<T>) -> Option<T> {
    let end = Instant::now() + LIMIT;
    loop {
        let seen = *EVENTS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = look() {
            return Some(found);
        }
        let left = end.checked_duration_since(Instant::now())?;
        let events = EVENTS.lock().unwrap_or_else(PoisonError::into_inner);
        drop(HAPPENED.wait_timeout_while(events, left, |events| *events == seen));
    }
}

/// The same, of what has to come.
pub fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    wait_for(look).unwrap_or_else(|| panic!("it never came: {what}"))
}
