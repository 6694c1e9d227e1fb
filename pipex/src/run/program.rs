//! Whose the program is: pipex may end it only where its `main` says so.

use std::sync::atomic::{AtomicBool, Ordering};

static TAKEN_OVER: AtomicBool = AtomicBool::new(false);

/// From now on pipex may end the program.
pub(crate) fn take_over() {
    TAKEN_OVER.store(true, Ordering::Relaxed);
}

/// Whether pipex may end the program.
pub(crate) fn is_taken_over() -> bool {
    TAKEN_OVER.load(Ordering::Relaxed)
}
