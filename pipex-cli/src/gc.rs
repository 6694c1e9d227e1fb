//! `pipex gc`.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use pipex::Location;
use serde::Serialize;

use crate::project::Project;
use crate::{Error, Outcome, print};

#[derive(Serialize)]
struct Done {
    done: bool,
    files: Vec<PathBuf>,
    journals: usize,
    bytes: u64,
}

pub fn gc(project: &Project, keep: usize, dry_run: bool, json: bool) -> Result<Outcome, Error> {
    let mut done = Done { done: !dry_run, files: Vec::new(), journals: 0, bytes: 0 };
    for directory in directories(project) {
        let entries = match fs::read_dir(&directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => {
                print::aside(format!("cannot look into {}: {error}", directory.display()));
                continue;
            }
            Ok(entries) => entries,
        };
        for entry in entries {
            let path = entry?.path();
            let Some(claim) = claim_of(&path) else { continue };
            // Held while it goes, so that nobody takes it meanwhile for one that stays.
            let lock = File::open(&claim).ok();
            if lock.as_ref().is_some_and(|file| file.try_lock().is_err()) {
                continue;
            }
            let metadata = fs::symlink_metadata(&path)?;
            if !dry_run {
                if metadata.is_dir() { fs::remove_dir_all(&path)? } else { fs::remove_file(&path)? }
            }
            done.bytes += metadata.len();
            done.files.push(path);
        }
    }
    // A journal that says what made something that is there stays; so does one that goes on.
    let needed: BTreeSet<u32> = project
        .targets
        .iter()
        .flat_map(|target| {
            let made = target.made.iter().flat_map(|made| [made.run, made.told]);
            made.chain(target.last.iter().map(|last| last.run))
        })
        .collect();
    for (number, run) in project.runs.iter().enumerate().take(project.runs.len().saturating_sub(keep)) {
        if run.is_live || needed.contains(&(number as u32)) {
            continue;
        }
        done.bytes += fs::metadata(&run.path).map_or(0, |metadata| metadata.len());
        done.journals += 1;
        if !dry_run {
            fs::remove_file(&run.path).map_err(|source| Error::Write { path: run.path.clone(), source })?;
        }
    }
    let outcome = Outcome::amiss(dry_run && done.files.len() + done.journals > 0);
    if json {
        print::json(&done)?;
        return Ok(outcome);
    }
    for path in &done.files {
        print::line(path.display().to_string())?;
    }
    print::line(format!(
        "{} {} and {}, {}",
        if dry_run { "would remove" } else { "removed" },
        print::count(done.files.len(), "temporary file"),
        print::count(done.journals, "journal"),
        print::bytes(done.bytes)
    ))?;
    Ok(outcome)
}

/// Where outputs are, and so temporary files.
fn directories(project: &Project) -> BTreeSet<PathBuf> {
    let files = project.targets.iter().filter(|target| target.function.is_some() && project.address(target).is_empty());
    let parents = files.filter_map(|target| Path::new(&*target.name).parent());
    parents.map(|parent| if parent.as_os_str().is_empty() { Path::new(".") } else { parent }.to_owned()).collect()
}

/// The file that is locked while this temporary file is in use; `None` if it is no temporary file.
fn claim_of(path: &Path) -> Option<PathBuf> {
    let name = path.file_name()?.to_str()?.strip_prefix('.')?;
    if name.ends_with(".pipex-tmp") {
        return Some(path.to_owned());
    }
    if let Some(target) = name.strip_suffix(".pipex-old") {
        return Some(Location::new(path.with_file_name(target).to_str()?).sibling());
    }
    let (stem, rest) = name.split_once(".pipex-draft")?;
    let extension = rest.split_once('.').map(|(_, extension)| format!(".{extension}")).unwrap_or_default();
    Some(Location::new(path.with_file_name(format!("{stem}{extension}")).to_str()?).sibling())
}
