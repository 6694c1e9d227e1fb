//! A pipeline that changes between runs: its grid, a helper, what is called, what fails.

use std::process::Output as Ended;

use pipex::{Output, flow, task};

use crate::Desk;

fn first(x: u64, y: u64) -> Output<u64> {
    #[pipex::helper]
    fn scale(x: u64) -> u64 {
        10 * x
    }
    #[task(target = "{path}/cell/{x}-{y}.json", uses(scale))]
    fn cell(x: u64, y: u64) -> Result<u64, String> {
        if fails(x) { Err(format!("no value for {x}")) } else { Ok(scale(x) + y) }
    }
    cell(x, y).submit()
}

/// The same with another helper.
fn second(x: u64, y: u64) -> Output<u64> {
    #[pipex::helper]
    fn scale(x: u64) -> u64 {
        // Twice as much.
        20 * x
    }
    #[task(target = "{path}/cell/{x}-{y}.json", uses(scale))]
    fn cell(x: u64, y: u64) -> Result<u64, String> {
        if fails(x) { Err(format!("no value for {x}")) } else { Ok(scale(x) + y) }
    }
    cell(x, y).submit()
}

fn fails(x: u64) -> bool {
    std::env::var("FAILS").is_ok_and(|fails| fails == x.to_string())
}

#[task(target = "{path}/row/{x}")]
fn row(cells: Vec<u64>, x: u64) -> u64 {
    cells.iter().sum::<u64>() + x
}

#[task(target = "{path}/total.json")]
fn total(rows: Vec<u64>) -> u64 {
    rows.iter().sum()
}

const HEIGHT: u64 = 12;

/// A row for each of these.
#[flow(path = "out")]
fn grid(xs: &[u64], version: &str) -> pipex::Result<u64> {
    let cell = if version == "second" { second } else { first };
    let rows = xs.iter().map(|x| {
        let cells: Vec<_> = (0..HEIGHT).map(|y| cell(*x, y)).collect();
        row(cells, *x).submit()
    });
    total(rows.collect::<Vec<_>>()).run()?.load()
}

/// A flow that is called for each of its columns.
#[flow(path = "columns")]
fn column(x: u64) -> pipex::Result<()> {
    first(x, 0).wait()
}

/// Another flow, which takes some of the same.
#[flow(path = "out")]
fn other(x: u64) -> pipex::Result<()> {
    first(x, 0).wait()
}

#[test]
#[ignore = "the pipeline of the tests of other files"]
fn pipeline() {
    println!();
    let [what, xs, version] = ["WHAT", "XS", "VERSION"].map(|name| std::env::var(name).unwrap_or_default());
    let xs: Vec<u64> = xs.split(',').filter_map(|x| x.parse().ok()).collect();
    let ended = match what.as_str() {
        "columns" => xs.into_iter().try_for_each(column),
        "other" => xs.into_iter().try_for_each(other),
        "outside" => {
            let path = std::env::var("OUTSIDE").unwrap_or("outside".to_owned());
            pipex::Config::new().path(path).scope(|| xs.into_iter().try_for_each(|x| first(x, 0).wait()))
        }
        _ => grid(&xs, &version).map(drop),
    };
    match ended {
        Ok(()) => println!("ended well"),
        Err(error) => println!("ended with an error: {error:?}"),
    }
}

impl Desk {
    /// Runs the grid with these values of x.
    pub fn grid(&self, xs: &str, settings: &[(&str, &str)]) -> Ended {
        let mut pipeline = self.pipeline("grid::pipeline");
        pipeline.env("XS", xs).envs(settings.iter().copied()).output().unwrap()
    }
}
