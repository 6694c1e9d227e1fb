//! What task runs log, until the journal takes it: of each run the first and the last lines.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use pipex_format::journal::Logged;
use tracing::Level;

/// So many bytes of the first lines are kept, and so many of the last; of a line no more than that.
const ROOM: usize = 4 << 10;
/// What a line takes besides its text.
const BESIDES: usize = 64;
/// What stands where a text is cut.
const CUT: &str = "..";

/// A line.
pub(crate) struct LoggedLine {
    pub(crate) at: Instant,
    pub(crate) level: Level,
    pub(crate) text: String,
    /// File and line, where they are known.
    pub(crate) place: Option<String>,
    /// How many lines before this one were not kept.
    left_out: u64,
}

/// The lines of a run.
#[derive(Default)]
struct Lines {
    first: Vec<LoggedLine>,
    /// The bytes that they take.
    taken: usize,
    last: VecDeque<LoggedLine>,
    taken_last: usize,
}

/// By the numbers of the runs that have logged something.
static RUNS: LazyLock<Mutex<HashMap<u64, Lines>>> = LazyLock::new(Mutex::default);
/// How many there are: nearly always none, and then nothing is locked.
static COUNT: AtomicUsize = AtomicUsize::new(0);

fn lock() -> MutexGuard<'static, HashMap<u64, Lines>> {
    RUNS.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LoggedLine {
    pub(crate) fn new(level: Level, text: &str, place: Option<String>) -> Self {
        let beside = BESIDES + CUT.len() + place.as_ref().map_or(0, String::len);
        let end = text.floor_char_boundary(ROOM.saturating_sub(beside));
        let mut kept = text[..end].to_owned();
        if end < text.len() {
            kept.push_str(CUT);
        }
        LoggedLine { at: Instant::now(), level, text: kept, place, left_out: 0 }
    }

    fn size(&self) -> usize {
        BESIDES + self.text.len() + self.place.as_ref().map_or(0, String::len)
    }

    /// As the journal has it, in which times are counted from when the flow run started.
    pub(crate) fn into_line(self, at: impl Fn(Instant) -> f64) -> Logged<'static> {
        Logged::new(at(self.at), self.level.as_str(), self.text, self.place, self.left_out)
    }
}

impl Lines {
    fn push(&mut self, mut line: LoggedLine) {
        let size = line.size();
        if self.last.is_empty() && self.taken + size <= ROOM {
            self.taken += size;
            self.first.push(line);
            return;
        }
        self.taken_last += size;
        while self.taken_last > ROOM {
            let Some(oldest) = self.last.pop_front() else { break };
            self.taken_last -= oldest.size();
            let next = self.last.front_mut().unwrap_or(&mut line);
            next.left_out += oldest.left_out + 1;
        }
        self.last.push_back(line);
    }
}

/// Keeps a line of the run with this number.
pub(crate) fn keep(run: u64, line: LoggedLine) {
    let mut runs = lock();
    runs.entry(run).or_default().push(line);
    COUNT.store(runs.len(), Ordering::Relaxed);
}

/// The lines that were kept of the run with this number, which forgets them.
pub(crate) fn take(run: u64) -> impl Iterator<Item = LoggedLine> {
    // What this very thread has logged it knows of; what others have, and is not known yet, is not waited for.
    let mut lines = Lines::default();
    if COUNT.load(Ordering::Relaxed) > 0 {
        let mut runs = lock();
        lines = runs.remove(&run).unwrap_or_default();
        COUNT.store(runs.len(), Ordering::Relaxed);
    }
    let Lines { first, last, .. } = lines;
    first.into_iter().chain(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep_lines(run: u64, texts: impl IntoIterator<Item = String>) -> Vec<(String, u64)> {
        texts.into_iter().for_each(|text| keep(run, LoggedLine::new(Level::INFO, &text, None)));
        take(run).map(|line| (line.text, line.left_out)).collect()
    }

    #[test]
    fn few_lines_are_kept_and_of_many_the_first_and_the_last() {
        let few: Vec<_> = (0..3).map(|number| (format!("line {number}"), 0)).collect();
        assert_eq!(keep_lines(u64::MAX, few.iter().map(|(text, _)| text.clone())), few);
        assert_eq!(take(u64::MAX).count(), 0);
        let many = keep_lines(u64::MAX - 1, (0..10_000).map(|number| format!("line {number}")));
        let cut = many.iter().position(|(_, left_out)| *left_out > 0).unwrap();
        let (first, last) = many.split_at(cut);
        let number = |(text, _): &(String, u64)| text.strip_prefix("line ").unwrap().parse::<usize>().unwrap();
        assert!(first.iter().map(number).eq(0..cut));
        assert!(last.iter().map(number).eq(10_000 - last.len()..10_000));
        assert_eq!(last[0].1 as usize + many.len(), 10_000);
        assert!(last[1..].iter().all(|(_, left_out)| *left_out == 0));
        let size: usize = many.iter().map(|(text, _)| text.len()).sum();
        assert!(cut > 10 && last.len() > 10 && size < 2 * ROOM);
    }

    #[test]
    fn of_a_long_line_the_beginning_is_kept() {
        let long = "\u{e9}".repeat(ROOM);
        let kept = keep_lines(u64::MAX - 2, [long.clone(), long.clone(), "last".to_owned()]);
        assert_eq!(kept.iter().map(|(_, left_out)| *left_out).collect::<Vec<_>>(), [0, 1]);
        assert!(kept[0].0.ends_with("\u{e9}..") && kept[0].0.len() <= ROOM);
        assert_eq!(kept[1].0, "last");
    }
}
