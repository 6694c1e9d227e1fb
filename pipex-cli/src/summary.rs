//! What the journals of runs that have ended say together: a file beside them, which is read in their stead as far as they are those
//! that it was made from. It only saves reading them: without it, or where it is damaged or of another version, they are read.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use pipex_format::journal::{Counts, Function, Recorded, SummaryReader, SummaryWriter, UsedHelper};
use pipex_format::model::fingerprint::Fingerprint;
use pipex_format::model::state::State;
use pipex_format::store::Stamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::part::Part;
use crate::project::{FlowHistory, Project, RunJournal};
use crate::reading::{ReadContext, may_go_on};
use crate::targets::{Common, Targets};
use crate::values::{RecordedBy, Records};

const FILE: &str = "summary";
const MAGIC: &[u8; 8] = b"pipex\0S\x02";
/// Fewer lines than that are read in no time. What is built to be tested sums up whatever there is.
const WORTH: u64 = if cfg!(debug_assertions) { 1 } else { 20_000 };
/// How many targets are in memory twice, when they are read or written. What is built to be tested has many parts.
const PART: usize = if cfg!(debug_assertions) { 3 } else { 16_384 };

/// The first value in the file: what it was made from.
#[derive(Serialize, Deserialize)]
struct Basis<'p> {
    version: Cow<'p, str>,
    /// The journals that are summed up, in their order.
    journals: Vec<SummedJournal>,
}

/// The second: all but the targets, which follow in parts, and then their numbers in the order of their names. What may be of any
/// shape is JSON.
#[derive(Serialize, Deserialize)]
struct Summary<'p> {
    runs: Vec<SummedRun>,
    functions: Vec<String>,
    helpers: HashMap<Fingerprint, Vec<UsedHelper<'static>>>,
    flows: Cow<'p, [FlowHistory]>,
    /// The addresses of stores.
    stores: Vec<String>,
    accepts: Vec<u32>,
    undone: HashSet<String>,
    /// What was recorded: the same values stand here once.
    values: Vec<String>,
    /// What was recorded where the outputs were made that are there, by the numbers of both.
    recorded: Vec<(u32, u32)>,
    /// What many targets have in common.
    commons: Cow<'p, [Common]>,
    /// How many targets there are.
    targets: u32,
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
    let Some(parsed) = Parsed::read(&project.journal, journals) else { return 0 };
    let count = parsed.runs.len();
    parsed.restore(project, context);
    count
}

/// Sums up what the project knows from these journals, if that is worth it. Where it cannot be written, they are read the next time, too.
pub fn write(project: &Project, context: &ReadContext<'_>, journals: &[PathBuf], lines: u64) {
    if lines < WORTH {
        return;
    }
    let Some(journals) = journals.iter().map(|path| SummedJournal::find(path)).collect() else { return };
    let basis = Basis { version: env!("CARGO_PKG_VERSION").into(), journals };
    let _ = Summary::new(project, context).write(&project.journal, &basis, &project.targets);
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

impl<'p> Summary<'p> {
    fn new(project: &'p Project, context: &ReadContext<'_>) -> Self {
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
        Summary {
            runs,
            functions: project.functions.iter().map(to_json).collect(),
            helpers: project.helpers.clone(),
            flows: project.flows[..].into(),
            stores: project.stores.iter().map(|store| store.address.clone()).collect(),
            accepts: project.accepts.clone(),
            undone: project.undone.clone(),
            values: values.all,
            recorded,
            commons: project.targets.commons[..].into(),
            targets: project.targets.len() as u32,
        }
    }

    fn write(&self, journal: &Path, basis: &Basis<'_>, targets: &Targets) -> io::Result<()> {
        let mut file = SummaryWriter::create(&journal.join(FILE), MAGIC)?;
        file.add(basis)?;
        file.add(self)?;
        for start in (0..targets.len()).step_by(PART) {
            file.add(&targets.part(start..targets.len().min(start + PART)))?;
        }
        file.add(&targets.names.sorted())?;
        file.finish()
    }

    /// Whether all that it refers to is there, with so many runs: it may have come along from anywhere.
    fn is_consistent(&self, runs: usize) -> bool {
        let is_run = |run: u32| (run as usize) < self.runs.len();
        let is_function = |function: &u32| (*function as usize) < self.functions.len();
        let is_target = |target: u32| target < self.targets;
        let are_values = |values: u32| (values as usize) < self.values.len();
        let is_whole = |common: &Common| {
            (common.store as usize) < self.stores.len()
                && common.function.as_ref().is_none_or(is_function)
                && common.made.is_none_or(|made| is_run(made.run) && is_run(made.confirmed_by))
                && common.last.is_none_or(|last| is_run(last.run))
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
        self.runs.len() == runs
            && self.stores.first().is_some_and(String::is_empty)
            && self.commons.iter().all(is_whole)
            && self.runs.iter().all(is_of_known)
            && !self.flows.is_empty()
            && flows.clone().all(|flow| flow.last_runs.len() <= self.targets as usize)
            && flows.flat_map(|flow| &flow.last_runs).all(|run| *run == 0 || is_run(*run - 1))
            && self.accepts.iter().copied().all(is_run)
            && self.recorded.iter().all(|(target, values)| is_target(*target) && are_values(*values))
    }
}

struct Parsed {
    summary: Summary<'static>,
    runs: Vec<RunJournal>,
    functions: Vec<Function<'static>>,
    values: Vec<Rc<[Recorded<'static>]>>,
    targets: Targets,
}

impl Parsed {
    /// The summary in this directory, if it is whole and one of the first of these journals.
    fn read(directory: &Path, journals: &[PathBuf]) -> Option<Self> {
        let mut file = SummaryReader::open(&directory.join(FILE), MAGIC)?;
        let basis: Basis<'static> = file.read()?;
        let is_there =
            |(journal, path): (&SummedJournal, &PathBuf)| Some(journal) == SummedJournal::find(path).as_ref();
        let are_there = basis.version == env!("CARGO_PKG_VERSION")
            && basis.journals.len() <= count_ended(journals)
            && basis.journals.iter().zip(journals).all(is_there);
        if !are_there {
            return None;
        }
        let mut summary: Summary<'static> = file.read()?;
        if !summary.is_consistent(basis.journals.len()) {
            return None;
        }
        let mut targets = Targets::with_commons(std::mem::take(&mut summary.commons).into_owned());
        let count = summary.targets as usize;
        while targets.len() < count {
            targets.append(file.read::<Part>()?, count)?;
        }
        let is_sorted = targets.names.set_sorted(file.read()?);
        if !(is_sorted && file.is_whole()) {
            return None;
        }
        Parsed::new(summary, targets, journals)
    }

    /// With what is JSON in it; `None` if that cannot be read.
    fn new(summary: Summary<'static>, targets: Targets, journals: &[PathBuf]) -> Option<Self> {
        let values: Vec<Rc<[Recorded<'static>]>> =
            summary.values.iter().map(|values| from_json::<Vec<_>>(values).map(Rc::from)).collect::<Option<_>>()?;
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
        let runs = summary.runs.iter().zip(journals).map(run).collect::<Option<_>>()?;
        let functions = summary.functions.iter().map(|function| from_json(function)).collect::<Option<_>>()?;
        Some(Parsed { summary, runs, functions, values, targets })
    }

    fn restore(self, project: &mut Project, context: &mut ReadContext<'_>) {
        let Parsed { summary, runs, functions, values, targets } = self;
        for (number, function) in functions.iter().enumerate() {
            let key = (function.module.clone().into_owned(), function.name.clone().into_owned());
            context.by_name.insert(key, number as u32);
        }
        let recorded = summary.recorded.iter();
        context.records = recorded.map(|(target, number)| (*target, Rc::clone(&values[*number as usize]))).collect();
        (project.runs, project.functions, project.helpers) = (runs, functions, summary.helpers);
        (project.targets, project.flows) = (targets, summary.flows.into_owned());
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

    /// What is summed up of `tests/fixtures/seen`, in a directory of its own.
    struct Fixture {
        journal: PathBuf,
        journals: Vec<PathBuf>,
        _home: tempfile::TempDir,
    }

    impl Fixture {
        fn new() -> Self {
            let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/seen/journal/runs");
            let home = tempfile::tempdir().unwrap();
            let journal = home.path().join(".pipex");
            fs::create_dir_all(journal.join("runs")).unwrap();
            for run in fs::read_dir(fixture).unwrap().map(Result::unwrap) {
                fs::copy(run.path(), journal.join("runs").join(run.file_name())).unwrap();
            }
            Project::read(&journal, home.path().to_owned(), &|_| None).unwrap();
            let journals = journal::runs(&journal).unwrap();
            Fixture { journal, journals, _home: home }
        }

        /// Whether the summary with this change is read.
        fn is_read_with(&self, change: impl FnOnce(&mut Summary<'static>, &mut Targets, &mut Vec<u32>)) -> bool {
            let path = self.journal.join(FILE);
            let before = fs::read(&path).unwrap();
            let mut file = SummaryReader::open(&path, MAGIC).unwrap();
            let (basis, mut summary): (Basis<'static>, Summary<'static>) = (file.read().unwrap(), file.read().unwrap());
            let mut parsed = Parsed::read(&self.journal, &self.journals).unwrap();
            let mut sorted = parsed.targets.names.sorted().to_vec();
            change(&mut summary, &mut parsed.targets, &mut sorted);
            let mut file = SummaryWriter::create(&path, MAGIC).unwrap();
            file.add(&basis).unwrap();
            file.add(&summary).unwrap();
            file.add(&parsed.targets.part(0..parsed.targets.len())).unwrap();
            file.add(&sorted).unwrap();
            file.finish().unwrap();
            let is_read = Parsed::read(&self.journal, &self.journals).is_some();
            fs::write(path, before).unwrap();
            is_read
        }
    }

    /// The checksum is no proof: a project that is copied brings its summary along.
    #[test]
    fn what_refers_to_what_is_not_there_is_refused() {
        const FAR: u32 = 1_000_000;
        let fixture = Fixture::new();
        assert!(fixture.is_read_with(|_, _, _| ()));
        let changes: [fn(&mut Summary<'static>, &mut Targets, &mut Vec<u32>); 17] = [
            |summary, _, _| summary.commons.to_mut()[0].store = FAR,
            |summary, _, _| summary.commons.to_mut()[0].function = Some(FAR),
            |summary, _, _| {
                summary.commons.to_mut().iter_mut().flat_map(|common| &mut common.made).for_each(|made| made.run = FAR);
            },
            |summary, _, _| {
                summary.commons.to_mut().iter_mut().flat_map(|common| &mut common.last).for_each(|last| last.run = FAR);
            },
            |summary, _, _| summary.flows.to_mut()[1].last_runs[0] = FAR,
            |summary, _, _| summary.flows.to_mut()[1].last_runs.resize(FAR as usize, 0),
            |summary, _, _| summary.runs[0].flow = FAR,
            |summary, _, _| summary.runs[0].functions.push(FAR),
            |summary, _, _| summary.runs[0].records.push((RecordedBy::Flow, FAR)),
            |summary, _, _| summary.accepts.push(FAR),
            |summary, _, _| summary.recorded.push((0, FAR)),
            |summary, _, _| summary.targets += 1,
            |summary, _, _| summary.targets -= 1,
            |_, targets, _| targets.rows[0].common = FAR,
            |_, targets, _| targets.inputs.iter_mut().for_each(|input| input.index = FAR),
            |_, _, sorted| sorted[0] = FAR,
            |_, _, sorted| sorted[0] = sorted[1],
        ];
        for (number, change) in changes.into_iter().enumerate() {
            assert!(!fixture.is_read_with(change), "{number}");
        }
    }
}
