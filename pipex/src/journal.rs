//! The journal: what ran and why, and what made the outputs that are there.
//!
//! Each run of a flow appends lines of JSON to a file of its own below `.pipex/`, in the root of the project
//! (`PIPEX_ROOT`, else the nearest directory upwards that has a `.pipex`); [`Config::journal`](crate::Config::journal) and `PIPEX_JOURNAL` put it elsewhere, `PIPEX_JOURNAL=off` turns it
//! off. The `pipex` command reads it, and so can you:
//!
//! ```no_run
//! use pipex::journal::{self, Line};
//!
//! for run in journal::runs(".pipex".as_ref())? {
//!     journal::read(&run, |line| {
//!         if let Line::Ended(ended) = line {
//!             println!("{} {:?} {:.3} s", ended.name, ended.state, ended.elapsed);
//!         }
//!     })?;
//! }
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! | below `.pipex/` | what it is |
//! | --- | --- |
//! | `.gitignore` | has git ignore all of it |
//! | `live/RUN.jsonl` | journals of runs that go on, or were killed |
//! | `runs/RUN.jsonl` | journals of runs that have ended |
//! | `index` | what made the outputs that are there: the sum of all journals |
//! | `code/FINGERPRINT` | the text of a task function or a helper |
//!
//! It is never in the way: it can be deleted at any time, and where it cannot be written the run goes on without. A line is
//! written before the run that made a target counts as ended, and any other soon after, so a kill at any instant loses no
//! more than what nothing was made by. What was cut by a kill ends where it was cut.

pub use pipex_format::journal::{
    Began, Cached, DIRECTORY, Ended, FORMAT, Function, Given, Head, Input, Line, Logged, NewerFormat, Over, Provenance,
    Recordable, Recorded, Removed, Source, Stored, Tail, There, Undone, UsedHelper, Why, fingerprint_source, head,
    is_live, read, read_code, runs,
};
