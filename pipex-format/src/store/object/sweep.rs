//! What killed processes left in a bucket goes: their leases, and the parts of what they were writing.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::bucket::take_as_it_is;
use super::holder::{Holder, Lock, seconds};
use super::lease::{Lease, Other, get};
use super::place::Object;
use super::upload::domain;
use crate::model::temporary;
use crate::store::claim_file::{ClaimFile, OpenedClaim};
use crate::store::error::StoreError;
use crate::store::stamp::Stamp;

/// Silence of so many times a lease's time is that of the dead, whatever the clocks of server and machine say.
const TIMES: u32 = 100;

impl Object {
    /// Removes the leases in this directory, or in all below it, whose holders have gone, with the parts that they say, and says which they are and how large:
    /// of this machine's processes those that have not the lock any more, of others those that nobody has renewed for long. With `dry_run`
    /// it only says so.
    pub(in crate::store) fn sweep(
        &self,
        is_deep: bool,
        dry_run: bool,
        each: &mut dyn FnMut(Result<(PathBuf, u64), StoreError>),
    ) -> Result<(), StoreError> {
        let (bucket, directory) = (&self.bucket, self.path.as_ref());
        let oldest = SystemTime::now() - Duration::from_secs(seconds()?) * TIMES;
        for (path, seen) in bucket.list(directory)? {
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
            let target = temporary::claimed_target(name).filter(|_| is_deep || parent == directory);
            let Some(target) = target else { continue };
            let name: Arc<str> = format!("{}/{path}", bucket.name).into();
            let bytes = seen.bytes;
            let lease = Object { bucket: Arc::clone(bucket), path: take_as_it_is(&path), name: Arc::clone(&name) };
            match lease.sweep_lease(&target, (seen.saved <= oldest).then_some(seen.stamp), dry_run) {
                Ok(true) => each(Ok((PathBuf::from(&*name), bytes))),
                Ok(false) => {}
                Err(error) => each(Err(error)),
            }
        }
        Ok(())
    }

    /// Whether this lease goes, or would, which is one of `target` if it does not say of which. It is `old` if nobody has renewed it for
    /// long.
    fn sweep_lease(&self, target: &str, old: Option<Stamp>, dry_run: bool) -> Result<bool, StoreError> {
        let lease = self.clone();
        let found = self.bucket.wait(async move { get(&lease).await })?.map_err(|error| self.refused("read", error))?;
        let Some((text, _)) = found else { return Ok(false) };
        let holder = Holder::parse(&text);
        let target = match &holder {
            Some(holder) if !holder.target.is_empty() => &holder.target,
            _ => target,
        };
        let target = self.beside(target);
        if let Some(holder) = &holder
            && let Some(local) = find_local(self, &holder.lock)?
        {
            let path = temporary::claim(&local);
            if dry_run {
                return OpenedClaim::existing(&path)?.map_or(Ok(true), |claim| claim.try_lock());
            }
            let Some(_lock) = ClaimFile::try_now(&path, &local)? else { return Ok(false) };
            return Ok(Lease::take(&target, target.holder(holder.lock.clone())?, Other::Stays)?.is_some());
        }
        let Some(old) = old else { return Ok(false) };
        Ok(dry_run || Lease::take(&target, target.holder(Lock::default())?, Other::IsGone(old))?.is_some())
    }
}

/// What is locked on this machine by whoever holds the lease with this lock, if it is one of this machine.
fn find_local(object: &Object, lock: &Lock) -> Result<Option<PathBuf>, StoreError> {
    let directory = object.local_directory()?;
    // It comes from somebody else.
    let is_name = Path::new(&lock.file).file_name() == Some(OsStr::new(&lock.file));
    Ok((is_name && lock.domain == domain(&directory)?).then(|| directory.join(&lock.file)))
}
