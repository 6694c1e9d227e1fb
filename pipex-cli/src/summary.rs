//! What the journals of runs that have ended say together: a file beside them, which is read in their stead as far as they are those
//! that it was made from. It only saves reading them: without it, or where it is damaged or of another version, they are read.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use pipex_format::journal::{Counts, Function, Recorded, UsedHelper, read_summary, write_summary};
use pipex_format::model::fingerprint::Fingerprint;
use pipex_format::model::state::State;
use pipex_format::store::Stamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::project::{FlowHistory, Project, RunJournal, Target};
use crate::reading::{ReadContext, may_go_on};
use crate::values::{RecordedBy, Records};

const FILE: &str = "summary";
const MAGIC: &[u8; 8] = b"pipex\0S\x01";
/// Fewer lines than that are read in no time. What is built to be tested sums up whatever there is.
const WORTH: u64 = if cfg!(debug_assertions) { 1 } else { 20_000 };

/// What stands in the file. What may be of any shape is JSON.
#[derive(Serialize, Deserialize)]
struct Summary<'p> {
    version: Cow<'p, str>,
    /// The journals that are summed up, in their order.
    journals: Vec<SummedJournal>,
    runs: Vec<SummedRun>,
    functions: Vec<String>,
    helpers: HashMap<Fingerprint, Vec<UsedHelper<'static>>>,
    targets: Cow<'p, [Target]>,
    flows: Cow<'p, [FlowHistory]>,
    /// The addresses of stores.
    stores: Vec<String>,
    accepts: Vec<u32>,
    undone: HashSet<String>,
    /// What was recorded: the same values stand here once.
    values: Vec<String>,
    /// What was recorded where the outputs were made that are there, by the numbers of both.
    recorded: Vec<(u32, u32)>,
}

#[derive(PartialEq, Serialize, Deserialize)]
struct SummedJournal {
    name: String,
    stamp: Stamp,
}

#[derive(Serialize, Deserialize)]
struct SummedRun {
    head: Option<String>,
    flow: u32,
    elapsed: Option<f64>,
    state: Option<State>,
    counts: Counts,
    functions: Vec<u32>,
    /// Who has recorded what: the number of the values.
    records: Vec<(RecordedBy, u32)>,
}

impl SummedJournal {
    fn find(path: &Path) -> Option<Self> {
        let name = path.file_name()?.to_str()?.to_owned();
        Some(SummedJournal { name, stamp: Stamp::from_metadata(&path.symlink_metadata().ok()?) })
    }
}

/// How many of these journals, from the first on, can be summed up: what they say is all that they will say.
pub fn count_ended(journals: &[PathBuf]) -> usize {
    journals.iter().take_while(|journal| !may_go_on(journal)).count()
}

/// Has the project know what is summed up of these journals; of how many of them, from the first on, that is.
pub fn read(project: &mut Project, context: &mut ReadContext<'_>, journals: &[PathBuf]) -> usize {
    let summary = read_summary(&project.journal.join(FILE), MAGIC).filter(|summary: &Summary<'static>| {
        let is_there =
            |(journal, path): (&SummedJournal, &PathBuf)| Some(journal) == SummedJournal::find(path).as_ref();
        summary.version == env!("CARGO_PKG_VERSION")
            && summary.journals.len() <= count_ended(journals)
            && summary.journals.iter().zip(journals).all(is_there)
            && summary.is_consistent()
    });
    let Some(summary) = summary else { return 0 };
    let count = summary.journals.len();
    match summary.parse(&journals[..count]) {
        Some(parsed) => parsed.restore(project, context),
        None => return 0,
    }
    count
}

/// Sums up what the project knows from these journals, if that is worth it. Where it cannot be written, they are read the next time, too.
pub fn write(project: &Project, context: &ReadContext<'_>, journals: &[PathBuf], lines: u64) {
    if lines < WORTH {
        return;
    }
    let Some(journals) = journals.iter().map(|path| SummedJournal::find(path)).collect() else { return };
    let mut values = Values::default();
    let runs = project.runs.iter().map(|run| SummedRun {
        head: run.head.as_ref().map(to_json),
        flow: run.flow,
        elapsed: run.elapsed,
        state: run.state,
        counts: run.counts,
        functions: run.functions.clone(),
        records: run.records.iter().map(|records| (records.by.clone(), values.number(&records.values))).collect(),
    });
    let runs = runs.collect();
    let recorded = context.records.iter().map(|(target, recorded)| (*target, values.number(recorded))).collect();
    let summary = Summary {
        version: env!("CARGO_PKG_VERSION").into(),
        journals,
        runs,
        functions: project.functions.iter().map(to_json).collect(),
        helpers: project.helpers.clone(),
        targets: project.targets[..].into(),
        flows: project.flows[..].into(),
        stores: project.stores.iter().map(|store| store.address.clone()).collect(),
        accepts: project.accepts.clone(),
        undone: project.undone.clone(),
        values: values.all,
        recorded,
    };
    let _ = write_summary(&project.journal.join(FILE), MAGIC, &summary);
}

/// Values that were recorded, by their place in memory.
#[derive(Default)]
struct Values {
    all: Vec<String>,
    numbers: HashMap<usize, u32>,
}

impl Values {
    fn number(&mut self, values: &Rc<[Recorded<'static>]>) -> u32 {
        *self.numbers.entry(Rc::as_ptr(values).addr()).or_insert_with(|| {
            self.all.push(to_json(values.as_ref()));
            self.all.len() as u32 - 1
        })
    }
}

fn to_json<T: Serialize + ?Sized>(value: &T) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn from_json<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_str(text).ok()
}

impl Summary<'static> {
    /// Whether all that it refers to is there: it may have come along from anywhere.
    fn is_consistent(&self) -> bool {
        let is_run = |run: u32| (run as usize) < self.runs.len();
        let is_function = |function: &u32| (*function as usize) < self.functions.len();
        let is_target = |target: u32| (target as usize) < self.targets.len();
        let are_values = |values: u32| (values as usize) < self.values.len();
        let is_whole = |target: &Target| {
            let inputs = target.inputs().iter().chain(target.takes.iter().flatten());
            (target.store as usize) < self.stores.len()
                && target.function.as_ref().is_none_or(is_function)
                && target.made.as_ref().is_none_or(|made| is_run(made.run) && is_run(made.confirmed_by))
                && target.last.as_ref().is_none_or(|last| is_run(last.run))
                && inputs.map(|input| input.index).all(is_target)
        };
        let is_record = |(by, values): &(RecordedBy, u32)| {
            are_values(*values) && !matches!(by, RecordedBy::Target(target) if !is_target(*target))
        };
        let is_of_known = |run: &SummedRun| {
            (run.flow as usize) < self.flows.len()
                && run.functions.iter().all(is_function)
                && run.records.iter().all(is_record)
        };
        let flows = self.flows.iter();
        self.runs.len() == self.journals.len()
            && self.stores.first().is_some_and(String::is_empty)
            && self.targets.iter().all(is_whole)
            && self.runs.iter().all(is_of_known)
            && !self.flows.is_empty()
            && flows.clone().all(|flow| flow.last_runs.len() <= self.targets.len())
            && flows.flat_map(|flow| &flow.last_runs).all(|run| *run == 0 || is_run(*run - 1))
            && self.accepts.iter().copied().all(is_run)
            && self.recorded.iter().all(|(target, values)| is_target(*target) && are_values(*values))
    }

    /// What is JSON in it; `None` if that cannot be read.
    fn parse(self, journals: &[PathBuf]) -> Option<Parsed> {
        let values: Vec<Rc<[Recorded<'static>]>> =
            self.values.iter().map(|values| from_json::<Vec<_>>(values).map(Rc::from)).collect::<Option<_>>()?;
        let run = |(run, path): (&SummedRun, &PathBuf)| {
            let head = match &run.head {
                Some(head) => Some(from_json(head)?),
                None => None,
            };
            let records = run.records.iter();
            let records = records.map(|(by, number)| (by.clone(), Rc::clone(&values[*number as usize])));
            Some(RunJournal {
                flow: run.flow,
                elapsed: run.elapsed,
                state: run.state,
                counts: run.counts,
                functions: run.functions.clone(),
                records: records.map(|(by, values)| Records { by, values }).collect(),
                ..RunJournal::with_head(path.clone(), head)
            })
        };
        let runs = self.runs.iter().zip(journals).map(run).collect::<Option<_>>()?;
        let functions = self.functions.iter().map(|function| from_json(function)).collect::<Option<_>>()?;
        Some(Parsed { summary: self, runs, functions, values })
    }
}

struct Parsed {
    summary: Summary<'static>,
    runs: Vec<RunJournal>,
    functions: Vec<Function<'static>>,
    values: Vec<Rc<[Recorded<'static>]>>,
}

impl Parsed {
    fn restore(self, project: &mut Project, context: &mut ReadContext<'_>) {
        let Parsed { summary, runs, functions, values } = self;
        for (number, function) in functions.iter().enumerate() {
            let key = (function.module.clone().into_owned(), function.name.clone().into_owned());
            context.by_name.insert(key, number as u32);
        }
        let recorded = summary.recorded.iter();
        context.records = recorded.map(|(target, number)| (*target, Rc::clone(&values[*number as usize]))).collect();
        (project.runs, project.functions, project.helpers) = (runs, functions, summary.helpers);
        (project.targets, project.flows) = (summary.targets.into_owned(), summary.flows.into_owned());
        (project.accepts, project.undone) = (summary.accepts, summary.undone);
        for address in summary.stores.into_iter().skip(1) {
            project.add_store(address, context);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use pipex_format::journal;

    use super::*;

    /// What is summed up of `tests/fixtures/seen`.
    fn summary() -> Summary<'static> {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/seen/journal/runs");
        let home = tempfile::tempdir().unwrap();
        let journal = home.path().join(".pipex");
        fs::create_dir_all(journal.join("runs")).unwrap();
        for run in fs::read_dir(fixture).unwrap().map(Result::unwrap) {
            fs::copy(run.path(), journal.join("runs").join(run.file_name())).unwrap();
        }
        Project::read(&journal, home.path().to_owned(), &|_| None).unwrap();
        let summary: Summary<'static> = read_summary(&journal.join(FILE), MAGIC).unwrap();
        assert_eq!(summary.journals.len(), journal::runs(&journal).unwrap().len());
        summary
    }

    /// The checksum is no proof: a project that is copied brings its summary along.
    #[test]
    fn what_refers_to_what_is_not_there_is_refused() {
        assert!(summary().is_consistent());
        let far = 1_000_000;
        let changes: [fn(&mut Summary<'static>, u32); 12] = [
            |summary, far| summary.targets.to_mut()[0].store = far,
            |summary, far| summary.targets.to_mut()[0].function = Some(far),
            |summary, far| {
                summary.targets.to_mut().iter_mut().for_each(|it| it.made.iter_mut().for_each(|made| made.run = far))
            },
            |summary, far| {
                summary.targets.to_mut().iter_mut().for_each(|it| it.last.iter_mut().for_each(|last| last.run = far))
            },
            |summary, far| {
                let made = summary.targets.to_mut().iter_mut().flat_map(|target| &mut target.made);
                made.flat_map(|made| &mut made.inputs).for_each(|input| input.index = far);
            },
            |summary, far| summary.flows.to_mut()[1].last_runs[0] = far,
            |summary, far| summary.flows.to_mut()[1].last_runs.resize(far as usize, 0),
            |summary, far| summary.runs[0].flow = far,
            |summary, far| summary.runs[0].functions.push(far),
            |summary, far| summary.runs[0].records.push((RecordedBy::Flow, far)),
            |summary, far| summary.accepts.push(far),
            |summary, far| summary.recorded.push((0, far)),
        ];
        for (number, change) in changes.into_iter().enumerate() {
            let mut changed = summary();
            change(&mut changed, far);
            assert!(!changed.is_consistent(), "{number}");
        }
    }
}
