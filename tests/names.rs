//! What is in a public signature can be named by `pipex` alone.

use std::fmt::Debug;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use pipex::journal::{
    Began, Cached, Ended, Function, Given, Head, Input, Line, NewerFormat, Over, Provenance, Removed, Source, Stored,
    There, Undone, UsedHelper, Why,
};
use pipex::remote::{Carrier, Job, JobError, Reply};
use pipex::store::{
    Claim, Entry, FileStore, Files, Leftover, Listing, Made, OwnOutput, Record, Stamp, Store, StoreError, StoreResult,
};
use pipex::{
    Call, Cause, Config, Counts, Error, Executor, Fingerprint, Flow, FlowRun, Local, Location, Mode, Output, Permit,
    Ready, Reasons, Reporter, RetryDelay, RunError, Stale, State, Summary, TargetError, Task, TaskRun, journal, store,
};

/// Has the compiler hold a function against the signature that a user would write for it.
fn is<T>(_: T) {}

#[test]
fn of_calls_and_runs() {
    is::<fn(Call<'static, u8>) -> pipex::Result<Output<u8>>>(Call::run);
    is::<fn(&Output<u8>) -> Option<&Location>>(Output::location);
    is::<fn(Config, Mode) -> Config>(Config::mode);
    is::<fn(Config, Stale) -> Config>(Config::stale);
    is::<fn(Config, Summary) -> Config>(Config::reporter);
    is::<fn(Config, Local) -> Config>(Config::executor);
    is::<fn(&Ready) -> &'static Task>(Ready::task);
    is::<fn(Box<dyn FnOnce() + Send>) -> Permit>(Permit::new);
    is::<fn(&dyn Reporter, &TaskRun<'_>)>(|reporter, run| reporter.task_run(run));
    is::<fn(&dyn Reporter, &FlowRun<'_>)>(|reporter, run| reporter.flow_started(run));
    is::<fn(&dyn Executor) -> Option<Arc<dyn Carrier>>>(|executor| executor.carrier());
    is::<fn(&dyn Carrier, Job) -> Reply>(|carrier, job| carrier.carry(job));
    is::<fn(&TaskRun<'_>) -> (State, Why, Reasons, Duration)>(|run| (run.state, run.why, run.stale, run.elapsed));
    is::<fn(&FlowRun<'_>) -> &'static Flow>(|run| run.flow);
    is::<fn(Counts) -> u64>(|counts| counts.not_saved);
    is::<fn(&Task) -> (Fingerprint, &RetryDelay, Option<Stale>)>(|task| (task.code, &task.retry_delay, task.stale));
}

#[test]
fn of_errors() {
    fn parts(error: &Error) -> Option<(&Location, &Cause)> {
        match error {
            Error::Load { target, source } => Some((target, source)),
            _ => None,
        }
    }
    fn job(error: &Error) -> Option<&JobError> {
        if let Error::Job(error) = error { Some(error) } else { None }
    }
    fn target(error: &RunError) -> Option<&TargetError> {
        if let RunError::Target(error) = error { Some(error) } else { None }
    }
    is((parts, job, target));
}

#[test]
fn of_stores() {
    is::<fn(&Claim) -> (Record, &Location, PathBuf)>(|claim| (claim.record(), claim.target(), claim.draft()));
    is::<fn(&mut Claim) -> &mut File>(Claim::file);
    is::<fn(&Record) -> (&'static Task, Fingerprint, Option<Fingerprint>)>(|record| {
        (record.task(), record.arguments(), record.inputs())
    });
    is::<fn(&dyn Store<u8>, &Location) -> StoreResult<Option<Stamp>>>(|store, target| store.stamp(target));
    is::<fn(&dyn Store<u8>) -> (Option<Fingerprint>, &dyn Listing)>(|store| (store.format(), store.listing()));
    is::<fn(&Files, &Location) -> StoreResult<Option<Entry>>>(Listing::entry);
    is::<fn(Stamp, u64, SystemTime) -> Entry>(Entry::new);
    is::<fn(&Entry) -> Option<&Made>>(|entry| entry.made.as_ref());
    is::<fn(&Made) -> Provenance>(Made::provenance);
    is::<fn(&Path, bool, &mut dyn FnMut(Result<Leftover, StoreError>)) -> Result<(), StoreError>>(store::sweep);
    is::<(fn() -> FileStore, fn() -> OwnOutput<u8>)>((FileStore::new, OwnOutput::new));
    #[cfg(feature = "sqlite")]
    is::<fn() -> store::KeptOpen>(pipex::SqliteStore::keep_open);
}

#[test]
fn of_the_journal() {
    /// What each line has.
    fn shown<'l>(line: &'l Line<'l>) -> Option<&'l dyn Debug> {
        Some(match line {
            Line::Run(head) => is_debug::<Head<'l>>(head),
            Line::Task(function) => is_debug::<Function<'l>>(function),
            Line::Began(began) => is_debug::<Began<'l>>(began),
            Line::Cached(cached) => is_debug::<Cached<'l>>(cached),
            Line::Ended(ended) => is_debug::<Ended<'l>>(&**ended),
            Line::Source(source) => is_debug::<Source<'l>>(source),
            Line::Removed(removed) => is_debug::<Removed<'l>>(removed),
            Line::Undone(undone) => is_debug::<Undone<'l>>(undone),
            Line::Over(over) => is_debug::<Over>(over),
            _ => return None,
        })
    }
    fn is_debug<T: Debug>(part: &T) -> &dyn Debug {
        part
    }
    is(shown);
    is::<for<'e> fn(&'e Ended<'_>) -> &'e [Given<'e>]>(|ended| &ended.given);
    is::<for<'g> fn(&'g Given<'_>) -> &'g [Input<'g>]>(|given| &given.inputs);
    is::<for<'f> fn(&'f Function<'_>) -> &'f [UsedHelper<'f>]>(|function| &function.helpers);
    is::<fn(&There) -> (Stored, Provenance)>(|there| (there.stored(), there.provenance()));
    is::<fn(&Provenance, &Provenance) -> Reasons>(Provenance::changes);
    is::<fn(&std::io::Error) -> bool>(NewerFormat::is_in);
    is::<fn(&Path) -> std::io::Result<Fingerprint>>(journal::fingerprint_source);
}
