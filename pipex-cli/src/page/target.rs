//! What the page asks about a target.

use serde::Serialize;

use super::output::{Limits, Preview};
use crate::CommandError;
use crate::project::Project;
use crate::show::OutputDetails;
use crate::survey::Survey;
use crate::why::Explanation;

/// What is shown of an output at once.
const LIMITS: Limits = Limits { bytes: 64 << 20, rows: 100, text: 256 << 10, picture: None };

/// All that is known of a target.
#[derive(Serialize)]
pub struct TargetFacts<'p> {
    details: OutputDetails<'p>,
    why: Explanation<'p>,
}

impl<'p> TargetFacts<'p> {
    pub fn new(project: &'p Project, name: &str) -> Result<Self, CommandError> {
        let index = project.find_target(name)?;
        let target = project.targets.get(index);
        let survey = Survey::inspect(project, [index]);
        // What its store does not answer, the explanation tells.
        let entry = project.store(target).query(|store| store.entry(&target.location())).ok().flatten();
        let details = OutputDetails::new(project, &survey, index, entry.as_ref());
        Ok(TargetFacts { details, why: Explanation::new(project, &survey, index) })
    }
}

impl Preview {
    /// Of a target; of a table, the rows from this one.
    pub fn of_target(project: &Project, name: &str, offset: usize) -> Result<Self, CommandError> {
        let target = project.targets.get(project.find_target(name)?);
        Preview::read(project, target, offset, LIMITS)
            .map_err(|source| CommandError::Store { target: name.to_owned(), source })
    }
}

/// The bytes of a picture.
pub fn read_picture(project: &Project, name: &str) -> Result<Vec<u8>, CommandError> {
    let target = project.targets.get(project.find_target(name)?);
    let failed = |source| CommandError::Store { target: name.to_owned(), source };
    project.require_listing(target)?.payload(&target.location()).map_err(failed)
}
