//! What stands in a journal: a line of JSON for each thing that happened.

use std::borrow::Cow;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::recorded::Recorded;
use crate::model::contents::{Content, Contents};
use crate::model::fingerprint::Fingerprint;
use crate::model::or_zero;
use crate::model::provenance::{Provenance, Reasons, Stored};
use crate::model::state::State;
use crate::store::{Entry, Stamp};

/// The version of the journal's format.
pub const FORMAT: u32 = 1;

/// A line of a journal. The first is a [`Head`]; all times are seconds since that one's `started`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Line<'l> {
    /// The run that this journal is about.
    Run(Head<'l>),
    /// A task function, before its first task run.
    Task(Function<'l>),
    /// A task run that began to make a target. If it has no [`Ended`], the process was killed meanwhile.
    Began(Began<'l>),
    /// A task run that did not run, since its target is there and fresh.
    Cached(Cached<'l>),
    /// A task run that ended in any other way, or waits to be tried again.
    Ended(Box<Ended<'l>>),
    /// A file whose path was an argument.
    Source(Source<'l>),
    /// A value that the flow's body has recorded.
    Recorded(Recorded<'l>),
    /// A target that the `pipex` command removed.
    Removed(Removed<'l>),
    /// What `pipex accept` had said was taken back.
    Undone(Undone<'l>),
    /// The run has ended, and all its task runs with it.
    Over(Over),
}

/// The run of a flow or, outside flows, of a program.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Head<'l> {
    /// The version of the journal's format.
    pub format: u32,
    /// The version of pipex.
    pub pipex: Cow<'l, str>,
    /// The flow; `None` outside flows.
    pub flow: Option<Cow<'l, str>>,
    /// The program's name.
    pub program: Cow<'l, str>,
    /// The version of the package that the flow, or the first task, is of.
    pub version: Option<Cow<'l, str>>,
    /// The mode, as `PIPEX` spells it.
    pub mode: Cow<'l, str>,
    /// When it started: RFC 3339, UTC.
    pub started: Cow<'l, str>,
    /// The process.
    pub process: u32,
    /// What tells this run of the program from all others; `None` in journals of older versions.
    #[serde(default, with = "or_zero", skip_serializing_if = "Option::is_none")]
    pub invocation: Option<Fingerprint>,
    /// The host it ran on.
    pub host: Cow<'l, str>,
    /// The directory it ran in.
    pub directory: Cow<'l, str>,
    /// What stands before its relative targets to make them ones from where `.pipex` is: nothing, if it ran there.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub prefix: Cow<'l, str>,
    /// What the flow was given, by its parameters.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parameters: Vec<Given<'l>>,
    /// What `PROGRAM pipex make` was asked for: this run asked for nothing else.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub asked: Vec<Cow<'l, str>>,
}

/// A task function.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Function<'l> {
    /// The number by which the lines of this journal refer to it.
    pub task: u32,
    /// Its name.
    pub name: Cow<'l, str>,
    /// The path of its module.
    pub module: Cow<'l, str>,
    /// The file it is written in.
    pub file: Cow<'l, str>,
    /// The line it is written on.
    pub line: u32,
    /// The fingerprint of its code.
    pub code: Fingerprint,
    /// The helpers that are part of it: those that it names with `uses(..)`, and those that they name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub helpers: Vec<UsedHelper<'l>>,
}

/// A helper that is part of a task function's code. Below `.pipex/code/` a file that is named like its fingerprint has its text,
/// and so for task functions.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct UsedHelper<'l> {
    /// Its name.
    pub name: Cow<'l, str>,
    /// The fingerprint of its code.
    pub code: Fingerprint,
}

/// A task run that began.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Began<'l> {
    /// Its task function.
    pub task: u32,
    /// Its target.
    pub target: Cow<'l, str>,
    /// The address of its store, if targets are no paths to it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub store: Cow<'l, str>,
    /// When.
    pub at: f64,
}

/// A task run that had nothing to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Cached<'l> {
    /// Its task function.
    pub task: u32,
    /// Its target.
    pub target: Cow<'l, str>,
    /// The address of its store, if targets are no paths to it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub store: Cow<'l, str>,
    /// It is another output of a task run that has a line already: it does not count as one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_part: bool,
    /// Its call was `.lazy()`: it was met since something else needed it, or somebody asked for its data.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_lazy: bool,
}

/// A task run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Ended<'l> {
    /// Its task function.
    pub task: u32,
    /// Its name.
    pub name: Cow<'l, str>,
    /// Its target, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Cow<'l, str>>,
    /// The address of its store, if targets are no paths to it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub store: Cow<'l, str>,
    /// The line is about another output of a task run that has a line of its own: it does not count as one.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_part: bool,
    /// Its call was `.lazy()`: it ran since something else needed it, or somebody asked for its data.
    #[serde(default, skip_serializing_if = "is_false")]
    pub is_lazy: bool,
    /// How it ended.
    pub state: State,
    /// Why it ran, or why it did not.
    pub why: Why,
    /// Why the output that was there was stale, if it was.
    #[serde(default, skip_serializing_if = "is_fresh")]
    pub stale: Reasons,
    /// When it started.
    pub at: f64,
    /// How long it took, in seconds.
    pub elapsed: f64,
    /// When it was submitted, if an executor ran it. It may have waited since: for what it takes, and for room.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted: Option<f64>,
    /// How many of the seconds were spent on having its arguments.
    #[serde(default, skip_serializing_if = "is_no_time")]
    pub loading: f32,
    /// How many of them were spent on saving what it gave.
    #[serde(default, skip_serializing_if = "is_no_time")]
    pub saving: f32,
    /// The most memory in bytes that the process was seen to have while it ran, with all else that it did meanwhile; only of runs
    /// that take their time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub memory: u64,
    /// The thread it ran on, counted from 0.
    pub worker: u32,
    /// Where it ran, if that is another process: its host and number, and the number of the thread there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub elsewhere: Option<Cow<'l, str>>,
    /// Which attempt it was, counted from 1.
    pub attempt: u32,
    /// The bytes of the output that it saved.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub bytes: u64,
    /// Why it failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<Cow<'l, str>>,
    /// Of a run that did not run, or could not take an argument: the target whose run failed, or that could not be loaded;
    /// the name of that run, if it has no target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub root: Option<Cow<'l, str>>,
    /// What lies at the target now, and what made it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub there: Option<There>,
    /// What the call would make it from now, where that is another: the fingerprints of its arguments and, if it is known, of its
    /// inputs.
    #[serde(default, with = "or_zero::pair", skip_serializing_if = "Option::is_none")]
    pub now: Option<(Fingerprint, Option<Fingerprint>)>,
    /// And how it would write it: the fingerprint of the shape of its type.
    #[serde(default, with = "or_zero", skip_serializing_if = "Option::is_none")]
    pub format: Option<Fingerprint>,
    /// The arguments, each for itself: those of the call. What is there was made from them if the run completed, or if its
    /// output was accepted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<Given<'l>>,
    /// The values that its function has recorded: they belong to its output.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recorded: Vec<Recorded<'l>>,
    /// What it has logged, if its program logs by `pipex::logging`: the first lines and the last.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logged: Vec<Logged<'l>>,
}

/// A line that a task run has logged. It is text: control characters are not in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Logged<'l> {
    /// When.
    pub at: f64,
    /// `ERROR`, `WARN`, `INFO`, `DEBUG` or `TRACE`.
    pub level: Cow<'l, str>,
    /// What; the beginning of what was long, which ends in `..`.
    pub text: Cow<'l, str>,
    /// Where in the sources: `src/steps.rs:41`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub place: Option<Cow<'l, str>>,
    /// How many lines between the one before it and this one are left out.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: u64,
}

impl Logged<'static> {
    /// A line.
    #[doc(hidden)]
    #[must_use]
    pub fn new(at: f64, level: &'static str, text: String, place: Option<String>, left_out: u64) -> Self {
        Logged { at, level: level.into(), text: text.into(), place: place.map(Cow::Owned), left_out }
    }
}

impl<'l> Ended<'l> {
    /// A run with this name, of which nothing else is known.
    #[doc(hidden)]
    #[must_use]
    pub fn new(task: u32, name: Cow<'l, str>, state: State, why: Why) -> Self {
        Ended {
            task,
            name,
            target: None,
            store: Cow::Borrowed(""),
            is_part: false,
            is_lazy: false,
            state,
            why,
            stale: Reasons::default(),
            at: 0.0,
            elapsed: 0.0,
            submitted: None,
            loading: 0.0,
            saving: 0.0,
            memory: 0,
            worker: 0,
            elsewhere: None,
            attempt: 0,
            bytes: 0,
            error: None,
            root: None,
            there: None,
            now: None,
            format: None,
            given: Vec::new(),
            recorded: Vec::new(),
            logged: Vec::new(),
        }
    }

    /// What a command says of an output that is there: that this made it, and why that is said. It has no arguments yet.
    #[doc(hidden)]
    #[must_use]
    pub fn by_command(task: u32, target: Cow<'l, str>, store: Cow<'l, str>, why: Why, there: There) -> Self {
        let (name, target, there) = (target.clone(), Some(target), Some(there));
        Ended { target, store, there, ..Ended::new(task, name, State::Cached, why) }
    }
}

/// What lies at a target, and what made it. What is not known is `None`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct There {
    /// The fingerprint of its content.
    #[serde(with = "or_zero")]
    pub content: Option<Fingerprint>,
    /// Its [`Stamp`](crate::store::Stamp).
    pub stamp: u64,
    /// The bytes that it takes.
    pub bytes: u64,
    /// The fingerprint of the code that made it.
    #[serde(with = "or_zero")]
    pub code: Option<Fingerprint>,
    /// The fingerprint of the arguments: values by content, outputs by location.
    #[serde(with = "or_zero")]
    pub arguments: Option<Fingerprint>,
    /// The fingerprint of the contents of the outputs and files among them.
    #[serde(with = "or_zero")]
    pub inputs: Option<Fingerprint>,
    /// The fingerprint of how it is written: of the shape of its type.
    #[serde(default, with = "or_zero", skip_serializing_if = "Option::is_none")]
    pub format: Option<Fingerprint>,
    /// The content as it was made, where it is said that somebody has changed it since. What merely does not say what made
    /// it is held against what was there before: see [`Stored::succeed`].
    #[serde(default, with = "or_zero", skip_serializing_if = "Option::is_none")]
    pub original: Option<Fingerprint>,
}

impl There {
    /// This content, of which it is not known what made it.
    #[must_use]
    pub fn new(content: impl Into<Option<Fingerprint>>, stamp: Stamp, bytes: u64) -> Self {
        let (content, stamp) = (content.into(), stamp.get());
        There { content, stamp, bytes, code: None, arguments: None, inputs: None, format: None, original: None }
    }

    /// What a store found, and what made it, if that is recorded beside it.
    #[must_use]
    pub fn from_entry(entry: &Entry) -> Self {
        let there = There::new(entry.content, entry.stamp, entry.bytes);
        match &entry.made {
            Some(made) => there.made_by(made.provenance()),
            None => there,
        }
    }

    /// What made it.
    #[must_use]
    pub fn provenance(&self) -> Provenance {
        Provenance::new(self.code, self.arguments, self.inputs).with_format(self.format)
    }

    /// The same, made by this.
    #[must_use]
    pub fn made_by(self, provenance: Provenance) -> Self {
        let Provenance { code, arguments, inputs, format } = provenance;
        There { code, arguments, inputs, format, ..self }
    }

    /// The same, of which this is known.
    #[doc(hidden)]
    #[must_use]
    pub fn known_as(self, stored: Stored) -> Self {
        There { content: stored.content, original: stored.original, ..self.made_by(stored.provenance) }
    }

    /// Its content, and what made it.
    #[must_use]
    pub fn stored(&self) -> Stored {
        Stored { original: self.original, ..Stored::new(self.content, self.provenance()) }
    }
}

/// An argument of a task run, or of a flow.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Given<'l> {
    /// The parameter's name.
    pub name: Cow<'l, str>,
    /// The fingerprint: of a value by content, of outputs by location.
    #[serde(with = "or_zero")]
    pub fingerprint: Option<Fingerprint>,
    /// The beginning of the value's JSON, if it is a value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Cow<'l, str>>,
    /// The outputs and files that it is, or has.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inputs: Vec<Input<'l>>,
}

impl<'l> Given<'l> {
    /// That of the parameter with this name.
    #[doc(hidden)]
    pub fn new(name: &'static str) -> Self {
        Given { name: name.into(), fingerprint: None, value: None, inputs: Vec::new() }
    }
}

/// An output or a file that a task run took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Input<'l> {
    /// Its location.
    pub target: Cow<'l, str>,
    /// The address of its store, if targets are no paths to it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub store: Cow<'l, str>,
    /// Whether it is a file whose path was an argument, and no output.
    #[serde(default, skip_serializing_if = "is_false")]
    pub source: bool,
    /// The fingerprint of its content, if it was known.
    #[serde(with = "or_zero")]
    pub content: Option<Fingerprint>,
}

impl Input<'static> {
    /// An output with this content.
    #[doc(hidden)]
    pub fn new(target: String, store: String, content: impl Into<Option<Fingerprint>>) -> Self {
        Input { target: target.into(), store: store.into(), source: false, content: content.into() }
    }

    /// A file whose path was an argument, with this content.
    #[doc(hidden)]
    pub fn file(path: &Path, content: impl Into<Option<Fingerprint>>) -> Self {
        let target = path.to_string_lossy().into_owned().into();
        Input { target, store: Cow::Borrowed(""), source: true, content: content.into() }
    }
}

/// A file whose path was an argument.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Source<'l> {
    /// The path.
    pub path: Cow<'l, str>,
    /// The file's [`Stamp`](crate::store::Stamp).
    pub stamp: u64,
    /// The fingerprint of its content.
    pub content: Fingerprint,
}

/// A target that was removed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Removed<'l> {
    /// The target.
    pub target: Cow<'l, str>,
    /// The address of its store, if targets are no paths to it.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub store: Cow<'l, str>,
}

impl<'l> Removed<'l> {
    /// Of this target, in the store with this address.
    #[doc(hidden)]
    #[must_use]
    pub fn new(target: impl Into<Cow<'l, str>>, store: impl Into<Cow<'l, str>>) -> Self {
        Removed { target: target.into(), store: store.into() }
    }
}

/// That what `pipex accept` had said was taken back.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Undone<'l> {
    /// The run of `pipex accept`: the name of its journal, without `.jsonl`.
    pub run: Cow<'l, str>,
}

impl<'l> Undone<'l> {
    /// In this run.
    #[doc(hidden)]
    #[must_use]
    pub fn new(run: impl Into<Cow<'l, str>>) -> Self {
        Undone { run: run.into() }
    }
}

/// The fingerprint of the contents of a call's inputs, in their order; `None` if one of them is not known.
#[must_use]
pub fn fingerprint_inputs(contents: impl IntoIterator<Item = Option<Fingerprint>>) -> Option<Fingerprint> {
    let mut all = Contents::default();
    contents.into_iter().for_each(|content| all.add(Content::from_fingerprint(content)));
    all.fingerprint()
}

/// The end of a run.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Over {
    /// How long it took, in seconds.
    pub elapsed: f64,
    /// How it ended: completed, failed, cancelled or crashed. Older versions did not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<State>,
}

/// Why a task run ran, or did not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Why {
    /// It ran: in this mode nothing is saved.
    #[default]
    NotSaved,
    /// It ran, since its target was not there.
    Missing,
    /// It ran, since the output that was there was stale.
    Stale,
    /// It did not run, since its target is there.
    There,
    /// It did not run, since another made its target meanwhile.
    MadeMeanwhile,
    /// It did not run: what it takes was made again, and came out as it was.
    Unchanged,
    /// It did not run: its output was accepted as what today's code would give.
    Accepted,
    /// It did not run: what was said when its output was accepted was taken back.
    Restored,
    /// It ran though its target was there: `PROGRAM pipex make --force` said so.
    Forced,
    /// It did not run: what the same would have made was taken from the outputs that are [shared](crate::store::Shared).
    Shared,
    /// It ran: its function saves its own output, wrote none, and gave data, which are held in memory.
    InMemory,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks like this")]
pub(crate) fn is_no_time(seconds: &f32) -> bool {
    *seconds == 0.0
}

fn is_fresh(stale: &Reasons) -> bool {
    stale.is_empty()
}

fn is_false(truth: &bool) -> bool {
    !truth
}
