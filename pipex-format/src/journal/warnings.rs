//! What is said of outputs that were taken and are not what their calls would give: a line for each task function.

use crate::model::provenance::Reasons;
use crate::model::target::Location;
use crate::model::task::Task;
use crate::say::say;

#[derive(Default)]
pub(super) struct Warnings(Vec<Warning>);

/// Outputs of a task function, all of them stale, or all of them edited.
struct Warning {
    task: &'static Task,
    count: usize,
    example: Location,
    reasons: Reasons,
}

impl Warnings {
    /// Counts an output that was taken; if it is the first of its kind, it is said `now`, or in the end.
    pub(super) fn add(&mut self, task: &'static Task, target: &Location, reasons: Reasons, now: bool) {
        let stale = reasons.except(Reasons::EDITED);
        for reasons in [stale, reasons.except(stale)].into_iter().filter(|reasons| !reasons.is_empty()) {
            let is_same =
                |warning: &&mut Warning| std::ptr::eq(warning.task, task) && warning.reasons.content == reasons.content;
            if let Some(warning) = self.0.iter_mut().find(is_same) {
                warning.count += 1;
                warning.reasons = warning.reasons.and(reasons);
                continue;
            }
            let warning = Warning { task, count: 1, example: target.clone(), reasons };
            if now {
                warning.say();
            }
            self.0.push(warning);
        }
    }

    /// Says all there are.
    pub(super) fn say(&mut self) {
        self.0.drain(..).for_each(|warning| warning.say());
    }
}

impl Warning {
    fn say(&self) {
        let Warning { task: Task { funcname: name, .. }, count, example, reasons } = self;
        if reasons.content {
            let outputs = match count {
                1 => format!("an output was changed since pipex made it, and taken as it is, {example}"),
                _ => format!(
                    "{count} outputs were changed since pipex made them, and taken as they are, such as {example}"
                ),
            };
            return say(&format!(
                "{name}: {outputs}; to have them made again: pipex rm --task {name} --stale --edited --downstream; \
                 to keep them: pipex accept --task {name} --reason content"
            ));
        }
        let outputs = match count {
            1 => format!("a stale output was taken, {example}"),
            _ => format!("{count} stale outputs were taken, such as {example}"),
        };
        say(&format!(
            "{name}: {outputs} (changed: {reasons}); to have them made again: pipex rm --task {name} --stale --downstream"
        ));
    }
}
