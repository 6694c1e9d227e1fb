//! `pipex ui`.

mod answer;
mod guard;
mod live;
mod server;

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::mpsc;
use std::thread;
use std::time::SystemTime;

use pipex_format::journal;

use self::guard::Guard;
use self::server::Server;
use crate::page::draw_secret;
use crate::project::Project;
use crate::reading::{Open, may_go_on};
use crate::{CommandError, CommandStatus, print};

/// How the page is served.
#[derive(Debug, Clone, Copy, clap::Args)]
pub struct UiOptions {
    /// The port of 127.0.0.1 that it is served at; without it, a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Also remove and accept outputs, where the page is told to: without it, it shows and changes nothing
    #[arg(long)]
    write: bool,
}

/// Something that the server asks of the project. Only one thread has the project, since stores need not be shared by threads.
pub struct Question {
    /// It is about runs that have ended.
    is_of_the_past: bool,
    ask: Box<dyn FnOnce(&Project) + Send>,
}

pub fn ui(project: Project, open: Open<'_>, options: UiOptions) -> Result<CommandStatus, CommandError> {
    let failed = |source| CommandError::Serve { port: options.port, source };
    let listener = TcpListener::bind(("127.0.0.1", options.port)).map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let guard = Guard::new(port, options.write)?;
    print::line(format!("http://127.0.0.1:{port}/?key={}", guard.key()))?;
    let (questions, asked) = mpsc::channel::<Question>();
    let server = Server::new(guard, questions, project.journal.clone(), draw_secret()?);
    let serving = thread::spawn(move || server.serve(listener));
    let mut desk = Desk { seen: None, project, open };
    while let Ok(question) = asked.recv() {
        desk.refresh(question.is_of_the_past)?;
        (question.ask)(&desk.project);
    }
    // Its end has ended the questions.
    match serving.join() {
        Ok(served) => served.map_err(failed)?,
        Err(panic) => std::panic::resume_unwind(panic),
    }
    Ok(CommandStatus::Clean)
}

/// The project, read again where its journals have changed.
struct Desk<'o> {
    project: Project,
    /// What the journals were like when they were read.
    seen: Option<Vec<JournalStamp>>,
    open: Open<'o>,
}

/// A journal, its length and its time, and whether it is written.
type JournalStamp = (PathBuf, u64, Option<SystemTime>, bool);

impl Desk<'_> {
    /// Unless only the past is asked about, and there is no more of it: reading all takes its time, which a run may need.
    fn refresh(&mut self, is_of_the_past: bool) -> Result<(), CommandError> {
        let path = self.project.journal.clone();
        let runs = journal::runs(&path).map_err(|source| CommandError::Journal { path: path.clone(), source })?;
        let stamp = |run: PathBuf| {
            let metadata = fs::metadata(&run).ok();
            let is_live = may_go_on(&run) && journal::is_live(&run);
            let length = metadata.as_ref().map_or(0, fs::Metadata::len);
            (run, length, metadata.and_then(|metadata| metadata.modified().ok()), is_live)
        };
        let seen: Vec<JournalStamp> = runs.into_iter().map(stamp).collect();
        let is_past = |(.., is_live): &&JournalStamp| !is_of_the_past || !is_live;
        let is_same = |known: &Vec<JournalStamp>| known.iter().filter(is_past).eq(seen.iter().filter(is_past));
        if !self.seen.as_ref().is_some_and(is_same) {
            // Names are those of the journal, wherever this was called.
            let root = self.project.root.clone();
            self.project = Project::read(&path, root, self.open)?;
            self.seen = Some(seen);
        }
        Ok(())
    }
}
