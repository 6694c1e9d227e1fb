//! Several outputs of one run: they are there together, or the run is done again.

use std::sync::{Arc, Mutex};

use super::claim::lock;
use super::{Claim, StoreResult};

/// One of several outputs that are saved together.
pub struct Member<'m> {
    /// Saves its value under a claim.
    pub save: &'m dyn Fn(Claim) -> StoreResult<u64>,
    /// Removes what is there, if something is.
    pub remove: &'m dyn Fn() -> StoreResult<()>,
    /// Whether what is saved waits for the others: files do, rows of a database do not.
    pub is_file: bool,
}

/// Saves them, under a claim on all of them; the bytes that they take.
///
/// All are written first, and only then do they get their names. What was there goes before that, but for the first, which is
/// replaced: whenever this is killed, all are as they were, or one is missing, or all are new. What stands beside each other
/// was made by one run.
pub fn save_together(claim: Claim, members: &[&Member<'_>]) -> StoreResult<u64> {
    let written = Arc::new(Mutex::new(Vec::with_capacity(members.len())));
    let mut bytes = 0;
    let remove_others = |is_file: bool| {
        members.iter().skip(1).filter(|member| member.is_file == is_file).try_for_each(|member| (member.remove)())
    };
    remove_others(false)?;
    for (mut claim, member) in claim.split().into_iter().zip(members) {
        claim.commits_later(&written);
        bytes += (member.save)(claim)?;
    }
    let written = std::mem::take(&mut *lock(&written));
    for one in &written {
        one.claim.ensure_held()?;
    }
    remove_others(true)?;
    for one in written {
        one.commit()?;
    }
    Ok(bytes)
}
