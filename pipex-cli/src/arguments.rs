//! What is typed.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueHint};

use crate::accept::Reason;
use crate::select::Selection;
use crate::{gc, graph, rm};

#[derive(Debug, Parser)]
#[command(
    name = "pipex",
    version,
    about = "What is stale, what ran and why, in pipelines written with pipex",
    after_help = "Paths are those of the shell, in arguments and in what is printed; JSON names targets from where `.pipex` is.\n\
                  Exit codes: 0 all is well; 1 an error; 2 the command line is wrong; 3 something is stale or outdated, is \
                  missing, has failed or did not run, or cannot be looked at (or would go, in a dry run)."
)]
pub struct Arguments {
    /// Do as if called in this directory
    #[arg(short = 'C', global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub directory: Option<PathBuf>,
    /// Where the journal is: without it, `.pipex` in PIPEX_ROOT, or the nearest from here upwards
    #[arg(long, env = "PIPEX_JOURNAL", global = true, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub journal: Option<PathBuf>,
    /// Write JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// How the outputs of each task function stand
    Status {
        #[command(flatten)]
        selection: Selection,
        /// A row for each combination of what these parameters were given, in place of one for each task function
        #[arg(long, value_name = "PARAM", value_delimiter = ',')]
        by: Vec<String>,
    },
    /// List outputs
    Ls {
        #[command(flatten)]
        selection: Selection,
        /// Only those that somebody has changed since pipex made them
        #[arg(long)]
        edited: bool,
        /// Those that say themselves that pipex made them, and that the journal does not know
        #[arg(long, conflicts_with_all = ["task", "stale", "outdated", "failed", "not_ready", "cancelled", "missing", "orphaned", "edited", "older_than"])]
        unrecorded: bool,
    },
    /// Show what an output has: text as it is, bincode as JSON; beside it, on stderr, what made it
    Show {
        /// The target
        #[arg(value_hint = ValueHint::AnyPath)]
        target: String,
        /// Nothing but what was saved, byte by byte: otherwise what a terminal would obey is spelled out
        #[arg(long)]
        raw: bool,
    },
    /// Say why a target was made, and whether it would be again
    Why {
        /// The target
        #[arg(value_hint = ValueHint::AnyPath)]
        target: String,
    },
    /// Say what has changed since a target was made: lines of code, helpers, arguments, contents; or, of two runs, what they
    /// were given and have recorded
    Diff {
        /// The target; or a run, as `pipex runs` names it (`@1`: the last, `@2`: the one before)
        #[arg(value_name = "TARGET|RUN", value_hint = ValueHint::AnyPath)]
        target: String,
        /// The run to compare it with
        run: Option<String>,
    },
    /// Remove outputs, so that they are made again
    Rm {
        #[command(flatten)]
        selection: Selection,
        #[command(flatten)]
        options: rm::RmOptions,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Take today's code for what made these outputs, and run nothing: "I only changed a log line"
    Accept {
        #[command(flatten)]
        selection: Selection,
        /// What may have changed; outputs stay stale for anything else
        #[arg(long, value_enum, value_delimiter = ',', default_value = "code")]
        reason: Vec<Reason>,
        /// Take back the last accept that has not been taken back
        #[arg(long, conflicts_with_all = ["reason", "globs", "task", "older_than"])]
        undo: bool,
        /// Only say what would be accepted
        #[arg(long)]
        dry_run: bool,
        /// Do not ask
        #[arg(long, short)]
        yes: bool,
    },
    /// Draw what was made from what: of all, by task function; of a target, all that it was made from
    Graph {
        /// The target
        #[arg(value_hint = ValueHint::AnyPath)]
        target: Option<String>,
        /// How it is drawn: without it, as the file's extension says
        #[arg(long)]
        format: Option<graph::GraphFormat>,
        /// Where to write it; without it, to stdout
        #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
        output: Option<PathBuf>,
    },
    /// List runs
    Runs {
        /// Say in lines what becomes of task runs while runs go on, until it is interrupted
        #[arg(long)]
        follow: bool,
    },
    /// Show in the terminal how a run goes on: by task function, with its running and failed task runs
    #[cfg(feature = "watch")]
    Watch {
        /// The run, as `pipex runs` names it; without it, the one that began last, and those that begin later
        run: Option<String>,
    },
    /// Write a run's report, a page of HTML that needs nothing else
    Report {
        /// The run, as `pipex runs` names it; without it, the last
        run: Option<String>,
        /// Where to write it; without it, to stdout
        #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
        output: Option<PathBuf>,
    },
    /// Write a run as a trace for Perfetto or Chrome: what ran when, on which worker, and what took what
    Trace {
        /// The run, as `pipex runs` names it; without it, the last
        run: Option<String>,
        /// Where to write it; without it, to stdout
        #[arg(long, short, value_name = "FILE", value_hint = ValueHint::FilePath)]
        output: Option<PathBuf>,
    },
    /// Say what a run cost, by task function, and what it was spared by what was there; or what two runs cost, beside each other
    Profile {
        /// The run, as `pipex runs` names it; without it, the last
        run: Option<String>,
        /// A later run to compare it with
        other: Option<String>,
    },
    /// Show runs and outputs in the browser, while they go on: prints the address of a page that this machine alone can open
    #[cfg(feature = "ui")]
    Ui {
        #[command(flatten)]
        options: crate::ui::UiOptions,
    },
    /// Remove what killed processes left: temporary files, and journals that nothing refers to; with a budget for outputs, also
    /// outputs that can be made again
    Gc {
        #[command(flatten)]
        options: gc::GcOptions,
        /// Do not ask before outputs are removed
        #[arg(long, short)]
        yes: bool,
    },
    /// Write what has a shell complete this command's arguments
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}
