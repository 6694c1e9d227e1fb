//! What task runs are called.

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
        match (&self.given, &self.base) {
            (Some(name), _) => name.as_ref().to_owned(),
            (None, Some(base)) => format!("{} {base}", task.funcname),
            (None, None) => task.funcname.to_owned(),
        }
    }
}
