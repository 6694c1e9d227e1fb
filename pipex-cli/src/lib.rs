//! The `pipex` command: what is stale, what ran and why, in pipelines written with [pipex](https://docs.rs/pipex).
//!
//! It reads the journal that pipelines keep in `.pipex/`. `pipex help` says what it can do.
//!
//! The command knows files and SQLite databases. For outputs in a store of your own, make a command of your own that can
//! open it:
//!
//! ```no_run
//! use pipex::store::Listing;
//!
//! # struct Bucket;
//! # impl Bucket { fn open(_: &str) -> Option<Box<dyn Listing>> { None } }
//! fn main() -> std::process::ExitCode {
//!     // The address is what your store's `Listing::address` says.
//!     pipex_cli::main(&|address| Bucket::open(address))
//! }
//! ```
#![forbid(unsafe_code)]

mod gc;
mod graph;
mod look;
mod ls;
mod print;
mod project;
mod report;
mod rm;
mod runs;
mod select;
mod shape;
mod show;
mod status;
mod why;

use std::ffi::OsString;
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};
use pipex::journal::DIRECTORY;

pub use crate::project::Open;
use crate::project::Project;
use crate::select::Selection;

#[derive(Debug, Parser)]
#[command(
    name = "pipex",
    version,
    about = "What is stale, what ran and why, in pipelines written with pipex",
    after_help = "Exit codes: 0 all is well; 1 an error; 2 the command line is wrong; 3 something is stale, missing or has failed."
)]
struct Arguments {
    /// Where the journal is: without it, the nearest `.pipex` from here upwards
    #[arg(long, env = "PIPEX_JOURNAL", global = true, value_name = "DIR")]
    journal: Option<PathBuf>,
    /// Write JSON, for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// How the outputs of each task function stand
    Status(Selection),
    /// List outputs
    Ls {
        #[command(flatten)]
        selection: Selection,
        /// Those that say themselves that pipex made them, and that the journal does not know
        #[arg(long, conflicts_with_all = ["task", "stale", "failed", "orphaned", "older_than"])]
        unrecorded: bool,
    },
    /// Show what an output has: text as it is, bincode as JSON; beside it, on stderr, what made it
    Show {
        /// The target
        target: String,
    },
    /// Say why a target was made, and whether it would be again
    Why {
        /// The target
        target: String,
    },
    /// Say what has changed since a target was made
    Diff {
        /// The target
        target: String,
    },
    /// Remove outputs, so that they are made again
    Rm {
        #[command(flatten)]
        selection: Selection,
        /// And all that was made from them
        #[arg(long)]
        downstream: bool,
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Take today's code and inputs for what made these outputs, and run nothing: "I only changed a log line"
    Accept {
        #[command(flatten)]
        selection: Selection,
        /// Only say what would be accepted
        #[arg(long)]
        dry_run: bool,
    },
    /// Draw what was made from what: of all, by task function; of a target, all that it was made from
    Graph {
        /// The target
        target: Option<String>,
        /// How it is drawn
        #[arg(long, default_value = "mermaid")]
        format: graph::Format,
    },
    /// List runs
    Runs,
    /// Write a run's report, a page of HTML that needs nothing else
    Report {
        /// The run, as `pipex runs` names it; without it, the last
        run: Option<String>,
        /// Where to write it; without it, to stdout
        #[arg(long, short, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Remove what killed processes left: temporary files, and journals that nothing refers to
    Gc {
        /// Keep the journals of so many runs, the last ones
        #[arg(long, default_value_t = 50, value_name = "RUNS")]
        keep: usize,
        /// Only say what would go
        #[arg(long)]
        dry_run: bool,
    },
    /// Write what has a shell complete this command's arguments
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

/// What can go wrong.
#[derive(Debug, thiserror::Error)]
enum Error {
    #[error("there is no journal here: run a pipeline first, or name its directory with --journal")]
    NoJournal,
    #[error("cannot read the journal {}", path.display())]
    Journal { path: PathBuf, source: io::Error },
    #[error("cannot enter {}", path.display())]
    Enter { path: PathBuf, source: io::Error },
    #[error("{source}: write it as a shell would take it")]
    Glob { source: globset::Error },
    #[error("{globs} matches nothing that a pipeline here has made: `pipex ls` lists what there is")]
    NoMatch { globs: String },
    #[error("{target} is not known: `pipex ls` lists what there is")]
    NoTarget { target: String },
    #[error("there is no run {run}: `pipex runs` lists those there are")]
    NoRun { run: String },
    #[error("{target} is in a store that this command cannot open ({address}): see the documentation of pipex-cli")]
    NoStore { target: String, address: String },
    #[error("{target}")]
    Store { target: String, source: Box<dyn std::error::Error + Send + Sync> },
    #[error("that is everything: name what is to go, or say --stale, --failed, --orphaned, --task or `**`")]
    Everything,
    #[error("there is nobody to ask: say --yes")]
    NobodyToAsk,
    #[error("cannot draw the graph: {0}")]
    Draw(String),
    #[error("cannot write {}", path.display())]
    Write { path: PathBuf, source: io::Error },
    #[error("cannot remove {}", path.display())]
    Remove { path: PathBuf, source: io::Error },
    #[error("{count} of what is left over could not be removed")]
    Left { count: usize },
    #[error("cannot write")]
    Output(#[from] io::Error),
    #[error("cannot write JSON")]
    Json(#[from] serde_json::Error),
    #[error("cannot fill the page")]
    Page(#[from] tinytemplate::error::Error),
}

/// What a command ends with, if it went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Well,
    /// Something is stale, missing or has failed.
    Amiss,
}

impl Outcome {
    fn amiss(amiss: bool) -> Self {
        if amiss { Outcome::Amiss } else { Outcome::Well }
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
        Ok(Outcome::Well) => ExitCode::SUCCESS,
        Ok(Outcome::Amiss) => ExitCode::from(3),
        // Whoever read what was written has had enough, as `head` has.
        Err(Error::Output(error)) if error.kind() == io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("pipex: {}", chain(&error));
            ExitCode::FAILURE
        }
    }
}

/// The error and all that it comes from, in a line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        message = format!("{message}: {error}");
        source = error.source();
    }
    message
}

fn run(arguments: Arguments, open: Open<'_>) -> Result<Outcome, Error> {
    let Arguments { journal, json, command } = arguments;
    if let Command::Completions { shell } = command {
        clap_complete::generate(shell, &mut Arguments::command(), "pipex", &mut io::stdout());
        return Ok(Outcome::Well);
    }
    let output = match &command {
        Command::Report { output: Some(output), .. } => Some(std::path::absolute(output)?),
        _ => None,
    };
    let journal = enter(journal)?;
    let _open = pipex::SqliteStore::keep_open();
    let project = Project::read(&journal, open)?;
    match command {
        Command::Status(selection) => status::status(&project, &selection, json),
        Command::Ls { selection, unrecorded: true } => ls::unrecorded(&project, &selection, json),
        Command::Ls { selection, .. } => ls::ls(&project, &selection, json),
        Command::Show { target } => show::show(&project, &target, json),
        Command::Why { target } => why::why(&project, &target, json),
        Command::Diff { target } => why::diff(&project, &target, json),
        Command::Rm { selection, downstream, dry_run, yes } => {
            let ask = if yes {
                rm::Ask::No
            } else if io::stdin().is_terminal() {
                rm::Ask::Here
            } else {
                rm::Ask::Nobody
            };
            rm::rm(&project, &selection, downstream, dry_run, ask, json)
        }
        Command::Accept { selection, dry_run } => rm::accept(&project, &selection, dry_run, json),
        Command::Graph { target, format } => graph::graph(&project, target.as_deref(), format, json),
        Command::Runs => runs::runs(&project, json),
        Command::Report { run, .. } => report::report(&project, run.as_deref(), output.as_deref(), json),
        Command::Gc { keep, dry_run } => gc::gc(&project, keep, dry_run, json),
        Command::Completions { .. } => Ok(Outcome::Well),
    }
}

/// Goes to where relative targets are relative to; the journal, from there.
fn enter(journal: Option<PathBuf>) -> Result<PathBuf, Error> {
    let journal = match journal {
        Some(journal) => std::path::absolute(journal)?,
        None => {
            let here = std::env::current_dir()?;
            let found = here.ancestors().map(|directory| directory.join(DIRECTORY)).find(|journal| journal.is_dir());
            found.ok_or(Error::NoJournal)?
        }
    };
    if !journal.is_dir() {
        return Err(Error::NoJournal);
    }
    let root = journal.parent().unwrap_or(Path::new("/"));
    std::env::set_current_dir(root).map_err(|source| Error::Enter { path: root.to_owned(), source })?;
    Ok(journal)
}
