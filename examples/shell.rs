//! Commands as tasks: `PIPEX=prefect.cache cargo run --example shell`, twice.
//!
//! Each text of its own is a command of the shell, whose values need no quotes. Change one, and its outputs are stale.

use std::path::Path;

use pipex::{ShellError, flow, task};

/// Stands for a program that gives much.
#[task(save = false, target = "{path}/{station}.csv")]
fn measure(station: &str, days: u32, #[target] to: &Path) -> Result<(), ShellError> {
    pipex::shell!(
        "seq 1 {days} |
         awk -v station={station} '{{ printf \"%s,%d,%.1f\\n\", station, $1, 20 + length(station) + 10 * sin($1) }}' > {to}"
    )
}

/// Takes the file that another command has written.
#[task(save = false, target = "{path}/{base}-warmest.csv", timeout = "1m")]
fn warmest(measured: &Path, days: u32, #[target] to: &Path) -> Result<(), ShellError> {
    // `sed` reads to the end, and so the pipeline does not fail at what is no longer read, as with `head`.
    pipex::shell!("sort -t , -k 3,3nr {measured} | sed -n 1,{days}p > {to}")
}

/// Gives what the command writes to stdout.
#[task(target = "{path}/{base}-mean.txt")]
fn mean(measured: &Path) -> Result<String, ShellError> {
    pipex::shell!("awk -F , '{{ sum += $3 }} END {{ printf \"%.2f\", sum / NR }}' {measured}", stdout)
}

#[flow(path = "out/shell")]
fn stations() -> pipex::Result<()> {
    let stations = ["Newark", "John F. Kennedy", "LaGuardia"];
    let means: Vec<_> = stations
        .iter()
        .map(|station| {
            let measured = measure(*station, 365).base(*station).submit();
            mean(warmest(measured, 5).submit()).submit()
        })
        .collect();
    for (station, mean) in stations.iter().zip(means) {
        println!("{station}: {} °C on its five warmest days", mean.load()?);
    }
    Ok(())
}

#[pipex::main]
fn main() -> pipex::Result<()> {
    stations()
}
