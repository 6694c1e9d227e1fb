//! Processes that are killed in the midst of their work.

use std::io::{BufRead as _, BufReader};
use std::process::Child;

/// Kills the child when it has said that `tasks` are done, and a little later: `spins` moves the instant within a task.
pub fn kill_after(mut child: Child, tasks: u64, spins: u64) {
    // Nobody closes the pipe before it is killed.
    let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut done = said.by_ref().filter(|line| line.contains("done "));
    (0..tasks).all(|_| done.next().is_some());
    for spin in 0..spins {
        std::hint::black_box(spin);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    drop(said);
}
