//! How outputs stand: what the journals say of them, and what is there.

use std::collections::HashMap;
use std::rc::Rc;

use jiff::Timestamp;
use pipex::journal::{self, Provenance, Stored, There, Wanted, decide, of_inputs};
use pipex::store::Stamp;
use pipex::{Fingerprint, Reasons, Stale};

use crate::condition::{Asked, Condition, Facts};
use crate::paths::{Bounds, Where};
use crate::project::{Input, Now, Problem, Project, Target};

/// What was found when outputs were looked at, and all that they were made from.
pub struct Survey<'p> {
    project: &'p Project,
    asked: Vec<Asked>,
    /// What lies at paths that were arguments: `None` if no file does any more.
    sources: HashMap<u32, Option<Fingerprint>>,
    /// None of those that did not matter.
    sights: Vec<Option<Sight>>,
    /// Why what is there, or was, is not what its call would give.
    reasons: Vec<Reasons>,
    /// Something stale that it was made from, however far up: the target's number and one, 0 if there is none.
    because: Vec<u32>,
}

/// What is where an output should be.
enum Sight {
    Running,
    /// It cannot be looked at.
    Unknown(Problem),
    Absent,
    /// What the journal says.
    Recorded,
    /// Something else than the journal says.
    Other(Box<Found>),
}

/// What lies at a target.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    pub stored: Stored,
    pub stamp: Stamp,
    pub bytes: u64,
    /// When it was saved.
    pub saved: Option<Timestamp>,
}

impl Found {
    /// The same for the journal, where this is known of it.
    pub fn known_as(&self, stored: Stored) -> There {
        There::new(stored.content, self.stamp, self.bytes).known_as(stored)
    }
}

/// How an output stands.
pub struct Standing {
    pub condition: Condition,
    pub reasons: Reasons,
    /// Something stale that it was made from.
    pub because: Option<usize>,
    /// Why it cannot be looked at.
    pub problem: Option<Rc<str>>,
    /// Of what is there, if something is.
    pub bytes: u64,
    pub saved: Option<Timestamp>,
}

impl<'p> Survey<'p> {
    /// Looks at these, and at all that they were made from.
    pub fn new(project: &'p Project, places: impl IntoIterator<Item = usize>) -> Self {
        let count = project.targets.len();
        let mut survey = Survey {
            project,
            asked: project.asked(),
            sources: HashMap::new(),
            sights: std::iter::repeat_with(|| None).take(count).collect(),
            reasons: vec![Reasons::default(); count],
            because: vec![0; count],
        };
        let mut bounds = Bounds::new(project);
        let mut open: Vec<usize> = places.into_iter().collect();
        let mut looked_at = Vec::new();
        while let Some(place) = open.pop() {
            let target = &project.targets[place];
            if survey.sights[place].is_some() {
                continue;
            }
            survey.sights[place] = Some(project.sight(target, &mut bounds));
            looked_at.push(place);
            for input in target.inputs() {
                open.push(input.place as usize);
                if input.is_source {
                    let source = || project.source(&project.targets[input.place as usize]);
                    survey.sources.entry(input.place).or_insert_with(source);
                }
            }
        }
        for place in &looked_at {
            survey.reasons[*place] = survey.reasons(*place);
        }
        survey.spread(&looked_at);
        for place in &looked_at {
            // It was said that its inputs will be others when they have been made, which they have not yet.
            let said = project.targets[*place].last.as_ref().is_some_and(|last| {
                last.stale.inputs && last.now.as_ref().is_some_and(|now| now.inputs == Fingerprint::NONE)
            });
            survey.reasons[*place].inputs |= said && survey.because[*place] > 0;
        }
        survey
    }

    /// How a target stands that was looked at.
    pub fn standing(&self, place: usize) -> Standing {
        let (project, target) = (self.project, &self.project.targets[place]);
        let found = self.found(place);
        let is_source = target.function.is_none();
        // What no file can be called is not there.
        let problem = match &self.sights[place] {
            Some(Sight::Unknown(problem)) if !problem.is_of_the_name || self.asked[place] != Asked::No => Some(problem),
            _ => None,
        };
        let condition = Condition::new(&Facts {
            is_running: matches!(self.sights[place], Some(Sight::Running)),
            is_unknown: problem.is_some(),
            is_there: found.is_some() || is_source && project.source(target).is_some(),
            asked: self.asked[place],
            failure: project.failure(target),
            is_in_memory: target.made.as_ref().is_some_and(|made| made.stamp == IN_MEMORY),
            is_known: is_source || found.is_some_and(|found| found.stored.provenance.is_known()),
            reasons: self.reasons[place],
            is_outdated: self.because[place] > 0,
        });
        let because = self.because[place].checked_sub(1).map(|place| place as usize);
        let problem = problem.map(|problem| Rc::clone(&problem.reason));
        let (bytes, saved) = found.map_or((0, None), |found| (found.bytes, found.saved));
        Standing { condition, reasons: self.reasons[place], because, problem, bytes, saved }
    }

    /// What lies at a target.
    pub fn found(&self, place: usize) -> Option<Found> {
        match self.sights[place].as_ref()? {
            Sight::Running | Sight::Unknown(_) | Sight::Absent => None,
            Sight::Recorded => self.project.recorded(&self.project.targets[place]),
            Sight::Other(found) => Some(**found),
        }
    }

    /// What lies at a target now: if nothing does, what lay there last. Of a path that was an argument, what lies there:
    /// `None` if no file does any more.
    pub fn content(&self, place: usize, is_source: bool) -> Option<Fingerprint> {
        match (&self.sights[place], is_source) {
            (_, true) => match self.sources.get(&(place as u32)) {
                Some(content) => *content,
                None => self.project.source(&self.project.targets[place]),
            },
            (Some(Sight::Other(found)), false) => Some(found.stored.content),
            (_, false) => Some(self.project.content(place)),
        }
    }

    /// Why what is there is not what its call would give; of what is not there, why it would not be.
    fn reasons(&self, place: usize) -> Reasons {
        let target = &self.project.targets[place];
        let stored = match (&self.sights[place], &target.made) {
            (Some(Sight::Other(found)), _) => found.stored,
            (_, Some(made)) => made.stored,
            (_, None) => return Reasons::default(),
        };
        if !stored.provenance.is_known() {
            return Reasons::default();
        }
        decide(&self.wanted(target), Some(&stored.present()), Stale::Rerun).reasons()
    }

    /// What the target's last call would make it from, as things are now.
    fn wanted(&self, target: &Target) -> Wanted {
        let mut wanted = Wanted::default();
        wanted.provenance.code = self.project.function(target).map_or(Fingerprint::NONE, |function| function.code);
        match target.last.as_ref().filter(|last| last.state.is_success()).and_then(|last| last.now.as_deref()) {
            Some(Now { arguments, inputs, format }) => {
                let now = self.inputs_now(target).filter(|now| *now != Fingerprint::NONE);
                wanted.provenance =
                    Provenance::new(wanted.provenance.code, *arguments, now.unwrap_or(*inputs)).with_format(*format);
            }
            // It takes what it was made from. A file that is gone is another than it was.
            _ => {
                wanted.inputs_change = target.inputs().iter().any(|input| {
                    let now = self.content(input.place as usize, input.is_source);
                    now.is_none_or(|now| differ(input.content, now))
                });
            }
        }
        wanted
    }

    /// The fingerprint of what lies at the inputs of the target's last call, if these are known.
    fn inputs_now(&self, target: &Target) -> Option<Fingerprint> {
        let content = |input: &Input| self.content(input.place as usize, input.is_source);
        target.takes.as_ref()?.iter().map(content).collect::<Option<Vec<_>>>().map(of_inputs)
    }

    /// Has all that was made from something stale know it.
    fn spread(&mut self, looked_at: &[usize]) {
        // What was edited is taken as it is: what was made from it is stale if it was made from something else.
        let is_stale = |place: &usize| !self.reasons[*place].except(Reasons::EDITED).is_empty();
        let mut open: Vec<usize> = looked_at.iter().copied().filter(is_stale).collect();
        if open.is_empty() {
            return;
        }
        open.sort_unstable();
        let mut consumers = vec![Vec::new(); self.project.targets.len()];
        for place in looked_at {
            for input in self.project.targets[*place].inputs() {
                consumers[input.place as usize].push(*place as u32);
            }
        }
        // Those nearest first, so that the reason is the nearest.
        let mut next = 0;
        while let Some(place) = open.get(next).copied() {
            next += 1;
            let because = match self.because[place] {
                0 => place as u32 + 1,
                because => because,
            };
            for consumer in &consumers[place] {
                let consumer = *consumer as usize;
                if self.because[consumer] == 0 {
                    self.because[consumer] = because;
                    open.push(consumer);
                }
            }
        }
    }
}

/// The stamp of what was in memory.
const IN_MEMORY: Stamp = Stamp::new(0);

impl Project {
    /// Looks at a target where it is.
    fn sight(&self, target: &Target, bounds: &mut Bounds<'_>) -> Sight {
        if self.is_running(target) {
            return Sight::Running;
        }
        // What lies at a path that was an argument is another question.
        if target.function.is_none() {
            return Sight::Absent;
        }
        let location = target.location();
        match self.store(target).ask(|store| store.stamp(&location)) {
            Err(problem) => return Sight::Unknown(problem),
            Ok(None) => return Sight::Absent,
            Ok(Some(stamp)) if target.made.as_ref().is_some_and(|made| made.stamp == stamp) => return Sight::Recorded,
            Ok(Some(_)) => {}
        }
        // A journal from elsewhere may name any directory: all that there is on this machine is not read.
        if self.is_file(target) && location.path().is_dir() && bounds.locate(target) != Where::Inside {
            return Sight::Unknown(Problem::new(
                "it is a directory outside the project, and not as the journal has it",
            ));
        }
        // Another than the journal knows: its content decides.
        match self.store(target).ask(|store| store.entry(&location)) {
            Err(problem) => Sight::Unknown(problem),
            Ok(None) => Sight::Absent,
            Ok(Some(entry)) => {
                let there = There::from_entry(&entry);
                let stored = match &target.made {
                    Some(made) => there.stored().succeed(&made.stored),
                    None => there.stored(),
                };
                let saved = Timestamp::try_from(entry.saved).ok();
                Sight::Other(Box::new(Found { stored, stamp: entry.stamp, bytes: entry.bytes, saved }))
            }
        }
    }

    /// What lies at a target, if it is what the journal says.
    pub fn recorded(&self, target: &Target) -> Option<Found> {
        let made = target.made.as_ref()?;
        let saved = Some(self.runs[made.run as usize].moment(made.at + made.elapsed));
        Some(Found { stored: made.stored, stamp: made.stamp, bytes: made.bytes, saved })
    }

    /// What lies at a path that was an argument: `None` if no file does any more.
    fn source(&self, target: &Target) -> Option<Fingerprint> {
        let Some((content, stamp)) = target.source else { return Some(Fingerprint::NONE) };
        let path = target.location();
        let metadata = std::fs::metadata(path.path()).ok().filter(std::fs::Metadata::is_file)?;
        if Stamp::from_metadata(&metadata) == stamp {
            return Some(content);
        }
        Some(journal::fingerprint_source(path.path()).unwrap_or(Fingerprint::NONE))
    }
}

/// Whether both are known, and not the same.
pub fn differ(then: Fingerprint, now: Fingerprint) -> bool {
    then != Fingerprint::NONE && now != Fingerprint::NONE && then != now
}
