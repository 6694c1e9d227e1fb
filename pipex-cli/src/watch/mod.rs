//! `pipex watch`: runs in a terminal, while they go on.

mod board;
mod view;

use std::io::{self, IsTerminal as _};

use jiff::Timestamp;
use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{self, Event, KeyEventKind};

use self::board::Board;
use self::view::{Pressed, View};
use crate::follow::{FollowedRun, Follower, INTERVAL, News};
use crate::project::Project;
use crate::reading::Open;
use crate::{CommandError, CommandStatus};

/// Who is watched.
enum Watched {
    /// One run.
    One(Box<FollowedRun>),
    /// The run that began last.
    Last(Follower),
}

pub fn watch(project: &Project, run: Option<&str>, open: Open<'_>) -> Result<CommandStatus, CommandError> {
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(CommandError::NoTerminal);
    }
    let follow = |run: usize| {
        let (id, path) = (&project.runs[run].id, &project.runs[run].path);
        let followed = FollowedRun::open(&project.journal, id);
        followed.map_err(|source| CommandError::Journal { path: path.clone(), source })
    };
    let watched = match run {
        Some(run) => Watched::One(Box::new(follow(project.find_run(run)?)?)),
        None => Watched::Last(Follower::new(&project.journal)?),
    };
    let mut terminal = ratatui::try_init()?;
    let watched = Watch { project, open, watched, board: None, view: View::default() }.run(&mut terminal);
    ratatui::try_restore()?;
    watched.map(|()| CommandStatus::Clean)
}

struct Watch<'p> {
    project: &'p Project,
    open: Open<'p>,
    watched: Watched,
    board: Option<Board>,
    view: View,
}

impl Watch<'_> {
    fn run(mut self, terminal: &mut DefaultTerminal) -> Result<(), CommandError> {
        loop {
            self.read()?;
            if let Some(board) = &mut self.board {
                board.tick(Timestamp::now());
            }
            terminal.draw(|frame| self.view.draw(frame, self.board.as_ref()))?;
            let mut is_waiting = event::poll(INTERVAL)?;
            while is_waiting {
                if let Event::Key(key) = event::read()?
                    && key.kind != KeyEventKind::Release
                    && self.view.press(key, self.board.as_ref()) == Pressed::Quit
                {
                    return Ok(());
                }
                is_waiting = event::poll(std::time::Duration::ZERO)?;
            }
        }
    }

    fn read(&mut self) -> Result<(), CommandError> {
        let (project, open, board) = (self.project, self.open, &mut self.board);
        let mut apply = |run: &str, news| {
            // A run that began later takes the place of the one before; of those that went on before it, nothing is shown.
            if board.as_ref().is_none_or(|board| board.run.as_str() < run) {
                *board = Some(begin(project, open, run));
            }
            let Some(board) = board.as_mut().filter(|board| board.run == run) else { return };
            match news {
                News::Line(line) => board.apply(*line),
                News::Over => board.end(),
            }
        };
        match &mut self.watched {
            Watched::One(followed) => {
                let id = followed.id.clone();
                followed.read(|news| apply(&id, news));
                Ok(())
            }
            Watched::Last(follower) => follower.read(apply),
        }
    }
}

/// The board of a run that may have begun since the project was read.
fn begin(project: &Project, open: Open<'_>, run: &str) -> Board {
    match Project::read(&project.journal, project.here.clone(), open) {
        Ok(project) => Board::new(&project, run),
        Err(_) => Board::new(project, run),
    }
}
