//! How a file that is whole gets its target's name: the very file that this process has open, whatever its name means now.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Seek as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::claim_file::{ClaimFile, remove_whatever, unless_ending, unless_missing};
use crate::model::temporary;

/// How a file is given a name of its own, which nobody else uses: then it can be renamed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Way {
    /// The open file is linked: on Linux, where `/proc` is mounted. A target that is missing it gets at once.
    OpenFile,
    /// The claim's name is linked, and then it is looked at what that was.
    Path,
    /// It is copied: on file systems where a file has one name only.
    Copy,
}

impl Way {
    pub(super) const ALL: &[Way] = &[Way::OpenFile, Way::Path, Way::Copy];
}

impl ClaimFile {
    /// Gives the file, which is whole, the target's name, in the first of these ways that can be had; what is there is
    /// replaced. The file that is there now; `None` if the claim is lost, and then nothing has changed.
    pub(super) fn put_in_place(&self, target: &Path, durable: bool, ways: &[Way]) -> io::Result<Option<Metadata>> {
        let metadata = self.file.metadata()?;
        if ways.contains(&Way::OpenFile) {
            match link_open_file(&self.file, target) {
                Ok(()) => return Ok(Some(metadata)),
                Err(error) if error.kind() == io::ErrorKind::NotFound && self.file.metadata()?.nlink() == 0 => {
                    return Ok(None);
                }
                // Something is there; what else may be wrong, the other ways say.
                Err(_) => {}
            }
        }
        // What another has made, who could claim the target since this claim was lost, is not replaced.
        if !self.is_held()? {
            return Ok(None);
        }
        let own = temporary::own(&self.path, self.identity.inode);
        // Of an earlier file with this number: nobody who lives uses it, since this one's lock is ours.
        fs::remove_file(&own).or_else(unless_missing)?;
        self.has_beside(own.clone());
        let Some(metadata) = self.name(&own, durable, ways)? else { return Ok(None) };
        match fs::rename(&own, target) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(&own).is_err() => Ok(None),
            renamed => renamed.map(|()| Some(metadata)),
        }
    }

    /// Gives the file a name that nobody else uses; `None` if the claim is lost.
    fn name(&self, own: &Path, durable: bool, ways: &[Way]) -> io::Result<Option<Metadata>> {
        let mut refused = io::Error::from(io::ErrorKind::Unsupported);
        for way in ways {
            let named = match way {
                Way::OpenFile => link_open_file(&self.file, own).and_then(|()| self.file.metadata()),
                Way::Path => match fs::hard_link(&self.path, own) {
                    Ok(()) if !self.identity.is_at(own)? => return Ok(None),
                    linked => linked.and_then(|()| self.file.metadata()),
                },
                Way::Copy => self.copy(own, durable),
            };
            match named {
                Ok(metadata) => return Ok(Some(metadata)),
                Err(_) if !self.is_held()? => return Ok(None),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    fn copy(&self, own: &Path, durable: bool) -> io::Result<Metadata> {
        let mut copy = OpenOptions::new().write(true).create_new(true).open(own)?;
        let mut file = &self.file;
        file.rewind()?;
        io::copy(&mut file, &mut copy)?;
        if durable {
            copy.sync_all()?;
        }
        copy.metadata()
    }

    /// Renames what a function wrote to its draft to the target; `false` if the claim is lost: then so may be the draft.
    pub(super) fn put_draft_in_place(&self, draft: &Path, target: &Path) -> io::Result<bool> {
        let _not_ending = unless_ending();
        if !self.is_held()? {
            return Ok(false);
        }
        match fs::rename(draft, target) {
            // A directory is there, which no other can be renamed over: it goes first.
            Err(error) if matches!(error.kind(), io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists) => {
                let old = temporary::old(target, self.identity.inode);
                remove_whatever(&old)?;
                fs::rename(target, &old)?;
                self.has_beside(old);
                fs::rename(draft, target)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && fs::symlink_metadata(draft).is_err() => {
                return Ok(false);
            }
            renamed => renamed?,
        }
        Ok(true)
    }
}

/// Links the very file that is open, and nothing that has its name by now.
#[cfg(target_os = "linux")]
fn link_open_file(file: &File, to: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{AtFlags, CWD};

    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    Ok(rustix::fs::linkat(CWD, open, CWD, to, AtFlags::SYMLINK_FOLLOW)?)
}

#[cfg(not(target_os = "linux"))]
fn link_open_file(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
