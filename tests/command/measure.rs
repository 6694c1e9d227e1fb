//! What the page takes: its picture, and figures for docs/src/performance.md. `tests/command/browser measure` has
//! all of them; none decides anything.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

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
    let desk = Desk::new();
    assert!(weather(&desk).status().unwrap().success());
    let began = Instant::now();
    let served = Served::start(&desk, "");
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

#[test]
#[ignore = "it measures"]
fn a_run_that_is_followed_beside_one_that_is_not() {
    let desk = Desk::new();
    assert!(weather(&desk).status().unwrap().success());
    let run = || {
        fs::remove_dir_all(desk.file("out")).unwrap();
        let mut command = weather(&desk);
        let began = Instant::now();
        assert!(command.status().unwrap().success());
        began.elapsed()
    };
    let served = Served::start(&desk, "");
    let mut browser = Browser::open("about:blank");
    let (mut alone, mut followed): (Vec<Duration>, Vec<Duration>) = (Vec::new(), Vec::new());
    for _ in 0..11 {
        browser.navigate("about:blank");
        alone.push(run());
        browser.navigate(&served.address);
        browser.until("document.body.dataset.drawn");
        followed.push(run());
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2].as_secs_f64()
    };
    let (alone, followed) = (median(&mut alone), median(&mut followed));
    println!("2,196 task runs: {alone:.3} s alone, {followed:.3} s while a page shows them: {:.3}", followed / alone);
}
