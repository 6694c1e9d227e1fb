//! The macros find pipex by whatever name it is a dependency.

use px::{flow, helper, task};

/// How often.
#[helper]
pub const TIMES: u32 = 2;

/// A task.
#[task(target = "{path}/{x}", uses(TIMES), stale = "rerun")]
pub fn double(x: u32) -> u32 {
    TIMES * x
}

/// A flow.
///
/// # Errors
/// When the task fails.
#[flow]
pub fn doubled() -> px::Result<u32> {
    double(21).run()?.load()
}

/// A program.
///
/// # Errors
/// When its flow does.
#[px::main]
pub fn main() -> px::Result<()> {
    doubled().map(drop)
}

#[test]
fn works_under_another_name() {
    assert_eq!(px::Config::new().mode(px::Mode::DoNothing).scope(doubled).unwrap(), 42);
}
