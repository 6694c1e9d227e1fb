//! What the page takes: its picture, and figures for docs/src/performance.md. `tests/command/browser measure` has
//! all of them; none decides anything.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use pipex::{Config, flow, task};

use crate::Desk;
use crate::chromium::Browser;
use crate::page::{Served, forge_run};

/// The weather example, built as users build it.
fn weather(desk: &Desk) -> Command {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let build = ["build", "--quiet", "--release", "--example", "weather"];
    assert!(Command::new(env!("CARGO")).args(build).current_dir(&project).status().unwrap().success());
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| project.join("target"), Into::into);
    let mut command = Command::new(target.join("release/examples/weather"));
    command
        .arg("out")
        .current_dir(desk.path())
        .env("PIPEX", "prefect.cache")
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if !desk.file("examples").exists() {
        std::os::unix::fs::symlink(project.join("examples"), desk.file("examples")).unwrap();
    }
    command
}

#[test]
#[ignore = "it measures, and makes docs/src/ui.png"]
fn the_weather_is_open_and_drawn() {
    // In a directory of somebody who has no others: the picture shows what it is called.
    let home = tempfile::tempdir().unwrap();
    let desk = Desk(tempfile::Builder::new().prefix("weather").rand_bytes(0).tempdir_in(&home).unwrap());
    assert!(weather(&desk).status().unwrap().success());
    let began = Instant::now();
    let served = Served::start_by(desk.command().arg("ui").env("HOME", home.path()));
    let started = began.elapsed().as_millis();
    let mut drawn: Vec<u64> = Vec::new();
    let mut browser = Browser::open("about:blank");
    for _ in 0..5 {
        browser.navigate(&served.address);
        browser.until("document.body.dataset.tasks === '2198'");
        drawn.push(browser.until("document.body.dataset.drawn").as_str().unwrap().parse().unwrap());
    }
    drawn.sort_unstable();
    println!("2,196 task runs: served after {started} ms, open and drawn after {} ms ({drawn:?})", drawn[2]);
    browser.evaluate("location.hash = '#task=out/climate/EWR.csv&function=climate'; true");
    browser.until("document.querySelector('.output table')");
    browser.save_picture(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/src/ui.png"));
}

#[test]
#[ignore = "it measures"]
fn ten_thousand_are_scrolled_and_filtered() {
    let desk = Desk::new();
    forge_run(&desk, 10_000);
    let served = Served::start(&desk, "");
    let mut browser = Browser::open(&format!("{}#view=tasks", served.address));
    browser.until("document.getElementById('count')?.innerText === '10000 task runs'");
    let filter = "(() => { const all = []; const search = document.getElementById('search'); \
                  for (const text of ['o', 'one 7', 'one 777', 'number', '9999', '']) { const began = performance.now(); \
                  search.value = text; search.dispatchEvent(new Event('input')); document.body.offsetHeight; \
                  all.push(performance.now() - began); } return Math.max(...all); })()";
    let scroll = "(async () => { const all = []; const list = document.querySelector('.list'); const frame = () => new Promise(requestAnimationFrame); \
                  for (let top = 0; top < 280000; top += 14000) { await frame(); const began = performance.now(); list.scrollTop = top; \
                  list.dispatchEvent(new Event('scroll')); await frame(); document.body.offsetHeight; all.push(performance.now() - began); } \
                  return Math.max(...all); })()";
    for (what, script) in [("filtered", filter), ("scrolled", scroll)] {
        println!("10,000 task runs: {what} in {:.1} ms at most", browser.evaluate(script).as_f64().unwrap());
    }
}

/// Enough to do that it takes some seconds on two workers.
#[task(target = "{path}/{funcname}/{number}")]
fn spin(number: u32) -> u32 {
    let began = Instant::now();
    while began.elapsed() < Duration::from_millis(5) {
        std::hint::spin_loop();
    }
    number
}

#[task(target = "{path}/{funcname}/{number}")]
fn double(from: u32, number: u32) -> u32 {
    from + number
}

#[flow(path = "out")]
fn spinning() -> pipex::Result<()> {
    (0..2_000).for_each(|number| drop(double(spin(number).submit(), number).submit()));
    Ok(())
}

#[test]
#[ignore = "the pipeline of the test below"]
fn spinning_pipeline() {
    Config::new().workers(2).quiet(true).scope(spinning).unwrap();
}

/// The seconds of the processor that a process and all that it has started took by now.
fn processor_seconds(process: u32) -> f64 {
    let stat = |process: &str| {
        let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
        // Behind the name, which may have anything: state, parent, and so on.
        let fields: Vec<i64> =
            stat.rsplit(')').next()?.split_whitespace().skip(1).map_while(|it| it.parse().ok()).collect();
        Some((process.parse::<u32>().ok()?, fields[0] as u32, fields[10] + fields[11]))
    };
    let all = fs::read_dir("/proc").unwrap().filter_map(|entry| stat(entry.ok()?.file_name().to_str()?));
    let all: Vec<_> = all.collect();
    let (mut open, mut ticks) = (vec![process], 0);
    while let Some(next) = open.pop() {
        ticks += all.iter().filter(|(it, ..)| *it == next).map(|(.., ticks)| ticks).sum::<i64>();
        open.extend(all.iter().filter(|(_, parent, _)| *parent == next).map(|(it, ..)| *it));
    }
    ticks as f64 / 100.0
}

/// What following a run costs it, in turns with runs that nobody follows.
fn measure_following(what: &str, turns: usize, desk: &Desk, program: impl Fn() -> Command) {
    let mut number = 0;
    let mut run = || {
        // Not removed: on ext4, new files cost more for a while after others were.
        let _ = fs::rename(desk.file("out"), desk.file(&format!("out-{number}")));
        number += 1;
        let mut command = program();
        let began = Instant::now();
        assert!(command.stdout(Stdio::null()).status().unwrap().success());
        began.elapsed().as_secs_f64()
    };
    run();
    let served = Served::start(desk, "");
    let mut browser = Browser::open("about:blank");
    let took = |browser: &Browser| [processor_seconds(served.id()), processor_seconds(browser.id())];
    let (mut alone, mut followed, mut costs) = (Vec::new(), Vec::new(), [Vec::new(), Vec::new()]);
    for _ in 0..turns {
        browser.navigate("about:blank");
        alone.push(run());
        browser.navigate(&served.address);
        browser.until("document.body.dataset.drawn");
        let before = took(&browser);
        followed.push(run());
        let after = took(&browser);
        // While it went on: what they do when it is over costs it nothing.
        costs
            .iter_mut()
            .zip(before.into_iter().zip(after))
            .for_each(|(costs, (before, after))| costs.push(after - before));
        browser.until("document.querySelector('#head .chip').innerText === 'completed'");
    }
    let median = |times: &mut Vec<f64>| {
        times.sort_unstable_by(f64::total_cmp);
        times[times.len() / 2]
    };
    let (alone, followed) = (median(&mut alone), median(&mut followed));
    println!("{what}: {alone:.3} s alone, {followed:.3} s while a page shows it: {:.3}", followed / alone);
    let [server, browser] = costs.map(|mut costs| median(&mut costs));
    let share = 100.0 * (server + browser) / 2.0 / followed;
    println!(
        "  meanwhile the server took {server:.2} s of a processor, the browser {browser:.2} s: {share:.1} % of two"
    );
}

#[test]
#[ignore = "it measures"]
fn a_short_run_that_is_followed_beside_one_that_is_not() {
    let desk = Desk::new();
    measure_following("the weather example, 2,196 task runs", 11, &desk, || weather(&desk));
}

#[test]
#[ignore = "it measures"]
fn a_longer_run_that_is_followed_beside_one_that_is_not() {
    let desk = Desk::new();
    measure_following("4,000 task runs, half of them of 5 ms", 5, &desk, || {
        let mut command = desk.pipeline("measure::spinning_pipeline");
        command.env("PIPEX", "prefect.cache");
        command
    });
}
