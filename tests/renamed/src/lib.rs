//! The macros find pipex by whatever name it is a dependency.

use px::{flow, task};

/// A task.
#[task(target = "{path}/{x}")]
pub fn double(x: u32) -> u32 {
    2 * x
}

/// A flow.
///
/// # Errors
/// When the task fails.
#[flow]
pub fn doubled() -> px::Result<u32> {
    double(21).run()?.load()
}

#[test]
fn works_under_another_name() {
    assert_eq!(px::Config::new().mode(px::Mode::DoNothing).scope(doubled).unwrap(), 42);
}
