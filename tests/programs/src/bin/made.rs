//! A flow of which outputs can be made one by one.

use pipex::{Output, flow, task};

#[task(target = "{path}/raw/{day}")]
fn raw(day: u32) -> u32 {
    println!("raw {day}");
    day
}

#[task(target = "{path}/clean/{day}", tags = ["clean"])]
async fn clean(raw: u32, day: u32) -> u32 {
    println!("clean {day}");
    raw
}

#[task(target = "{path}/plot/{day}")]
fn plot(clean: u32, day: u32) -> Result<u32, std::io::Error> {
    println!("plot {day}");
    if day == 4 { Err(std::io::Error::other("no ink")) } else { Ok(clean) }
}

#[task(target(low = "{path}/low", high = "{path}/high"))]
fn split(all: Vec<u32>) -> (Vec<u32>, Vec<u32>) {
    println!("split");
    all.into_iter().partition(|day| *day < 2)
}

#[task(target = "{path}/sum")]
fn sum(all: Vec<u32>) -> u32 {
    println!("sum");
    all.iter().sum()
}

#[task(target = "{path}/report")]
fn report(sum: u32) -> u32 {
    println!("report");
    sum
}

#[task(target = "{path}/last")]
fn last(report: u32) -> u32 {
    println!("last");
    report
}

/// Cleans and plots days.
#[pipex::main]
#[flow(path = "out")]
fn days(#[arg(default = 3)] days: u32) -> pipex::Result<u32> {
    let mut cleaned: Vec<Output<u32>> = Vec::new();
    for day in 1..=days {
        let clean = clean(raw(day).lazy(), day).submit();
        plot(clean.clone(), day).submit();
        cleaned.push(clean);
    }
    let (_low, _high) = split(cleaned.clone()).submit();
    let report = report(sum(cleaned).submit()).run()?;
    println!("the flow goes on");
    let last = last(report).submit().load()?;
    println!("the flow ends");
    Ok(last)
}
