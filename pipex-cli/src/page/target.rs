//! What the page asks about a target.

use serde::Serialize;

use super::output::Preview;
use crate::CommandError;
use crate::project::{Project, Target};
use crate::show::OutputDetails;
use crate::survey::Survey;
use crate::why::Explanation;

/// All that is known of a target.
#[derive(Serialize)]
pub struct TargetFacts<'p> {
    details: OutputDetails,
    why: Explanation<'p>,
}

impl<'p> TargetFacts<'p> {
    pub fn new(project: &'p Project, name: &str) -> Result<Self, CommandError> {
        let index = project.find_target(name)?;
        let target = &project.targets[index];
        let survey = Survey::inspect(project, [index]);
        // What its store does not answer, the explanation tells.
        let entry = project.store(target).query(|store| store.entry(&target.location())).ok().flatten();
        let consumers = project.find_consumers();
        let outputs: Vec<&Target> = consumers[index].iter().map(|output| &project.targets[*output as usize]).collect();
        let details = OutputDetails::new(project, &survey, index, entry.as_ref(), &outputs);
        Ok(TargetFacts { details, why: Explanation::new(project, &survey, index) })
    }
}

impl Preview {
    /// Of a target: so many rows of a table, from this one.
    pub fn of_target(project: &Project, name: &str, offset: usize, rows: usize) -> Result<Self, CommandError> {
        let target = &project.targets[project.find_target(name)?];
        Preview::read(project, target, offset, rows)
            .map_err(|source| CommandError::Store { target: name.to_owned(), source })
    }
}

/// The bytes of a picture.
pub fn read_picture(project: &Project, name: &str) -> Result<Vec<u8>, CommandError> {
    let target = &project.targets[project.find_target(name)?];
    let failed = |source| CommandError::Store { target: name.to_owned(), source };
    project.require_listing(target)?.payload(&target.location()).map_err(failed)
}
