//! Commands of the shell, as users write them.

/// Runs a command of the shell, with values of variables in it. As the body of a task:
///
/// ```
/// use std::path::Path;
/// use pipex::{ShellError, task};
///
/// #[task(save = false, target = "{path}/{base}.sorted", timeout = "10m")]
/// fn sort(input: &Path, column: u32, #[target] to: &Path) -> Result<(), ShellError> {
///     pipex::shell!("grep -v '^#' {input} | sort -k {column} > {to}")
/// }
///
/// #[task(target = "{path}/{base}-lines.txt")]
/// fn count(input: &Path) -> Result<String, ShellError> {
///     pipex::shell!("wc -l < {input}", stdout)
/// }
/// # let dir = tempfile::tempdir()?;
/// # let input = dir.path().join("it's input");
/// # std::fs::write(&input, "# a\nb 2\nc 1\n")?;
/// # pipex::Config::new().mode(pipex::Mode::Cache).path(dir.path()).journal(dir.path().join("j")).scope(|| {
/// let sorted = sort(&input, 2).base("rows").run()?;
/// assert_eq!(std::fs::read_to_string(sorted.location().unwrap().path())?, "c 1\nb 2\n");
/// assert_eq!(count(&input).base("rows").run()?.load()?.trim(), "3");
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
///
/// The value is a `Result<(), ShellError>`; with `stdout` behind the command, a `Result<String, ShellError>` of what it wrote
/// there.
///
/// # The command
///
/// `bash`, or `sh` where there is none, runs it as `bash -euo pipefail -c`: it fails at the first command that does, one within
/// a pipeline included, and at a variable that is not set. Its stdin is empty. Lines that it writes to stderr and stdout are
/// logged, with the task run's name; the end of stderr is in the error. It has ended when all has that writes there; what then
/// is left in its process group is killed.
///
/// # Values
///
/// `{name}`, `{name.field}` and `{name:format}` are of variables in scope: paths (byte for byte), texts, numbers and whatever
/// has a text (`Display`). A `Vec`, a slice or an `Option` gives as many words as it has values. Whatever a value is, the shell
/// does not read it as code, and it stays one word: no quotes around it are needed. Within double quotes and here-documents it
/// goes in as it is; within single quotes it is refused. What the shell is told to read again (`eval`, `sh -c`, `[[ .. -eq ]]`) is
/// the command's business, as is a value that begins with `-`. Braces that are the shell's own are doubled:
/// `awk '{{print $1}}'`, `${{HOME}}`.
///
/// # How it ends
///
/// It is stopped with all that it has started (SIGTERM to its process group, and SIGKILL two seconds later) when the task's
/// `timeout` passes, and when the program ends, for whatever reason: Ctrl-C, after the time that tasks are given to end, an error,
/// a panic, SIGKILL. Only what leaves the process group (`setsid`) is not. It blocks its thread: call it in functions that are not
/// `async`.
///
/// # Errors
/// [`ShellError`](crate::ShellError): it has failed, or could not be started.
#[cfg(feature = "shell")]
#[macro_export]
macro_rules! shell {
    ($($command:tt)*) => {
        $crate::internal::expand_shell!(($crate) $($command)*)
    };
}

/// What `shell!` needs is not there.
#[cfg(not(feature = "shell"))]
#[doc(hidden)]
#[macro_export]
macro_rules! shell {
    ($($command:tt)*) => {
        compile_error!("`shell!` needs pipex's cargo feature `shell`, which is on by default")
    };
}
