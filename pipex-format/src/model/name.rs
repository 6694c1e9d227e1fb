//! What task runs are called.

use std::borrow::Cow;
use std::sync::Arc;

use super::task::Task;

/// The name of a task run: it is put together only when somebody asks.
#[derive(Debug, Clone, Default)]
pub struct Name {
    /// What `.name(..)` or the template said.
    pub given: Option<Arc<str>>,
    /// The call's `base`.
    pub base: Option<Arc<str>>,
}

impl Name {
    /// The name of a run of this function.
    pub fn for_task(&self, task: &Task) -> String {
        self.of(task).into_owned()
    }

    /// The same, put together only where it has to be.
    pub fn of(&self, task: &Task) -> Cow<'_, str> {
        match (&self.given, &self.base) {
            (Some(name), _) => Cow::Borrowed(name),
            (None, Some(base)) => Cow::Owned([task.funcname, " ", base].concat()),
            (None, None) => Cow::Borrowed(task.funcname),
        }
    }
}
