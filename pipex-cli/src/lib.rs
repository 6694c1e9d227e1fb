//! The `pipex` command: what is stale, what ran and why, in pipelines written with [pipex](https://github.com/pipex-rs/pipex).
//!
//! It reads the journal that pipelines keep in `.pipex/`. `pipex help` says what it can do.
//!
//! The command knows files and SQLite databases. For outputs in a store of your own, make a command of your own that can
//! open it:
//!
//! ```no_run
//! use pipex_format::store::Listing;
//!
//! # struct Bucket;
//! # impl Bucket { fn open(_: &str) -> Option<Box<dyn Listing>> { None } }
//! fn main() -> std::process::ExitCode {
//!     // The address is what your store's `Listing::address` says.
//!     pipex_cli::main(&|address| Bucket::open(address))
//! }
//! ```
#![forbid(unsafe_code)]

mod accept;
mod arguments;
mod budget;
mod call_lines;
mod causes;
mod compare;
mod condition;
mod consumers;
mod demand;
mod diff;
mod follow;
mod former;
mod gc;
mod graph;
mod keys;
mod logged;
mod ls;
mod names;
mod numbers;
mod page;
mod part;
mod paths;
mod print;
mod profile;
mod project;
mod reading;
mod report;
mod rm;
mod runs;
mod select;
mod shape;
mod show;
mod status;
mod summary;
mod survey;
mod target;
mod targets;
mod timeline;
mod trace;
#[cfg(feature = "ui")]
mod ui;
mod undo;
mod values;
#[cfg(feature = "watch")]
mod watch;
mod why;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _, ValueEnum as _};
use pipex_format::journal::DIRECTORY;
use pipex_format::root::find_root;

use crate::arguments::{Arguments, Command};
use crate::paths::normalize;
use crate::project::Project;
pub use crate::reading::Open;

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
enum CommandError {
    #[error("there is no journal here: run a pipeline first, or name its directory with --journal")]
    NoJournal,
    #[error("cannot read the journal {}", path.display())]
    Journal { path: PathBuf, source: io::Error },
    #[error("cannot enter {}", path.display())]
    Enter { path: PathBuf, source: io::Error },
    #[error("{source}: write it as a shell would take it")]
    Glob { source: globset::Error },
    #[error("it could not be recorded: the journal in {} cannot be written", path.display())]
    NotRecorded { path: PathBuf },
    #[error("there is no accept to take back")]
    NothingAccepted,
    #[error("{} could not be removed", print::format_count(*count, "output"))]
    NotRemoved { count: usize },
    #[error("{globs} matches nothing that a pipeline here has made: `pipex ls` lists what there is")]
    NoMatch { globs: String },
    #[error("{target} is not known: `pipex ls` lists what there is")]
    NoTarget { target: String },
    #[error("{parameter} is no parameter of these task functions, which have {known}")]
    NoParameter { parameter: String, known: String },
    #[error("there is no run {run}: `pipex runs` lists those there are")]
    NoRun { run: String },
    #[error("{target} is in a store that this command cannot open ({address}): see the documentation of pipex-cli")]
    NoStore { target: String, address: String },
    #[error("{target}")]
    Store { target: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("that is everything: name what is to go, or say --stale, --orphaned, --task or `**`")]
    Everything,
    #[error("a run has begun meanwhile, which may need what was to go: call this again when it has ended")]
    Begun,
    #[error("there is nobody to ask: say --yes")]
    NobodyToAsk,
    #[cfg(feature = "watch")]
    #[error("this is no terminal: `pipex runs --follow` writes lines")]
    NoTerminal,
    #[error("cannot draw the graph: {0}")]
    Draw(String),
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot remove {}", path.display())]
    Remove { path: PathBuf, source: io::Error },
    #[error("{count} of what is left over could not be removed")]
    Left { count: usize },
    #[error(
        "outputs take {} more than the {} that they may: what stays, and why, is listed",
        print::format_bytes(*over), print::format_bytes(*keep)
    )]
    OverBudget { over: u64, keep: u64 },
    #[error("cannot write")]
    Output(#[from] io::Error),
    #[error("cannot write JSON")]
    Json(#[from] serde_json::Error),
    #[error("the system has no random numbers, which the page needs")]
    Random { source: getrandom::Error },
    #[cfg(feature = "ui")]
    #[error("cannot be served at port {port} of 127.0.0.1: name another one with --port, or none to have a free one")]
    Serve { port: u16, source: io::Error },
}

/// What a command ends with, if it went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum CommandStatus {
    Clean,
    /// Something is stale, missing or has failed.
    NeedsAttention,
}

impl CommandStatus {
    fn attention_if(needs_attention: bool) -> Self {
        if needs_attention { CommandStatus::NeedsAttention } else { CommandStatus::Clean }
    }
}

/// How it is confirmed that something is to be done.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Confirmation {
    /// It has been: `--yes`.
    Given,
    /// Somebody at the terminal is asked.
    Prompt,
    /// There is nobody to ask.
    Impossible,
}

impl Confirmation {
    fn new(yes: bool) -> Self {
        match (yes, io::stdin().is_terminal()) {
            (true, _) => Confirmation::Given,
            (false, true) => Confirmation::Prompt,
            (false, false) => Confirmation::Impossible,
        }
    }

    /// Whether it is to be done; asks, if somebody has to be asked.
    fn confirm(self, question: &str) -> Result<bool, CommandError> {
        match self {
            Confirmation::Given => Ok(true),
            Confirmation::Impossible => Err(CommandError::NobodyToAsk),
            Confirmation::Prompt => {
                eprint!("{question} [y/N] ");
                let mut answer = String::new();
                io::stdin().read_line(&mut answer)?;
                Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
            }
        }
    }
}

/// Runs the command with the process's arguments; `open` opens stores by their addresses, those that are not pipex's own.
#[must_use]
pub fn main(open: Open<'_>) -> ExitCode {
    main_with(std::env::args_os(), open)
}

/// The same with these arguments, of which the first is the command's name.
#[must_use]
pub fn main_with(arguments: impl IntoIterator<Item = OsString>, open: Open<'_>) -> ExitCode {
    match run(Arguments::parse_from(arguments), open) {
        Ok(CommandStatus::Clean) => ExitCode::SUCCESS,
        Ok(CommandStatus::NeedsAttention) => ExitCode::from(3),
        // Whoever read what was written has had enough, as `head` has.
        Err(CommandError::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            print::to_stderr(join_sources(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and all that it comes from, in a line.
fn join_sources(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        message = format!("{message}: {error}");
        source = error.source();
    }
    message
}

fn run(arguments: Arguments, open: Open<'_>) -> Result<CommandStatus, CommandError> {
    let Arguments { directory, journal, json, command } = arguments;
    if let Command::Completions { shell } = command {
        clap_complete::generate(shell, &mut Arguments::command(), "pipex", &mut io::stdout());
        return Ok(CommandStatus::Clean);
    }
    if let Some(directory) = directory {
        enter_directory(&directory)?;
    }
    let here = std::env::current_dir()?;
    let journal = find_journal(journal, &here)?;
    // Where relative targets are relative to.
    enter_directory(journal.parent().unwrap_or(Path::new("/")))?;
    let absolute = |output: Option<PathBuf>| output.map(|output| here.join(output));
    let _open = pipex_format::store::Lease::hold_for_many();
    let project = Project::read(&journal, here.clone(), open)?;
    match command {
        Command::Status { selection, by } => status::status(&project, &selection, &by, json),
        Command::Ls { selection, unrecorded: true, .. } => ls::ls_unrecorded(&project, &selection, json),
        Command::Ls { selection, edited, .. } => ls::ls(&project, &selection, edited, json),
        Command::Show { target, raw } => show::show(&project, &target, raw, json),
        Command::Why { target } => why::why(&project, &target, json),
        Command::Diff { target, run: Some(run) } => compare::compare(&project, &target, &run, json),
        Command::Diff { target, run: None } => diff::diff(&project, &target, json),
        Command::Rm { selection, options, yes } => rm::rm(&project, &selection, options, Confirmation::new(yes), json),
        Command::Accept { undo: true, dry_run, .. } => undo::undo(&project, open, dry_run, json),
        Command::Accept { selection, reason, dry_run, yes, .. } => {
            accept::accept(&project, selection, accept::combine_reasons(&reason), dry_run, Confirmation::new(yes), json)
        }
        Command::Graph { target, format, output } => {
            let extension = output.as_deref().and_then(Path::extension).and_then(|extension| extension.to_str());
            let by_name = extension.and_then(|extension| graph::GraphFormat::from_str(extension, true).ok());
            let format = format.or(by_name).unwrap_or(graph::GraphFormat::Mermaid);
            graph::graph(&project, target.as_deref(), format, absolute(output).as_deref(), json)
        }
        Command::Runs { follow: true } => runs::follow(&project, json),
        Command::Runs { .. } => runs::runs(&project, json),
        #[cfg(feature = "watch")]
        Command::Watch { run } => watch::watch(&project, run.as_deref(), open),
        Command::Report { run, output } => report::report(&project, run.as_deref(), absolute(output).as_deref(), json),
        Command::Trace { run, output } => trace::trace(&project, run.as_deref(), absolute(output).as_deref()),
        Command::Profile { run, other } => profile::profile(&project, run.as_deref(), other.as_deref(), json),
        #[cfg(feature = "ui")]
        Command::Ui { options } => ui::ui(project, open, options),
        Command::Gc { options, yes } => gc::gc(&project, &options, Confirmation::new(yes), json),
        Command::Completions { .. } => Ok(CommandStatus::Clean),
    }
}

fn enter_directory(directory: &Path) -> Result<(), CommandError> {
    std::env::set_current_dir(directory).map_err(|source| CommandError::Enter { path: directory.to_owned(), source })
}

/// The journal that is named, or that of the project that this is in.
fn find_journal(journal: Option<PathBuf>, here: &Path) -> Result<PathBuf, CommandError> {
    let journal = match journal {
        Some(journal) => Some(normalize(&here.join(journal))),
        None => Some(find_root(here).join(DIRECTORY)),
    };
    let journal = journal.filter(|journal| journal.is_dir()).ok_or(CommandError::NoJournal)?;
    // Where it is, wherever links lead on the way there; it may be one itself.
    match (journal.parent().map(Path::canonicalize), journal.file_name()) {
        (Some(Ok(root)), Some(name)) => Ok(root.join(name)),
        _ => Ok(journal),
    }
}
