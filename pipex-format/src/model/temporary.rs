//! The names of pipex's temporary files: all that may stand beside a target and is none.
//!
//! Each follows from the target's file name, so that who makes the target next, and `pipex gc`, find what a killed process
//! left; and all but the claim's from the number of the claim's inode as well, so that no two processes use the same.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::fingerprint::fingerprint_bytes;

const CLAIM: &str = ".pipex-tmp";
const DRAFT: &str = ".pipex-draft";
const OLD: &str = ".pipex-old";

/// What file systems allow.
const LONGEST_NAME: usize = 255;
/// The digits of the largest inode number.
const INODE_DIGITS: usize = 20;

/// The file by which a target is claimed: `.NAME.pipex-tmp`.
pub(crate) fn claim(target: &Path) -> PathBuf {
    beside(target, &[".", &key(target), CLAIM])
}

/// The name that a claim's file has to itself: `.NAME.pipex-tmp-INODE`.
pub(crate) fn own(claim: &Path, inode: u64) -> PathBuf {
    let mut own = claim.as_os_str().to_owned();
    own.push(format!("-{inode}"));
    own.into()
}

/// What a function writes that saves its own output: `.NAME.pipex-draft-INODE.EXTENSION`, since libraries go by extensions.
pub(crate) fn draft(target: &Path, inode: u64) -> PathBuf {
    let draft = format!(".{}{DRAFT}-{inode}", key(target));
    let extension = target.extension().and_then(OsStr::to_str);
    match extension.filter(|extension| draft.len() + 1 + extension.len() <= LONGEST_NAME) {
        Some(extension) => beside(target, &[&draft, ".", extension]),
        None => beside(target, &[&draft]),
    }
}

/// Where a directory goes that is replaced or removed: `.NAME.pipex-old-INODE`.
pub(crate) fn old(target: &Path, inode: u64) -> PathBuf {
    beside(target, &[&format!(".{}{OLD}-{inode}", key(target))])
}

/// The file in the target's directory whose name has these parts.
fn beside(target: &Path, name: &[&str]) -> PathBuf {
    match split(target) {
        Some((directory, _)) => [&[directory, "/"], name].concat().concat().into(),
        None => target.with_file_name(name.concat()),
    }
}

/// The target's directory and its file name, where the text shows them: to take a path apart and put it together takes ten times
/// as long.
fn split(target: &Path) -> Option<(&str, &str)> {
    target.to_str()?.rsplit_once('/').filter(|(_, name)| !matches!(*name, "" | "." | ".."))
}

/// The target's file name; its fingerprint if a draft's name would be too long with it.
fn key(target: &Path) -> Cow<'_, str> {
    let name = split(target).map_or_else(|| target.file_name().unwrap_or_default(), |(_, name)| OsStr::new(name));
    match name.to_str().filter(|name| draft_length(name) <= LONGEST_NAME) {
        Some(name) => name.into(),
        None => fingerprint_bytes(name.as_encoded_bytes()).to_string().into(),
    }
}

/// How long the name of a draft may be, which is the longest.
fn draft_length(name: &str) -> usize {
    let extension = name.rfind('.').filter(|dot| *dot > 0).map_or(0, |dot| name.len() - dot);
    1 + name.len() + DRAFT.len() + 1 + INODE_DIGITS + extension
}

/// The name of the target to whose claim a temporary file belongs, or a name that has the same claim; `None` if it is no
/// temporary file.
pub(crate) fn claimed_target(name: &str) -> Option<String> {
    let name = name.strip_prefix('.')?;
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    for marker in [CLAIM, OLD] {
        let Some((target, rest)) = name.rsplit_once(marker) else { continue };
        let is_temporary = rest.is_empty() || rest.strip_prefix('-').is_some_and(is_number);
        return (is_temporary && !target.is_empty()).then(|| target.to_owned());
    }
    let (target, rest) = name.rsplit_once(DRAFT).filter(|(target, _)| !target.is_empty())?;
    let (numbers, extension) = rest.split_once('.').map_or((rest, None), |(numbers, rest)| (numbers, Some(rest)));
    if numbers.strip_prefix('-').is_some_and(is_number) {
        return Some(target.to_owned());
    }
    // As drafts were once named: `.STEM.pipex-draft.EXTENSION`, or `.STEM.pipex-draft-PROCESS-NUMBER.EXTENSION`.
    let is_older = numbers.is_empty() || numbers[1..].split('-').all(is_number);
    is_older.then(|| extension.map_or(target.to_owned(), |extension| format!("{target}.{extension}")))
}

/// Whether a part of a target's path, or one of its parts, could be taken for a temporary file.
pub(crate) fn is_reserved(part: &str) -> bool {
    part.contains(".pipex-") && [CLAIM, DRAFT, OLD].iter().any(|marker| part.contains(marker))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_leads_back_to_its_claim_and_none_is_too_long() {
        for length in 1..=LONGEST_NAME {
            for end in ["", ".svg", ".tar.gz", ".pipex", &format!(".{}", "e".repeat(200))] {
                let name = format!("{}{end}", "n".repeat(length));
                let target = Path::new("out").join(&name);
                let claim = claim(&target);
                for temporary in [claim.clone(), own(&claim, u64::MAX), draft(&target, 7), old(&target, u64::MAX)] {
                    let temporary = temporary.file_name().unwrap().to_str().unwrap();
                    assert!(temporary.len() <= LONGEST_NAME, "{temporary}");
                    let back = Path::new("out").join(claimed_target(temporary).unwrap());
                    assert_eq!(super::claim(&back), claim, "{temporary}");
                    assert!(is_reserved(temporary));
                }
                assert_eq!(claimed_target(&name), None);
            }
        }
    }

    #[test]
    fn drafts_as_they_were_once_named_are_known() {
        for (draft, target) in [
            (".x.pipex-draft", "x"),
            (".x.pipex-draft.svg", "x.svg"),
            (".x.pipex-draft-12-3.svg", "x.svg"),
            (".x.pipex-old", "x"),
        ] {
            assert_eq!(claimed_target(draft).as_deref(), Some(target));
        }
        for none in
            ["x.pipex-tmp", ".pipex-tmp", ".x.pipex-tmp-", ".x.pipex-tmp-1a", ".x.pipex-draft-a.svg", ".x.pipex-drafts"]
        {
            assert_eq!(claimed_target(none), None, "{none}");
        }
    }
}
