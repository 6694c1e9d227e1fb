//! Claims, step by step: what another process does between two system calls of this one is done here in its place.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::claim_file::Way;
use super::claim_file::{ClaimFile, OpenedClaim};
use super::{FileStore, Leftover, Store, StoreError, sweep};
use crate::model::target::Location;
use crate::model::temporary;

/// A target in a directory of its own.
struct Place {
    dir: TempDir,
    target: PathBuf,
    claim: PathBuf,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let target = dir.path().join("x.bin");
        Place { claim: temporary::claim(&target), target, dir }
    }

    fn claimed(&self) -> ClaimFile {
        ClaimFile::try_now(&self.claim, &self.target).unwrap().expect("nobody else holds it")
    }

    /// A claim whose file has this.
    fn written(&self, text: &str) -> ClaimFile {
        let mut claimed = self.claimed();
        claimed.file.write_all(text.as_bytes()).unwrap();
        claimed
    }

    fn text(&self) -> String {
        fs::read_to_string(&self.target).unwrap()
    }

    /// All names that there are.
    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.dir.path()).unwrap().map(|entry| entry.unwrap().file_name());
        let mut names: Vec<_> = names.map(|name| name.into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn swept(&self) -> Vec<String> {
        let mut swept = Vec::new();
        sweep(self.dir.path(), false, &mut |left| {
            swept.push(match left {
                Ok(Leftover { path, .. }) => path.file_name().unwrap().to_str().unwrap().to_owned(),
                Err(error) => error.to_string(),
            });
        })
        .unwrap();
        swept.sort();
        swept
    }
}

const WAYS: [&[Way]; 3] = [Way::ALL, &[Way::Path, Way::Copy], &[Way::Copy]];

#[test]
fn whoever_opened_a_claim_that_ended_removes_no_other() {
    let place = Place::new();
    let first = place.claimed();
    let gc = OpenedClaim::open(&place.claim).unwrap();
    drop(first);
    let mut second = place.written("second");
    assert!(gc.try_lock().unwrap(), "the lock of a file that has no name any more is to be had");
    assert!(gc.hold(&place.target).unwrap().is_none());
    assert!(ClaimFile::try_now(&place.claim, &place.target).unwrap().is_none(), "the second still holds it");
    assert!(second.put_in_place(&place.target, false, Way::ALL).unwrap().is_some());
    drop(second);
    assert_eq!((place.names(), place.text()), (vec!["x.bin".to_owned()], "second".to_owned()));
}

#[test]
fn a_claim_that_was_removed_before_it_was_locked_is_none() {
    let place = Place::new();
    let opened = OpenedClaim::open(&place.claim).unwrap();
    fs::remove_file(&place.claim).unwrap();
    let other = place.claimed();
    assert!(opened.try_lock().unwrap() && opened.hold(&place.target).unwrap().is_none());
    assert!(other.is_held().unwrap());
}

/// Its file has two names, as if the claim's were one of them: another's claim is lost, and no output.
#[test]
fn a_claim_that_was_moved_has_its_output_in_place() {
    let place = Place::new();
    let mut moved = place.written("moved");
    fs::rename(&place.claim, place.target.with_file_name("elsewhere")).unwrap();
    let mut other = place.written("other");
    assert!(moved.put_in_place(&place.target, false, Way::ALL).unwrap().is_some());
    drop(moved);
    assert!(other.put_in_place(&place.target, false, Way::ALL).unwrap().is_none(), "another has made it");
    drop(other);
    assert_eq!((place.names(), place.text()), (vec!["elsewhere".to_owned(), "x.bin".to_owned()], "moved".to_owned()));
}

#[test]
fn a_file_gets_its_place_in_each_way() {
    for ways in WAYS {
        for durable in [false, true] {
            let place = Place::new();
            for text in ["first", "second"] {
                let mut claimed = place.written(text);
                let metadata = claimed.put_in_place(&place.target, durable, ways).unwrap().unwrap();
                drop(claimed);
                assert_eq!((place.names(), place.text()), (vec!["x.bin".to_owned()], text.to_owned()), "{ways:?}");
                assert_eq!(
                    super::Stamp::from_metadata(&metadata),
                    super::Stamp::from_metadata(&fs::metadata(&place.target).unwrap())
                );
            }
        }
    }
}

#[test]
fn a_claim_that_was_removed_changes_nothing() {
    for ways in WAYS {
        let place = Place::new();
        for before in [None, Some("before")] {
            if let Some(before) = before {
                fs::write(&place.target, before).unwrap();
            }
            let mut lost = place.written("lost");
            fs::remove_file(&place.claim).unwrap();
            assert!(!lost.is_held().unwrap());
            assert!(lost.put_in_place(&place.target, false, ways).unwrap().is_none(), "{ways:?}");
            drop(lost);
            assert_eq!(fs::read_to_string(&place.target).ok().as_deref(), before, "{ways:?}");
        }
        assert_eq!(place.names(), ["x.bin"]);
    }
}

#[test]
fn a_claim_that_another_has_by_now_stays_the_others() {
    for ways in WAYS {
        let place = Place::new();
        let mut lost = place.written("lost");
        fs::remove_file(&place.claim).unwrap();
        let mut other = place.written("other");
        assert!(lost.put_in_place(&place.target, false, ways).unwrap().is_none(), "{ways:?}");
        drop(lost);
        assert!(other.is_held().unwrap() && !place.target.exists());
        assert!(other.put_in_place(&place.target, false, ways).unwrap().is_some(), "{ways:?}");
        drop(other);
        assert_eq!((place.names(), place.text()), (vec!["x.bin".to_owned()], "other".to_owned()));
    }
}

#[test]
fn a_claim_whose_file_was_moved_replaces_nothing() {
    for ways in WAYS {
        let place = Place::new();
        fs::write(&place.target, "made since").unwrap();
        let mut lost = place.written("lost");
        fs::rename(&place.claim, place.dir.path().join("moved")).unwrap();
        assert!(lost.put_in_place(&place.target, false, ways).unwrap().is_none());
        drop(lost);
        assert_eq!(
            (place.names(), place.text()),
            (vec!["moved".to_owned(), "x.bin".to_owned()], "made since".to_owned())
        );
    }
}

#[test]
fn a_claim_that_is_also_a_targets_name_is_never_written_to() {
    let place = Place::new();
    let killed = || {
        fs::write(&place.target, "whole").unwrap();
        fs::hard_link(&place.target, &place.claim).unwrap();
    };
    killed();
    let next = place.written("next");
    assert_eq!(place.text(), "whole");
    drop(next);
    assert_eq!(place.names(), ["x.bin"]);
    killed();
    assert_eq!(place.swept(), [".x.bin.pipex-tmp"]);
    assert_eq!((place.names(), place.text()), (vec!["x.bin".to_owned()], "whole".to_owned()));

    // Whoever only looks whether the target is there cleans up, too.
    fs::remove_file(&place.target).unwrap();
    fs::write(&place.target, "w".repeat(200)).unwrap();
    fs::hard_link(&place.target, &place.claim).unwrap();
    let target = Location::new(place.target.to_str().unwrap());
    assert!(Store::<u8>::exists(&FileStore::new(), &target).unwrap());
    assert_eq!(place.names(), ["x.bin"]);
    // The name of a claim that is held is not touched.
    let holder = place.claimed();
    fs::hard_link(&place.target, place.dir.path().join("another name of it")).unwrap();
    assert!(Store::<u8>::exists(&FileStore::new(), &target).unwrap());
    assert!(holder.is_held().unwrap());
}

#[test]
fn what_a_killed_holder_left_goes_with_its_claim() {
    use std::os::unix::fs::MetadataExt as _;

    for payload in ["", "half"] {
        let place = Place::new();
        fs::write(&place.claim, payload).unwrap();
        let inode = fs::metadata(&place.claim).unwrap().ino();
        fs::write(temporary::own(&place.claim, inode), "copied in part").unwrap();
        fs::create_dir(temporary::draft(&place.target, inode)).unwrap();
        fs::write(temporary::draft(&place.target, inode).join("part"), "").unwrap();
        fs::create_dir(temporary::old(&place.target, inode)).unwrap();
        let claimed = place.claimed();
        assert_eq!(place.names(), [".x.bin.pipex-tmp"]);
        assert_eq!(claimed.file.metadata().unwrap().len(), 0);
    }
}

#[test]
fn sweeping_takes_what_nobody_holds_and_nothing_else() {
    let place = Place::new();
    let write = |name: &str| fs::write(place.dir.path().join(name), "").unwrap();
    let left = [".x.bin.pipex-draft-7.bin", ".x.bin.pipex-old-8", ".x.bin.pipex-tmp", ".x.bin.pipex-tmp-9"];
    left.iter().for_each(|name| write(name));
    let older = [".y.pipex-draft-12-3.svg", ".y.pipex-old"];
    older.iter().for_each(|name| write(name));
    let kept = [".hidden", ".z.pipex-tmp~", "x.bin", "y.pipex-draft"];
    kept.iter().for_each(|name| write(name));

    let holder = place.claimed();
    assert_eq!(place.swept(), older, "the claim on x.bin is held");
    drop(holder);
    write(left[2]);
    let mut would = Vec::new();
    sweep(place.dir.path(), true, &mut |left| would.push(left.unwrap().path)).unwrap();
    assert_eq!(would.len(), left.len());
    assert_eq!(place.names().len(), left.len() + kept.len(), "it only said so");
    assert_eq!(place.swept(), left);
    assert_eq!(place.names(), kept);
    assert_eq!(place.swept(), [""; 0]);
}

/// A function that goes on when nobody waits for it writes its own draft, and holds up nobody.
#[test]
fn a_draft_stays_its_writers_own_when_the_claim_has_gone() {
    let place = Place::new();
    let first = place.claimed();
    let (inode, draft) = (first.identity.inode, temporary::draft(&place.target, first.identity.inode));
    let mut waiting = OpenedClaim::open(&place.claim).unwrap();
    let open = first.file.try_clone().unwrap();
    drop(first);
    waiting.lock().unwrap();
    let next = place.claimed();
    assert_ne!(next.identity.inode, inode);
    assert_ne!(temporary::draft(&place.target, next.identity.inode), draft);
    drop(open);
}

#[test]
fn what_is_no_file_is_told_and_left_where_it_is() {
    let make: [(_, fn(&Path)); 4] = [
        ("a symbolic link", |path| symlink("nowhere", path).unwrap()),
        ("a symbolic link", |path| symlink("/dev/zero", path).unwrap()),
        ("a FIFO", make_fifo),
        ("a directory", |path| fs::create_dir(path).unwrap()),
    ];
    for (kind, make) in make {
        let place = Place::new();
        make(&place.claim);
        let told = |error: StoreError| {
            let error = error.to_string();
            assert!(error.contains(place.claim.to_str().unwrap()) && error.contains(kind), "{error}");
        };
        told(ClaimFile::try_now(&place.claim, &place.target).unwrap_err());
        told(ClaimFile::wait(&place.claim, &place.target).unwrap_err());
        let swept = place.swept();
        assert!(swept.len() == 1 && swept[0].contains(kind), "{swept:?}");
        assert_eq!(place.names(), [".x.bin.pipex-tmp"]);
    }
}

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}
