//! The process groups of commands: each ends with its command, and all end with the program.

use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use rustix::io::retry_on_intr;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};

use super::MOMENT;

/// A command and all that it has started.
pub(super) struct Group {
    child: Child,
    leader: Pid,
}

/// Those that have not ended.
static RUNNING: Mutex<Running> = Mutex::new(Running { leaders: Vec::new(), guard: None, ending: false });
/// There is one less.
static ENDED: Condvar = Condvar::new();

struct Running {
    leaders: Vec<Pid>,
    guard: Option<Guard>,
    /// The program ends: none of them matters any longer.
    ending: bool,
}

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Group {
    /// Starts a command, which waits for a line on its stdin: it does nothing before it is known what stops it.
    pub(super) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.stdin(Stdio::piped()).process_group(0).spawn()?;
        let (begins, leader) = (child.stdin.take(), Pid::from_child(&child));
        let group = Group { child, leader };
        let mut running = running();
        running.leaders.push(leader);
        running.guard.get_or_insert_with(Guard::start).tell('+', leader);
        if let Some(mut begins) = begins.filter(|_| !running.ending) {
            // Else it has ended already, which is found out.
            let _ = begins.write_all(b"\n");
        }
        Ok(group)
    }

    pub(super) fn outputs(&mut self) -> (Option<ChildStdout>, Option<ChildStderr>) {
        (self.child.stdout.take(), self.child.stderr.take())
    }

    /// Waits until the command itself is gone. Its number stays its own until [`end`](Group::end).
    pub(super) fn exited(&self) -> impl FnOnce() + Send + 'static {
        let leader = self.leader;
        move || {
            // Where that cannot be said, it is gone already.
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            let _ = retry_on_intr(|| waitid(WaitId::Pid(leader), options));
        }
    }

    pub(super) fn terminate(&self) {
        signal(self.leader, Signal::TERM);
    }

    pub(super) fn kill(&self) {
        signal(self.leader, Signal::KILL);
    }

    /// Kills what is left of it; how the command itself has ended. Where the program ends, this does not.
    pub(super) fn end(mut self) -> io::Result<ExitStatus> {
        self.kill();
        self.child.wait()
    }
}

/// What could not be watched goes as well.
impl Drop for Group {
    fn drop(&mut self) {
        // Once it has been waited for, its number may be another's.
        if matches!(self.child.try_wait(), Ok(None)) {
            self.kill();
            let _ = self.child.wait();
        }
        let mut running = running();
        running.leaders.retain(|leader| *leader != self.leader);
        if let Some(guard) = &mut running.guard {
            guard.tell('-', self.leader);
        }
        let ending = running.ending;
        drop(running);
        ENDED.notify_all();
        // What was stopped has not failed: nobody is to hear of it.
        if ending {
            loop {
                thread::park();
            }
        }
    }
}

/// A group that is gone needs no signal.
fn signal(leader: Pid, signal: Signal) {
    let _ = kill_process_group(leader, signal);
}

/// Stops all of them, since the program ends; the second time at once.
pub(crate) fn stop() {
    let mut running = running();
    if !std::mem::replace(&mut running.ending, true) {
        running.leaders.iter().for_each(|leader| signal(*leader, Signal::TERM));
        let waited = ENDED.wait_timeout_while(running, MOMENT, |running| !running.leaders.is_empty());
        (running, _) = waited.unwrap_or_else(PoisonError::into_inner);
    }
    running.leaders.iter().for_each(|leader| signal(*leader, Signal::KILL));
}

/// A process that outlives this one, however it ends, and then stops its commands: all that it knows comes by a pipe, which ends
/// with this process.
struct Guard(Option<(Child, ChildStdin)>);

/// Lines `+ GROUP` and `- GROUP` say what runs.
const GUARD: &str = r#"# Stops what pipex has started, when pipex has ended.
trap '' HUP INT QUIT TERM
running=
while read -r change group; do
    others=
    for other in $running; do [ "$other" = "$group" ] || others="$others $other"; done
    running=$others
    [ "$change" = - ] || running="$running $group"
done
[ "$running" ] || exit 0
for group in $running; do kill -s TERM -- "-$group"; done
sleep 2
for group in $running; do kill -s KILL -- "-$group"; done
"#;

impl Guard {
    /// Where it cannot be had, commands go on that a kill of this process has left behind.
    fn start() -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", GUARD]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let started = command.current_dir("/").process_group(0).spawn();
        let started = started.inspect_err(|error| {
            tracing::warn!(target: "pipex", "cannot start what stops commands if this program is killed: {error}");
        });
        Guard(started.ok().and_then(|mut child| child.stdin.take().map(|stdin| (child, stdin))))
    }

    fn tell(&mut self, change: char, leader: Pid) {
        if let Some((_, stdin)) = &mut self.0 {
            let _ = writeln!(stdin, "{change} {}", leader.as_raw_nonzero());
        }
    }
}
