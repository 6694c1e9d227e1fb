//! What made a value, as stores record it beside the value.

use crate::model::fingerprint::{Fingerprint, fingerprint_bytes};
use crate::model::provenance::Provenance;
use crate::model::task::Task;

/// What made a value: recorded beside it by stores that have room for it.
#[derive(Debug, Clone, Copy)]
pub struct Record {
    task: &'static Task,
    arguments: Fingerprint,
    inputs: Option<Fingerprint>,
}

impl Record {
    /// This function, given these arguments and inputs.
    #[doc(hidden)]
    pub fn new(task: &'static Task, arguments: Fingerprint, inputs: impl Into<Option<Fingerprint>>) -> Self {
        Record { task, arguments, inputs: inputs.into() }
    }

    /// The task function.
    #[must_use]
    pub fn task(&self) -> &'static Task {
        self.task
    }

    /// The fingerprint of the arguments: values by content, outputs by location.
    #[must_use]
    pub fn arguments(&self) -> Fingerprint {
        self.arguments
    }

    /// The fingerprint of the contents of the outputs and files among the arguments, if it is known.
    #[must_use]
    pub fn inputs(&self) -> Option<Fingerprint> {
        self.inputs
    }

    /// All of it, but for the format, which only the store knows.
    #[doc(hidden)]
    pub fn provenance(&self) -> Provenance {
        Provenance::new(self.task.code, self.arguments, self.inputs)
    }
}

/// What made an output, as its store recorded it. A fingerprint that was not known, or cannot be read, is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Made {
    /// The task function: `weather::clean`.
    pub task: String,
    /// The fingerprint of its code.
    pub code: Option<Fingerprint>,
    /// The fingerprint of its arguments: values by content, outputs by location.
    pub arguments: Option<Fingerprint>,
    /// The fingerprint of the contents of the outputs and files among its arguments.
    pub inputs: Option<Fingerprint>,
    /// Rust's name of the value's type.
    pub type_name: String,
    /// The shape of the type, as [the file format](https://github.com/pipex-rs/pipex/blob/main/docs/src/format.md) has it; empty
    /// if it is not known.
    pub shape: String,
}

impl Made {
    /// What made it.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        let format = (!self.shape.is_empty()).then(|| fingerprint_bytes(self.shape.as_bytes()));
        Provenance::new(self.code, self.arguments, self.inputs).with_format(format)
    }
}
