//! Commands as tasks: `PIPEX=prefect.cache cargo run --example shell`, twice.
//!
//! Each text of its own is a command of the shell, whose values need no quotes. Change one, and its outputs are stale.

use std::path::{Path, PathBuf};

use pipex::{Output, ShellError, flow, task};

/// Stands for a program that gives much.
#[task(save = false, target = "{path}/{station}.csv")]
fn measure(station: &str, days: u32, #[target] to: &Path) -> Result<(), ShellError> {
    pipex::shell!(
        "seq 1 {days} |
         awk -v station={station} '{{ printf \"%s,%d,%.1f\\n\", station, $1, 20 + length(station) + 10 * sin($1) }}' > {to}"
    )
}

/// Takes several files: so many words.
#[task(save = false, target = "{path}/warmest.csv", timeout = "1m")]
fn warmest(measured: &[PathBuf], count: u32, #[target] to: &Path) -> Result<(), ShellError> {
    // `sed` reads to the end, and so the pipeline does not fail at what it no longer reads, as with `head`.
    pipex::shell!("sort -t , -k 3,3nr -k 1,2 {measured} | sed -n 1,{count}p > {to}")
}

/// Gives what the command writes to stdout.
#[task(target = "{path}/lines.txt")]
fn count(rows: &Path) -> Result<String, ShellError> {
    pipex::shell!("wc -l < {rows}", stdout)
}

/// The file that a command has written.
fn file(output: &Output<()>) -> pipex::Result<PathBuf> {
    output.wait()?;
    Ok(output.location().expect("it has a `#[target]`").path().to_owned())
}

#[flow(path = "out/shell")]
fn stations() -> pipex::Result<(PathBuf, String)> {
    let stations = ["Newark", "John F. Kennedy", "LaGuardia"];
    let measured: Vec<_> = stations.iter().map(|station| measure(*station, 365).submit()).collect();
    let measured: Vec<_> = measured.iter().map(file).collect::<pipex::Result<_>>()?;
    let warmest = file(&warmest(measured, 5).run()?)?;
    let count = count(&warmest).run()?.load()?;
    Ok((warmest, count))
}

#[pipex::main]
fn main() -> pipex::Result<()> {
    let (warmest, count) = stations()?;
    println!("{} has {} days", warmest.display(), count.trim());
    Ok(())
}
