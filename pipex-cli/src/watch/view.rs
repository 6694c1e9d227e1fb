//! What is seen of a run that is watched, and what keys change of that.

use ratatui::Frame;
use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::board::{Board, Progress};
use crate::print::{format_seconds, make_visible};
use crate::timeline::TimedRun;

/// What of it is looked at.
#[derive(Default)]
pub struct View {
    selected: usize,
    /// The task function whose runs are listed.
    opened: Option<String>,
    /// What the names of those must have.
    filter: String,
    is_typing: bool,
}

/// What a key has come to.
#[derive(PartialEq, Eq)]
pub enum Pressed {
    Nothing,
    Quit,
}

const BAR: usize = 20;
const KEYS: &str = "q quit  ↑↓ select  enter open  / filter  esc back";

impl View {
    pub fn press(&mut self, key: KeyEvent, board: Option<&Board>) -> Pressed {
        let ends = key.code == KeyCode::Char('c') && key.modifiers.contains(KeyModifiers::CONTROL);
        match key.code {
            _ if ends => return Pressed::Quit,
            KeyCode::Enter | KeyCode::Esc if self.is_typing => {
                self.is_typing = false;
                if key.code == KeyCode::Esc {
                    self.filter.clear();
                }
            }
            KeyCode::Backspace if self.is_typing => _ = self.filter.pop(),
            KeyCode::Char(typed) if self.is_typing => {
                self.filter.push(typed);
                self.selected = 0;
            }
            KeyCode::Char('q') => return Pressed::Quit,
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Down | KeyCode::Char('j') => self.selected += 1,
            KeyCode::Up | KeyCode::Char('k') => self.selected = self.selected.saturating_sub(1),
            KeyCode::PageDown => self.selected += 10,
            KeyCode::PageUp => self.selected = self.selected.saturating_sub(10),
            KeyCode::Enter if self.opened.is_none() => {
                let shown = board.map(|board| self.functions(board)).unwrap_or_default();
                self.opened = shown.into_iter().nth(self.selected).map(|progress| progress.name);
                self.restart();
            }
            KeyCode::Esc | KeyCode::Backspace | KeyCode::Left => {
                self.opened = None;
                self.restart();
            }
            _ => {}
        }
        Pressed::Nothing
    }

    fn restart(&mut self) {
        self.filter.clear();
        self.selected = 0;
    }

    fn matches(&self, name: &str) -> bool {
        self.filter.is_empty() || name.to_lowercase().contains(&self.filter.to_lowercase())
    }

    fn functions(&self, board: &Board) -> Vec<Progress> {
        board.progress().into_iter().filter(|progress| self.opened.is_some() || self.matches(&progress.name)).collect()
    }

    pub fn draw(&mut self, frame: &mut Frame<'_>, board: Option<&Board>) {
        let [head, body, foot] =
            Layout::vertical([Constraint::Length(1), Constraint::Min(0), Constraint::Length(1)]).areas(frame.area());
        let foot_text =
            if self.is_typing || !self.filter.is_empty() { format!("/{}", self.filter) } else { KEYS.to_owned() };
        frame.render_widget(Line::styled(foot_text, Style::new().add_modifier(Modifier::DIM)), foot);
        let Some(board) = board else {
            frame.render_widget(Line::raw("no run goes on: one that begins is shown"), head);
            return;
        };
        frame.render_widget(title(board), head);
        match self.opened.clone() {
            Some(function) => self.draw_function(frame, body, board, &function),
            None => self.draw_overview(frame, body, board),
        }
    }

    fn draw_overview(&mut self, frame: &mut Frame<'_>, area: Rect, board: &Board) {
        let functions = self.functions(board);
        self.selected = self.selected.min(functions.len().saturating_sub(1));
        let names = functions.iter().map(|it| make_visible(&it.name).chars().count()).max().unwrap_or(0).max(4);
        let head = format!(
            "  {:names$}  {:BAR$}  {:>11}  {:>7}  {:>6}  {:>6}  {:>7}",
            "task", "", "done", "running", "cached", "failed", "skipped"
        );
        let mut lines = vec![Line::styled(head, Style::new().add_modifier(Modifier::BOLD))];
        lines.extend(functions.iter().enumerate().map(|(place, it)| draw_progress(it, names, place == self.selected)));
        lines.extend(draw_list("running", &board.running(), |run| {
            format!("{}  {}", run.name, format_seconds(board.timeline.seconds(run)))
        }));
        lines.extend(draw_list("failed", &board.failures(), |run| {
            format!("{}  {}", run.name, first_line(run.error.as_deref().unwrap_or_default()))
        }));
        frame.render_widget(Paragraph::new(lines), area);
    }

    /// The task runs of a task function.
    fn draw_function(&mut self, frame: &mut Frame<'_>, area: Rect, board: &Board, function: &str) {
        let timeline = &board.timeline;
        let of_it = timeline.runs.iter().filter(|run| timeline.function_name(run) == function);
        let runs: Vec<_> = of_it.filter(|run| self.matches(&run.name)).collect();
        self.selected = self.selected.min(runs.len().saturating_sub(1));
        let mut lines = vec![Line::styled(
            format!("  {} of {function}", crate::print::format_count(runs.len(), "task run")),
            Style::new().add_modifier(Modifier::BOLD),
        )];
        // What is selected stays in sight.
        let room = usize::from(area.height).saturating_sub(1).max(1);
        let from = self.selected.saturating_sub(room - 1);
        for (place, run) in runs.iter().enumerate().skip(from).take(room) {
            let mut text = format!(
                "{:13} {:>10}  {}",
                format!("{:?}", run.state),
                format_seconds(timeline.seconds(run)),
                run.name
            );
            if let Some(error) = &run.error {
                text = format!("{text}  {}", first_line(error));
            }
            let style = if place == self.selected { Style::new().add_modifier(Modifier::REVERSED) } else { color(run) };
            let mark = if place == self.selected { "> " } else { "  " };
            lines.push(Line::styled(format!("{mark}{}", make_visible(&text)), style));
        }
        frame.render_widget(Paragraph::new(lines), area);
    }
}

fn title(board: &Board) -> Line<'static> {
    let (state, color) = match board.ended {
        None => ("running", Color::Blue),
        Some("completed") => ("completed", Color::Green),
        Some(state) => (state, Color::Red),
    };
    let mut rest = format!("  {}  {}", board.run, format_seconds(board.timeline.until));
    if let Some(left) = board.seconds_left() {
        rest.push_str(&format!(", about {left:.0} s more"));
    }
    Line::from(vec![
        Span::styled(make_visible(&board.flow).into_owned(), Style::new().add_modifier(Modifier::BOLD)),
        Span::raw("  "),
        Span::styled(state, Style::new().fg(color)),
        Span::raw(make_visible(&rest).into_owned()),
    ])
}

fn draw_progress(progress: &Progress, names: usize, is_selected: bool) -> Line<'static> {
    let (done, total) = (progress.done(), progress.total);
    let filled = (BAR * done).checked_div(total).unwrap_or(0);
    let bar_color = if progress.failed + progress.skipped > 0 { Color::Red } else { Color::Green };
    let number = |number: usize| if number == 0 { "-".to_owned() } else { number.to_string() };
    let Progress { running, cached, failed, skipped, .. } = progress;
    let numbers = format!(
        "  {:>11}  {:>7}  {:>6}  {:>6}  {:>7}",
        format!("{done}/{total}"),
        number(*running),
        number(*cached),
        number(*failed),
        number(*skipped)
    );
    let style = if is_selected { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
    let name = make_visible(&progress.name).into_owned();
    Line::from(vec![
        Span::styled(format!("{}{name:names$}  ", if is_selected { "> " } else { "  " }), style),
        Span::styled("█".repeat(filled), Style::new().fg(bar_color)),
        Span::styled("░".repeat(BAR - filled), Style::new().add_modifier(Modifier::DIM)),
        Span::raw(numbers),
    ])
}

/// As many are listed.
const LISTED: usize = 8;

fn draw_list(title: &str, runs: &[&TimedRun], text: impl Fn(&TimedRun) -> String) -> Vec<Line<'static>> {
    if runs.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![Line::raw(""), Line::styled(format!("  {title}"), Style::new().add_modifier(Modifier::BOLD))];
    let line = |run: &&TimedRun| Line::styled(format!("  {}", make_visible(&text(run))), color(run));
    lines.extend(runs.iter().take(LISTED).map(line));
    if runs.len() > LISTED {
        lines.push(Line::raw(format!("  and {} more", runs.len() - LISTED)));
    }
    lines
}

fn color(run: &TimedRun) -> Style {
    match run.state {
        state if state.is_success() => Style::new(),
        state if state.has_ended() => Style::new().fg(Color::Red),
        _ => Style::new().fg(Color::Blue),
    }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

    use super::*;
    use crate::project::Project;
    use pipex_format::journal;

    /// The second run of `tests/fixtures/seen`, up to this line.
    fn board(lines: usize) -> Board {
        let fixture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/fixtures/seen");
        let runs = journal::runs(&fixture.join("journal")).unwrap();
        let project = Project::read_runs(&fixture.join("journal"), fixture.clone(), &|_| None, runs);
        let run = &project.runs[1];
        let mut board = Board::new(&project, &run.id);
        let mut left = lines;
        crate::reading::read(&run.path, |line| {
            if left > 0 {
                board.apply(line);
                left -= 1;
            }
        })
        .unwrap();
        board
    }

    /// The screen, without what is empty at the ends of lines.
    fn screen(view: &mut View, board: &Board) -> String {
        let mut terminal = Terminal::new(TestBackend::new(80, 18)).unwrap();
        terminal.draw(|frame| view.draw(frame, Some(board))).unwrap();
        let buffer = terminal.backend().buffer();
        let row = |y: u16| (0..80).map(|x| buffer[(x, y)].symbol()).collect::<String>().trim_end().to_owned() + "\n";
        (0..18).map(row).collect()
    }

    fn press(view: &mut View, board: &Board, keys: &[KeyCode]) -> bool {
        let mut quits = false;
        for key in keys {
            quits |= view.press(KeyEvent::new(*key, KeyModifiers::NONE), Some(board)) == Pressed::Quit;
        }
        quits
    }

    #[test]
    fn the_guide_shows_the_screen_as_it_is() {
        let screen = screen(&mut View::default(), &board(17));
        let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/seeing.md");
        let guide = fs::read_to_string(guide).unwrap();
        assert!(guide.contains(&screen), "docs/src/seeing.md has no such block:\n{screen}");
    }

    #[test]
    fn keys_select_open_filter_and_leave() {
        let (mut view, board) = (View::default(), board(usize::MAX));
        assert!(screen(&mut view, &board).contains("> read "));
        press(&mut view, &board, &[KeyCode::Down]);
        assert!(screen(&mut view, &board).contains("> clean "));
        // Further than there are.
        press(&mut view, &board, &[KeyCode::PageDown]);
        assert!(screen(&mut view, &board).contains("> report "));
        press(&mut view, &board, &[KeyCode::Char('/'), KeyCode::Char('c'), KeyCode::Char('l'), KeyCode::Enter]);
        let filtered = screen(&mut view, &board);
        assert!(
            filtered.contains("clean") && filtered.contains("climate") && !filtered.contains("report  "),
            "{filtered}"
        );
        press(&mut view, &board, &[KeyCode::Enter]);
        let opened = screen(&mut view, &board);
        assert!(
            opened.contains("3 task runs of clean") && opened.contains("line 4711: \"no\" is no number"),
            "{opened}"
        );
        press(&mut view, &board, &[KeyCode::Char('/'), KeyCode::Char('q'), KeyCode::Esc, KeyCode::Esc]);
        assert!(screen(&mut view, &board).contains("> read "));
        assert!(press(&mut view, &board, &[KeyCode::Char('q')]));
    }

    #[test]
    fn names_are_no_commands_to_the_terminal() {
        let mut board = board(usize::MAX);
        board.timeline.functions[0] = "re\u{1b}[2Jad".to_owned();
        board.flow = "a\u{202e}b".to_owned();
        let screen = screen(&mut View::default(), &board);
        assert!(screen.contains("re\\u{1b}[2Jad") && screen.contains("a\\u{202e}b"), "{screen}");
    }
}
