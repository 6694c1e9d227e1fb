//! How outputs stand: what the journals say of them, and what is there.

use std::collections::HashMap;
use std::num::NonZero;
use std::rc::Rc;
use std::thread;

use jiff::Timestamp;
use pipex_format::journal::{self, Provenance, Stored, There, Wanted, decide, fingerprint_inputs};
use pipex_format::model::fingerprint::Fingerprint;
use pipex_format::model::provenance::Reasons;
use pipex_format::model::stale::Stale;
use pipex_format::store::{Files, Listing as _, Stamp};

use crate::condition::{Condition, Demand, Facts};
use crate::consumers::Consumers;
use crate::paths::{Bounds, Zone};
use crate::project::{Problem, Project};
use crate::target::{CallFingerprints, InputEdge};
use crate::targets::Target;

/// What was found when outputs were looked at, and all that they were made from.
pub struct Survey<'p> {
    pub(super) project: &'p Project,
    demands: Vec<Demand>,
    /// What lies at paths that were arguments, as [`Project::fingerprint_source`] has it.
    sources: HashMap<u32, Option<Option<Fingerprint>>>,
    /// What is where outputs should be.
    presences: Vec<Presence>,
    /// Of those that are another than the journal says, and of those that cannot be looked at.
    others: HashMap<usize, FoundOutput>,
    problems: HashMap<usize, Problem>,
    /// Why what is there, or was, is not what its call would give.
    reasons: Vec<Reasons>,
    /// Something stale that it was made from, however far up: the target's number and one, 0 if there is none. Empty if nothing is.
    because: Vec<u32>,
}

/// What is where an output should be. There is one of these for each target.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Presence {
    /// It was not looked at.
    NotKnown,
    Running,
    /// It cannot be looked at.
    Unknown,
    Absent,
    /// What the journal says.
    Recorded,
    /// Something else than the journal says.
    Other,
}

/// What lies at a target.
#[derive(Debug, Clone, Copy)]
pub struct FoundOutput {
    pub stored: Stored,
    pub stamp: Stamp,
    pub bytes: u64,
    /// When it was saved.
    pub saved: Option<Timestamp>,
}

impl FoundOutput {
    /// The same for the journal, where this is known of it.
    pub fn known_as(&self, stored: Stored) -> There {
        There::new(stored.content, self.stamp, self.bytes).known_as(stored)
    }
}

/// How an output stands.
pub struct OutputStatus {
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
    pub fn inspect(project: &'p Project, indices: impl IntoIterator<Item = usize>) -> Self {
        let count = project.targets.len();
        let mut survey = Survey {
            project,
            demands: project.find_demands(),
            sources: HashMap::new(),
            presences: vec![Presence::NotKnown; count],
            others: HashMap::new(),
            problems: HashMap::new(),
            reasons: vec![Reasons::default(); count],
            because: Vec::new(),
        };
        let mut bounds = Bounds::new(project);
        let mut open: Vec<u32> = indices.into_iter().map(|index| index as u32).collect();
        let looked = project.look_at_files(&open);
        let mut inspected = Vec::new();
        while let Some(index) = open.pop() {
            let (number, index) = (index, index as usize);
            if survey.presences[index] != Presence::NotKnown {
                continue;
            }
            inspected.push(number);
            survey.presences[index] = match looked.get(index) {
                None | Some(Presence::NotKnown) => survey.look_at(index, &mut bounds),
                Some(presence) => *presence,
            };
            for input in project.targets.get(index).inputs() {
                open.push(input.index);
                if input.is_source {
                    let source = || project.fingerprint_source(project.targets.get(input.index as usize));
                    survey.sources.entry(input.index).or_insert_with(source);
                }
            }
        }
        let inspected = inspected.iter().map(|index| *index as usize);
        for index in inspected.clone() {
            survey.reasons[index] = survey.find_reasons(index);
        }
        survey.mark_outdated(inspected.clone());
        for index in inspected {
            // It was said that its inputs will be others when they have been made, which they have not yet.
            let said = project
                .targets
                .get(index)
                .last()
                .is_some_and(|last| last.stale.inputs && last.now.is_some_and(|now| now.inputs.is_none()));
            survey.reasons[index].inputs |= said && survey.because(index).is_some();
        }
        survey
    }

    /// How a target stands that was looked at.
    pub fn status(&self, index: usize) -> OutputStatus {
        let (project, target) = (self.project, self.project.targets.get(index));
        let found = self.found(index);
        let is_source = target.function().is_none();
        // What no file can be called is not there.
        let problem = self.problems.get(&index);
        let problem = problem.filter(|problem| !problem.is_of_the_name || self.demands[index] != Demand::None);
        let because = self.because(index);
        let condition = Condition::new(&Facts {
            is_running: self.presences[index] == Presence::Running,
            is_unknown: problem.is_some(),
            is_there: found.is_some() || is_source && project.fingerprint_source(target).is_some(),
            demand: self.demands[index],
            failure: project.find_failure(target),
            is_in_memory: target.stamp() == Some(IN_MEMORY),
            is_known: is_source || found.is_some_and(|found| found.stored.provenance.is_known()),
            reasons: self.reasons[index],
            is_outdated: because.is_some(),
        });
        let problem = problem.map(|problem| Rc::clone(&problem.reason));
        let (bytes, saved) = found.map_or((0, None), |found| (found.bytes, found.saved));
        OutputStatus { condition, reasons: self.reasons[index], because, problem, bytes, saved }
    }

    /// Something stale that it was made from, however far up.
    fn because(&self, index: usize) -> Option<usize> {
        Some(self.because.get(index)?.checked_sub(1)? as usize)
    }

    /// Whether the last complete runs of flows asked for it.
    pub fn demand(&self, index: usize) -> Demand {
        self.demands[index]
    }

    /// What lies at a target.
    pub fn found(&self, index: usize) -> Option<FoundOutput> {
        match self.presences[index] {
            Presence::Recorded => self.project.find_recorded(self.project.targets.get(index)),
            Presence::Other => self.others.get(&index).copied(),
            _ => None,
        }
    }

    /// What lies at a target now, `Some(None)` if it is not known: if nothing does, what lay there last. Of a path that was an
    /// argument, what lies there: `None` if no file does any more.
    pub fn current_content(&self, index: usize, is_source: bool) -> Option<Option<Fingerprint>> {
        match (is_source, self.presences[index]) {
            (true, _) => match self.sources.get(&(index as u32)) {
                Some(content) => *content,
                None => self.project.fingerprint_source(self.project.targets.get(index)),
            },
            (false, Presence::Other) => Some(self.others[&index].stored.content),
            (false, _) => Some(self.project.recorded_content(index)),
        }
    }

    /// Why what is there is not what its call would give; of what is not there, why it would not be.
    fn find_reasons(&self, index: usize) -> Reasons {
        let target = self.project.targets.get(index);
        let stored = match (self.presences[index], target.made()) {
            (Presence::Other, _) => self.others[&index].stored,
            (_, Some(made)) => made.stored,
            (_, None) => return Reasons::default(),
        };
        if !stored.provenance.is_known() {
            return Reasons::default();
        }
        decide(&self.build_wanted(target), Some(&stored.present()), Stale::Rerun).reasons()
    }

    /// What the target's last call would make it from, as things are now.
    fn build_wanted(&self, target: Target<'_>) -> Wanted {
        let mut wanted = Wanted::default();
        wanted.provenance.code = self.project.function(target).map(|function| function.code);
        match target.last().filter(|last| last.state.is_success()).and_then(|last| last.now) {
            Some(CallFingerprints { arguments, inputs, format }) => {
                let now = self.fingerprint_inputs(target);
                wanted.provenance =
                    Provenance::new(wanted.provenance.code, arguments, now.or(inputs)).with_format(format);
            }
            // It takes what it was made from. A file that is gone is another than it was.
            _ => {
                wanted.inputs_change = target.inputs().iter().any(|input| {
                    let now = self.current_content(input.index as usize, input.is_source);
                    now.is_none_or(|now| differ(input.content, now))
                });
            }
        }
        wanted
    }

    /// The fingerprint of what lies at the inputs of the target's last call, if these are known.
    fn fingerprint_inputs(&self, target: Target<'_>) -> Option<Fingerprint> {
        let content = |input: &InputEdge| self.current_content(input.index as usize, input.is_source);
        target.takes_others()?.iter().map(content).collect::<Option<Vec<_>>>().and_then(fingerprint_inputs)
    }

    /// Has all that was made from something stale know it.
    fn mark_outdated(&mut self, inspected: impl Iterator<Item = usize> + Clone) {
        // What was edited is taken as it is: what was made from it is stale if it was made from something else.
        let is_stale = |index: &usize| !self.reasons[*index].except(Reasons::EDITED).is_empty();
        let mut open: Vec<u32> = inspected.clone().filter(is_stale).map(|index| index as u32).collect();
        if open.is_empty() {
            return;
        }
        open.sort_unstable();
        let targets = &self.project.targets;
        let consumers = Consumers::new(targets, inspected, Target::inputs);
        self.because = vec![0; targets.len()];
        // Those nearest first, so that the reason is the nearest.
        let mut next = 0;
        while let Some(index) = open.get(next).copied() {
            next += 1;
            let because = match self.because[index as usize] {
                0 => index + 1,
                because => because,
            };
            for consumer in consumers.of(index as usize) {
                if self.because[*consumer as usize] == 0 {
                    self.because[*consumer as usize] = because;
                    open.push(*consumer);
                }
            }
        }
    }

    /// Looks at a target where it is.
    fn look_at(&mut self, index: usize, bounds: &mut Bounds<'_>) -> Presence {
        let (project, target) = (self.project, self.project.targets.get(index));
        if project.is_running(target) {
            return Presence::Running;
        }
        // What lies at a path that was an argument is another question.
        if target.function().is_none() {
            return Presence::Absent;
        }
        let location = target.location();
        let mut unknown = |problem| {
            self.problems.insert(index, problem);
            Presence::Unknown
        };
        match project.store(target).query(|store| store.stamp(&location)) {
            Err(problem) => return unknown(problem),
            Ok(None) => return Presence::Absent,
            Ok(stamp) if stamp == target.stamp() => return Presence::Recorded,
            Ok(Some(_)) => {}
        }
        // A journal from elsewhere may name any directory: all that there is on this machine is not read.
        if project.is_file(target) && location.path().is_dir() && bounds.find_zone(target) != Zone::Inside {
            return unknown(Problem::new("it is a directory outside the project, and not as the journal has it"));
        }
        // Another than the journal knows: its content decides.
        match project.store(target).query(|store| store.entry(&location)) {
            Err(problem) => unknown(problem),
            Ok(None) => Presence::Absent,
            Ok(Some(entry)) => {
                let there = There::from_entry(&entry);
                let stored = match target.made() {
                    Some(made) => there.stored().succeed(&made.stored),
                    None => there.stored(),
                };
                let saved = Timestamp::try_from(entry.saved).ok();
                self.others.insert(index, FoundOutput { stored, stamp: entry.stamp, bytes: entry.bytes, saved });
                Presence::Other
            }
        }
    }
}

/// The stamp of what was in memory.
const IN_MEMORY: Stamp = Stamp::new(0);

impl Project {
    /// What lies at these, as far as they are files and as the journal has them, by their numbers. Where they are many it is looked
    /// side by side: the time passes in the system.
    fn look_at_files(&self, indices: &[u32]) -> Vec<Presence> {
        const MANY: usize = 4_000;
        let threads = thread::available_parallelism().map_or(1, NonZero::get).min(8);
        if indices.len() < MANY || threads == 1 {
            return Vec::new();
        }
        let is_file =
            |target: Target<'_>| target.function().is_some() && self.is_file(target) && !self.is_running(target);
        let files: Vec<u32> =
            indices.iter().copied().filter(|index| is_file(self.targets.get(*index as usize))).collect();
        let targets = &self.targets;
        let look = |part: &[u32]| -> Vec<Presence> {
            let look = |target: Target<'_>| match Files.stamp(&target.location()) {
                Ok(None) => Presence::Absent,
                Ok(stamp) if stamp == target.stamp() => Presence::Recorded,
                // It takes more than that, and is looked at later.
                _ => Presence::NotKnown,
            };
            part.iter().map(|index| look(targets.get(*index as usize))).collect()
        };
        let mut all = vec![Presence::NotKnown; targets.len()];
        let parts: Vec<_> = files.chunks(files.len() / threads + 1).collect();
        thread::scope(|scope| {
            let looking: Vec<_> = parts.iter().map(|part| scope.spawn(|| look(part))).collect();
            for (part, looking) in parts.iter().zip(looking) {
                // What has not been looked at is looked at later.
                let looked = looking.join().unwrap_or_default();
                part.iter().zip(looked).for_each(|(index, looked)| all[*index as usize] = looked);
            }
        });
        all
    }

    /// What lies at a target, if it is what the journal says.
    pub fn find_recorded(&self, target: Target<'_>) -> Option<FoundOutput> {
        let made = target.made()?;
        let saved = Some(self.runs[made.run as usize].moment_at(made.at + made.elapsed));
        Some(FoundOutput { stored: made.stored, stamp: made.stamp, bytes: made.bytes, saved })
    }

    /// What lies at a path that was an argument, `Some(None)` if it is not known: `None` if no file does any more.
    fn fingerprint_source(&self, target: Target<'_>) -> Option<Option<Fingerprint>> {
        let Some((content, stamp)) = target.source() else { return Some(None) };
        let path = target.location();
        let metadata = std::fs::metadata(path.path()).ok().filter(std::fs::Metadata::is_file)?;
        if Stamp::from_metadata(&metadata) == stamp {
            return Some(Some(content));
        }
        Some(journal::fingerprint_source(path.path()).ok())
    }
}

/// Whether both are known, and not the same.
pub fn differ(then: Option<Fingerprint>, now: Option<Fingerprint>) -> bool {
    then.zip(now).is_some_and(|(then, now)| then != now)
}
