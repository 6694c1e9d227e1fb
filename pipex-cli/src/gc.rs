//! `pipex gc`.

use std::collections::{BTreeSet, HashSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytesize::ByteSize;
use jiff::Timestamp;
use pipex_format::environment::setting;
use pipex_format::journal;
use pipex_format::store::{Leftover, Shared, StoreError, sweep};
use serde::{Serialize, Serializer};

use crate::budget::{BudgetPlan, Candidate, Policy};
use crate::project::{Project, RunJournal};
use crate::reading::may_go_on;
use crate::targets::Target;
use crate::{CommandError, CommandStatus, Confirmation, join_sources, print};

/// What is kept.
#[derive(Debug, clap::Args)]
pub struct GcOptions {
    /// A number: keep the journals of so many runs, the last ones [default: 50]. A size, such as 50GB: remove outputs that can be
    /// made again until no more than that are left. Both: say it twice
    #[arg(long, value_name = "RUNS|SIZE", value_parser = parse_keep)]
    keep: Vec<Keep>,
    /// Which outputs go first
    #[arg(long, value_enum, default_value_t)]
    policy: Policy,
    /// Also those that the next run makes again, since their calls are not lazy; after all others
    #[arg(long)]
    eager: bool,
    /// Only say what would go
    #[arg(long)]
    dry_run: bool,
}

#[derive(Debug, Clone, Copy)]
enum Keep {
    Runs(usize),
    Bytes(u64),
}

fn parse_keep(text: &str) -> Result<Keep, String> {
    if let Ok(runs) = text.parse() {
        return Ok(Keep::Runs(runs));
    }
    let is_size = text.ends_with(['b', 'B']);
    let size = text.parse::<ByteSize>().ok().filter(|_| is_size);
    size.map(|size| Keep::Bytes(size.as_u64()))
        .ok_or_else(|| "write a number of runs, or a size such as 50GB".to_owned())
}

impl GcOptions {
    fn runs(&self) -> usize {
        let runs = |keep: &Keep| if let Keep::Runs(runs) = keep { Some(*runs) } else { None };
        self.keep.iter().rev().find_map(runs).unwrap_or(50)
    }

    fn bytes(&self) -> Option<u64> {
        self.keep.iter().rev().find_map(|keep| if let Keep::Bytes(bytes) = keep { Some(*bytes) } else { None })
    }
}

#[derive(Serialize)]
struct GcSummary<'p> {
    done: bool,
    files: Vec<PathBuf>,
    journals: usize,
    bytes: u64,
    /// What could not be looked at or removed.
    failed: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<BudgetSummary<'p>>,
}

#[derive(Serialize)]
struct BudgetSummary<'p> {
    /// Whether the outputs are removed.
    done: bool,
    keep: u64,
    /// The bytes of all outputs, of those that go, and by how much what stays is more than that.
    total: u64,
    freed: u64,
    over: u64,
    #[serde(rename = "outputs", serialize_with = "serialize_outputs")]
    plan: BudgetPlan<'p>,
    left: Vec<LeftSummary<'p>>,
}

#[derive(Serialize)]
struct OutputSummary<'p> {
    targets: Vec<&'p str>,
    bytes: u64,
    seconds: f64,
    used: Timestamp,
    /// The next run makes it again.
    is_asked_for: bool,
}

/// Outputs that may not go.
#[derive(Serialize)]
struct LeftSummary<'p> {
    why: &'p str,
    outputs: usize,
    bytes: u64,
    example: &'p str,
}

pub fn gc(
    project: &Project,
    options: &GcOptions,
    confirmation: Confirmation,
    json: bool,
) -> Result<CommandStatus, CommandError> {
    let dry_run = options.dry_run;
    let (mut files, mut failed, mut bytes, mut met) = (Vec::new(), Vec::new(), 0, HashSet::new());
    let mut each = |left: Result<Leftover, StoreError>| match left {
        // What this machine has of a bucket is looked at with each of its directories.
        Ok(left) if dry_run && !met.insert(left.path.clone()) => {}
        Ok(left) => {
            bytes += left.bytes;
            files.push(left.path);
        }
        Err(error) => failed.push(join_sources(&error)),
    };
    let mut sweep = |directory: PathBuf| sweep(&directory, dry_run, &mut each);
    let mut errors: Vec<String> = find_directories(project)
        .into_iter()
        .filter_map(|it| sweep(it).err())
        .map(|error| join_sources(&error))
        .collect();
    match setting("PIPEX_SHARED", Shared::EXPECTED, Shared::parse) {
        Ok(shared) => {
            let swept = shared.map_or(Ok(()), |shared| shared.sweep(dry_run, &mut each));
            errors.extend(swept.err().map(|error| join_sources(&error)));
        }
        Err(error) => errors.push(join_sources(&error)),
    }
    let unlisted = errors.len();
    failed.extend(errors);
    let mut summary = GcSummary { done: !dry_run, files, journals: 0, bytes, failed, budget: None };
    remove_journals(project, options, &mut summary);
    if !json {
        summary.print()?;
    }
    let budget = options.bytes().map(|keep| keep_within(project, keep, options, confirmation, json));
    let (budget, ended) = match budget {
        Some(Ok((budget, ended))) => (Some(budget), Some(ended)),
        Some(Err(error)) => return Err(error),
        None => (None, None),
    };
    summary.budget = budget;
    if json {
        print::json(&summary)?;
    }
    let would_go = dry_run && summary.files.len() + summary.journals > 0;
    match (summary.failed.len() - unlisted, ended) {
        (1.., None | Some(Ok(_))) => Err(CommandError::Left { count: summary.failed.len() - unlisted }),
        (_, Some(Err(error))) => Err(error),
        (_, Some(Ok(CommandStatus::NeedsAttention))) => Ok(CommandStatus::NeedsAttention),
        (_, _) => Ok(CommandStatus::attention_if(unlisted > 0 || would_go)),
    }
}

/// Removes the journals of old runs that nothing refers to.
fn remove_journals(project: &Project, options: &GcOptions, summary: &mut GcSummary<'_>) {
    // A journal that says what made something that is there stays; so does one that goes on.
    let needed: BTreeSet<u32> = project
        .targets
        .iter()
        .flat_map(|target| {
            let made = target.made().into_iter().flat_map(|made| [made.run, made.confirmed_by]);
            made.chain(target.last().into_iter().map(|last| last.run))
        })
        .collect();
    for (number, run) in project.runs.iter().enumerate().take(project.runs.len().saturating_sub(options.runs())) {
        if run.is_live || needed.contains(&(number as u32)) || has_begun_since(run) {
            continue;
        }
        let bytes = fs::metadata(&run.path).map_or(0, |metadata| metadata.len());
        let removed = if options.dry_run { Ok(()) } else { fs::remove_file(&run.path) };
        match removed {
            Ok(()) => {
                summary.bytes += bytes;
                summary.journals += 1;
            }
            // Gone is done.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(source) => summary.failed.push(join_sources(&CommandError::Remove { path: run.path.clone(), source })),
        }
    }
}

impl GcSummary<'_> {
    fn print(&self) -> Result<(), CommandError> {
        for path in &self.files {
            print::line(path.display().to_string())?;
        }
        for failed in &self.failed {
            print::to_stderr(failed);
        }
        print::line(format!(
            "{} {} and {}, {}",
            if self.done { "removed" } else { "would remove" },
            print::format_count(self.files.len(), "temporary file"),
            print::format_count(self.journals, "journal"),
            print::format_bytes(self.bytes)
        ))?;
        Ok(())
    }
}

/// Removes outputs until no more bytes than that stay, and says before what goes; and how it ended.
fn keep_within<'p>(
    project: &'p Project,
    keep: u64,
    options: &GcOptions,
    confirmation: Confirmation,
    json: bool,
) -> Result<(BudgetSummary<'p>, Result<CommandStatus, CommandError>), CommandError> {
    let mut summary = BudgetSummary::new(project, BudgetPlan::new(project, keep, options.policy, options.eager), keep);
    if !json {
        print_plan(project, &summary.plan, keep, options.dry_run)?;
    }
    let over = summary.over;
    let met = || if over > 0 { Err(CommandError::OverBudget { over, keep }) } else { Ok(CommandStatus::Clean) };
    if summary.plan.removed.is_empty() {
        return Ok((summary, met()));
    }
    if options.dry_run {
        return Ok((summary, met().map(|_| CommandStatus::NeedsAttention)));
    }
    if !confirmation.confirm("Remove?")? {
        return Ok((summary, Ok(CommandStatus::NeedsAttention)));
    }
    // Between the look and the answer to a question there may be hours.
    if has_begun_run(project) {
        return Err(CommandError::Begun);
    }
    let left = project.remove_outputs(summary.plan.outputs());
    summary.done = true;
    if !json {
        let count = summary.plan.outputs().count();
        print::line(format!("removed {}", print::format_count(count - left.len(), "output")))?;
    }
    let ended = if left.is_empty() { met() } else { Err(CommandError::NotRemoved { count: left.len() }) };
    Ok((summary, ended))
}

/// Whether a run goes on that had not begun when the journals were read.
fn has_begun_run(project: &Project) -> bool {
    let known: HashSet<_> = project.runs.iter().map(|run| run.path.file_name()).collect();
    let runs = journal::runs(&project.journal).unwrap_or_default();
    runs.iter().any(|path| !known.contains(&path.file_name()) && journal::is_live(path))
}

impl<'p> BudgetSummary<'p> {
    fn new(project: &'p Project, plan: BudgetPlan<'p>, keep: u64) -> Self {
        let left = plan.left.iter();
        let left = left.map(|(why, (outputs, bytes, example))| LeftSummary {
            why,
            outputs: *outputs,
            bytes: *bytes,
            example: project.targets.get(*example as usize).name(),
        });
        let (left, over) = (left.collect(), plan.over(keep));
        BudgetSummary { done: false, keep, total: plan.total, freed: plan.freed, over, plan, left }
    }
}

/// As it is written: there may be a million.
fn serialize_outputs<S: Serializer>(plan: &BudgetPlan<'_>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(plan.removed.iter().map(|candidate| {
        let Candidate { bytes, seconds, used, is_asked_for, .. } = *candidate;
        let targets = plan.targets_of(candidate).map(Target::name).collect();
        OutputSummary { targets, bytes, seconds, used, is_asked_for }
    }))
}

/// Says what is to go and why, and, if that is not enough, what stands against it.
fn print_plan(project: &Project, plan: &BudgetPlan, keep: u64, dry_run: bool) -> Result<(), CommandError> {
    for candidate in &plan.removed {
        let names = plan.targets_of(candidate).map(|target| project.format_target(target));
        print::line(format!(
            "{}: {}, used {}, took {}; {}",
            names.collect::<Vec<_>>().join(" and "),
            print::format_bytes(candidate.bytes),
            print::format_age(candidate.used),
            print::format_seconds(candidate.seconds),
            if candidate.is_asked_for {
                "the next run makes it again"
            } else {
                "made again only if something needs it"
            }
        ))?;
    }
    let outputs = print::format_count(plan.outputs().count(), "output");
    let what = if dry_run { "would remove" } else { "to remove:" };
    let [freed, total, stay] = [plan.freed, plan.total, plan.stay()].map(print::format_bytes);
    print::line(format!("{what} {outputs}, {freed} of {total}; {stay} stay"))?;
    if plan.over(keep) > 0 {
        let mut left: Vec<_> = plan.left.iter().collect();
        left.sort_by_key(|(_, (_, bytes, _))| std::cmp::Reverse(*bytes));
        for (why, (count, bytes, example)) in left {
            let outputs = print::format_count(*count, "output");
            let example = project.format_target(project.targets.get(*example as usize));
            print::line(format!("stays: {outputs}, {}, such as {example}: {why}", print::format_bytes(*bytes)))?;
        }
    }
    Ok(())
}

/// Whether it was read between its making and its lock: then it looked like one that has ended, and says nothing yet.
fn has_begun_since(run: &RunJournal) -> bool {
    let is_young = || {
        let made = fs::metadata(&run.path).and_then(|metadata| metadata.modified());
        made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age < Duration::from_secs(60)))
    };
    may_go_on(&run.path) && (run.head.is_none() && is_young() || journal::is_live(&run.path))
}

/// Where outputs are, and so temporary files.
fn find_directories(project: &Project) -> BTreeSet<PathBuf> {
    let mut directories = BTreeSet::new();
    let files = project.targets.iter().filter(|target| target.function().is_some() && project.is_file(*target));
    for parent in files.filter_map(|target| Path::new(target.name()).parent()) {
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        // There are few, of which each would be copied for each of its files.
        if !directories.contains(parent) {
            directories.insert(parent.to_owned());
        }
    }
    directories
}
