//! `pipex gc`.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use pipex_format::journal;
use pipex_format::store::sweep;
use serde::Serialize;

use crate::project::{Project, RunJournal};
use crate::{CommandError, CommandStatus, join_sources, print};

#[derive(Serialize)]
struct GcSummary {
    done: bool,
    files: Vec<PathBuf>,
    journals: usize,
    bytes: u64,
    /// What could not be looked at or removed.
    failed: Vec<String>,
}

pub fn gc(project: &Project, keep: usize, dry_run: bool, json: bool) -> Result<CommandStatus, CommandError> {
    let mut summary = GcSummary { done: !dry_run, files: Vec::new(), journals: 0, bytes: 0, failed: Vec::new() };
    let mut unlisted = 0;
    for directory in find_directories(project) {
        let swept = sweep(&directory, dry_run, &mut |left| match left {
            Ok(left) => {
                summary.bytes += left.bytes;
                summary.files.push(left.path);
            }
            Err(error) => summary.failed.push(join_sources(&error)),
        });
        if let Err(error) = swept {
            summary.failed.push(join_sources(&error));
            unlisted += 1;
        }
    }
    // A journal that says what made something that is there stays; so does one that goes on.
    let needed: BTreeSet<u32> = project
        .targets
        .iter()
        .flat_map(|target| {
            let made = target.made.iter().flat_map(|made| [made.run, made.confirmed_by]);
            made.chain(target.last.iter().map(|last| last.run))
        })
        .collect();
    for (number, run) in project.runs.iter().enumerate().take(project.runs.len().saturating_sub(keep)) {
        if run.is_live || needed.contains(&(number as u32)) || has_begun_since(run) {
            continue;
        }
        let bytes = fs::metadata(&run.path).map_or(0, |metadata| metadata.len());
        let removed = if dry_run { Ok(()) } else { fs::remove_file(&run.path) };
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
    if json {
        print::json(&summary)?;
    } else {
        for path in &summary.files {
            print::line(path.display().to_string())?;
        }
        for failed in &summary.failed {
            print::to_stderr(failed);
        }
        print::line(format!(
            "{} {} and {}, {}",
            if dry_run { "would remove" } else { "removed" },
            print::format_count(summary.files.len(), "temporary file"),
            print::format_count(summary.journals, "journal"),
            print::format_bytes(summary.bytes)
        ))?;
    }
    match summary.failed.len() - unlisted {
        0 => Ok(CommandStatus::attention_if(unlisted > 0 || dry_run && summary.files.len() + summary.journals > 0)),
        count => Err(CommandError::Left { count }),
    }
}

/// Whether it was read between its making and its lock: then it looked like one that has ended, and says nothing yet.
fn has_begun_since(run: &RunJournal) -> bool {
    let is_young = || {
        let made = fs::metadata(&run.path).and_then(|metadata| metadata.modified());
        made.is_ok_and(|made| made.elapsed().is_ok_and(|age| age < Duration::from_secs(60)))
    };
    let may_go_on = run.path.parent().is_some_and(|parent| parent.ends_with("live"));
    may_go_on && (run.head.is_none() && is_young() || journal::is_live(&run.path))
}

/// Where outputs are, and so temporary files.
fn find_directories(project: &Project) -> BTreeSet<PathBuf> {
    let files = project.targets.iter().filter(|target| target.function.is_some() && project.is_file(target));
    let parents = files.filter_map(|target| Path::new(&*target.name).parent());
    parents.map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent }.to_owned()).collect()
}
