//! What task runs are called.

use std::sync::Arc;

use super::task::Task;

/// The name of a task run: it is put together only when somebody asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct Name {
    /// What `.name(..)` or the template said.
    pub(crate) given: Option<Arc<str>>,
    pub(crate) base: Option<Arc<str>>,
}

impl Name {
    pub(crate) fn for_task(&self, task: &Task) -> String {
        match (&self.given, &self.base) {
            (Some(name), _) => name.as_ref().to_owned(),
            (None, Some(base)) => format!("{} {base}", task.funcname),
            (None, None) => task.funcname.to_owned(),
        }
    }
}
