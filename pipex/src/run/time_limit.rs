//! Until when a body may run, as the commands that it starts ask.

use std::sync::Arc;
use std::time::Instant;

#[cfg(feature = "shell")]
use tokio::sync::OwnedRwLockReadGuard;
use tokio::sync::RwLock;

/// The time limit of a body.
pub(crate) struct TimeLimit {
    deadline: Instant,
    /// Each command that runs holds it.
    commands: Arc<RwLock<()>>,
    /// Of the body that this one's run was called in.
    #[cfg_attr(not(feature = "shell"), expect(dead_code, reason = "only commands ask for it"))]
    outer: Option<Arc<TimeLimit>>,
}

impl TimeLimit {
    /// The time limit of a body that has until `deadline`, if that is said, within that of another.
    pub(crate) fn within(outer: Option<&Arc<Self>>, deadline: Option<Instant>) -> Option<Arc<Self>> {
        let Some(deadline) = deadline else { return outer.cloned() };
        let deadline = outer.map_or(deadline, |outer| outer.deadline.min(deadline));
        Some(Arc::new(TimeLimit { deadline, commands: Arc::default(), outer: outer.cloned() }))
    }

    /// Waits until none of the commands within this limit runs.
    pub(crate) async fn commands_ended(limit: Option<&Arc<Self>>) {
        if let Some(limit) = limit {
            drop(limit.commands.write().await);
        }
    }
}

/// What commands ask for.
#[cfg(feature = "shell")]
impl TimeLimit {
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// Has the end of the body wait until this is dropped, unless it has ended already.
    pub(crate) fn hold(&self) -> Option<Vec<OwnedRwLockReadGuard<()>>> {
        if self.deadline <= Instant::now() {
            return None;
        }
        let mut held = self.outer.as_ref().map_or(Some(Vec::new()), |outer| outer.hold())?;
        held.push(Arc::clone(&self.commands).try_read_owned().ok()?);
        Some(held)
    }
}
