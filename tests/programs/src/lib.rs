//! What the programs do, whatever their `main` is.

use std::io::stdin;

use pipex::{Config, Error, flow, task};

/// A task that workers may run.
#[task(remote, target = "{path}/number/{x}")]
pub fn number(x: u32) -> u32 {
    x
}

/// Says that it runs, and ends when there is a line.
#[task(target = "{path}/held")]
fn held() -> bool {
    println!("held");
    stdin().lines().next().is_some()
}

#[flow(path = "out")]
fn holds() -> pipex::Result<bool> {
    held().run()?.load()
}

/// Needs the data of two runs.
#[flow(path = "out")]
fn numbers() -> pipex::Result<u32> {
    let (one, two) = (number(1).submit(), number(2).submit());
    Ok(one.load()? + two.load()?)
}

/// Says that it runs.
#[task(target = "{path}/total")]
fn total(numbers: Vec<u32>) -> u32 {
    println!("adding up");
    numbers.iter().sum()
}

/// Its target is relative, without a `path`.
#[task(target = "plain/{x}.txt")]
fn plain(x: u32) -> String {
    println!("writing {x}");
    format!("{x}\n")
}

#[flow(path = "out")]
fn totals() -> pipex::Result<u32> {
    let numbers = vec![number(1).submit(), number(2).submit()];
    plain(7).run()?;
    let total = total(numbers).run()?;
    if let Some(location) = total.location() {
        println!("at {location}: {}", location.path().exists());
    }
    total.load()
}

/// What `main` does.
///
/// # Errors
/// Those of its flow.
pub fn run() -> pipex::Result<()> {
    match std::env::args().nth(1).as_deref() {
        Some("totals") => println!("{}", totals()?),
        Some("totals-elsewhere") => println!("{}", Config::new().path("configured").scope(totals)?),
        Some("holds") => println!("{}", holds()?),
        Some("holds-signals-on") => println!("{}", Config::new().signals(true).scope(holds)?),
        Some("holds-signals-off") => println!("{}", Config::new().signals(false).scope(holds)?),
        // The dry run's error is not what it ends with.
        Some("another-error") => {
            let _ = numbers();
            return Err(Error::Mode { value: "another".to_owned() });
        }
        _ => println!("{}", numbers()?),
    }
    println!("main went on");
    Ok(())
}
