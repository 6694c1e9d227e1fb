//! Files that have no name until they are whole: then they are linked to it, which the kernel does at once or not at all. What is
//! killed leaves nothing. On Linux; elsewhere there are none.

use std::fs::File;
use std::io;
use std::path::Path;

/// An empty file in the directory of this path, which is made if it is missing; `None` where there are none such.
#[cfg(target_os = "linux")]
pub(super) fn create_beside(path: &Path) -> Option<File> {
    use std::fs::{OpenOptions, create_dir_all};
    use std::os::unix::fs::OpenOptionsExt as _;

    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let flags = rustix::fs::OFlags::TMPFILE.bits() as i32;
    let open = || OpenOptions::new().read(true).write(true).custom_flags(flags).open(directory);
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            create_dir_all(directory).ok()?;
            open().ok()
        }
        opened => opened.ok(),
    }
}

/// Links the very file that is open, and nothing that has its name by now. What has the name `to` is not replaced.
#[cfg(target_os = "linux")]
pub(super) fn link(file: &File, to: &Path) -> io::Result<()> {
    use std::os::fd::AsRawFd as _;

    use rustix::fs::{AtFlags, CWD, linkat};
    use rustix::io::Errno;

    // Whoever has opened it may, since Linux 6.10; before, that took a privilege.
    match linkat(file, "", CWD, to, AtFlags::EMPTY_PATH) {
        Err(error) if error != Errno::EXIST => {
            let open = format!("/proc/self/fd/{}", file.as_raw_fd());
            Ok(linkat(CWD, open, CWD, to, AtFlags::SYMLINK_FOLLOW)?)
        }
        linked => Ok(linked?),
    }
}

#[cfg(not(target_os = "linux"))]
pub(super) fn create_beside(_: &Path) -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
pub(super) fn link(_: &File, _: &Path) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
