//! Outputs as objects of a bucket: targets such as `s3://bucket/run1/x`.
//!
//! An object has the bytes that the file would have, and its claim the name that the claim's file would have: `docs/src/stores.md` has what
//! is promised, and why it holds.

mod ahead;
mod bucket;
mod downloads;
mod holder;
mod in_order;
mod lease;
mod lists;
mod parts;
mod place;
mod put;
mod ranges;
mod seen;
mod stream;
mod sweep;
mod upload;

pub(super) use self::lease::end_leases;
pub(super) use self::lists::KeptLists;
pub(super) use self::place::Object;
pub(super) use self::ranges::Ranges;
pub(super) use self::upload::Claimed;
