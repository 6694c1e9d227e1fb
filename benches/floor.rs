//! What pipex costs, as ratios to what the same work costs without it.
//!
//! Each figure is measured in one run beside its floor, the two in turn, so that a machine that slows down slows both: the
//! ratio is the median of the pairs' ratios. `cargo bench` prints the table that stands in `docs/src/performance.md`.

use std::fs;
use std::hint::black_box;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use pipex::{Config, Mode, flow, journal, task};
use quick::{quick, rounds};
use ratio::{head, ratio};
use serde::Serialize;
use xxhash_rust::xxh3::xxh3_128;

mod quick;
mod ratio;

fn direct(x: u64) -> u64 {
    black_box(x).wrapping_mul(31)
}

#[task]
fn called(x: u64) -> u64 {
    black_box(x).wrapping_mul(31)
}

/// A flow around `calls` calls.
#[flow]
fn calls(calls: u64) -> pipex::Result<()> {
    for x in 0..calls {
        black_box(called(x).run()?);
    }
    Ok(())
}

#[task(target = "{path}/day/{station}-{day}")]
fn day(station: &str, day: u32) -> Vec<f64> {
    let _ = station;
    vec![f64::from(day); 110]
}

#[flow(path = path)]
fn days(path: &Path, count: u32) -> pipex::Result<()> {
    for number in 0..count {
        black_box(day("EWR", number).run()?);
    }
    Ok(())
}

#[task(target = "{path}/{folder}/{number}")]
fn one_of_many(folder: u32, number: u32) -> u64 {
    u64::from(folder) + u64::from(number)
}

#[flow(path = path)]
fn many(path: &Path, count: u32) -> pipex::Result<()> {
    for number in 0..count {
        black_box(one_of_many(number % 10, number).run()?);
    }
    Ok(())
}

#[task(target = "{path}/{funcname}/{station}/{month}-{base}.json")]
fn filled(station: &str, month: u32) {
    let _ = (station, month);
}

/// What everything is compared with: a temporary file, written and renamed.
fn write_and_rename(to: &Path, temporary: &Path, bytes: &[u8]) {
    let mut file = fs::File::create(temporary).unwrap();
    file.write_all(bytes).unwrap();
    drop(file);
    fs::rename(temporary, to).unwrap();
}

/// What a call and an output are made of: a boxed closure, and a value that is shared.
fn boxed(x: u64) -> Arc<u64> {
    let call: Box<dyn Fn() -> u64> = Box::new(move || direct(x));
    Arc::new(black_box(call)())
}

/// The line that the journal has for an output that is there.
#[derive(Serialize)]
struct Cached<'l> {
    task: u32,
    target: &'l str,
}

/// The least of what a call of a target that is there takes: its name, what tells it from others, a look, and a line.
fn look_at_each(path: &Path, count: u32) {
    let (mut entered, mut lines) = (Vec::new(), Vec::new());
    for day in 0..count {
        let (path, station) = black_box((path, "EWR"));
        let target = format!("{}/day/{station}-{day}", path.display());
        entered.push((xxh3_128(target.as_bytes()), boxed(day.into())));
        black_box(fs::metadata(&target).unwrap());
        serde_json::to_writer(&mut lines, &Cached { task: 0, target: &target }).unwrap();
    }
    black_box((entered, lines));
}

/// What keeps others from making the same, and is no name until it is whole: a file that is locked, linked, and removed.
fn claim_and_link(to: &Path, claim: &Path, bytes: &[u8]) {
    let mut file = fs::File::create_new(claim).unwrap();
    file.lock().unwrap();
    file.write_all(bytes).unwrap();
    fs::hard_link(claim, to).unwrap();
    fs::remove_file(claim).unwrap();
}

/// Saves under as many names, in a directory of its own.
fn save_each(path: &Path, count: u32, save: impl Fn(&Path, &Path)) {
    let path = path.join("day");
    fs::create_dir_all(&path).unwrap();
    for number in 0..count {
        let name = format!("EWR-{number}");
        save(&path.join(&name), &path.join(format!(".{name}.tmp")));
    }
}

fn main() {
    let out = tempfile::tempdir().unwrap();
    let cache = |path: &Path| Config::new().mode(Mode::Cache).path(path).journal(path.join(".pipex")).quiet(true);
    head();

    const CALLS: u64 = 100_000;
    let called = |_| Config::new().mode(Mode::DoNothing).scope(|| calls(CALLS)).unwrap();
    ratio("`do_nothing`: a call in a flow / a direct call", "<= 15 ns more", rounds(51), CALLS as u32, called, |_| {
        (0..CALLS).for_each(|x| _ = black_box(direct(x)))
    });
    ratio(
        "the same / a boxed closure that is called, and an `Arc` of what it gives",
        "",
        rounds(51),
        CALLS as u32,
        called,
        |_| (0..CALLS).for_each(|x| _ = black_box(boxed(x))),
    );

    const TARGETS: u32 = 4_001;
    let warm = out.path().join("warm");
    let look = |_| cache(&warm).scope(|| days(&warm, TARGETS)).unwrap();
    look(0);
    let paths: Vec<PathBuf> = (0..TARGETS).map(|number| warm.join(format!("day/EWR-{number}"))).collect();
    ratio(
        "`cache`, warm: 4,001 targets that are there / 4,001 `fs::metadata`",
        "<= 1.25",
        rounds(51),
        TARGETS,
        look,
        |_| paths.iter().for_each(|path| _ = black_box(fs::metadata(path).unwrap())),
    );

    ratio(
        "the same / each named by `format!`, hashed, entered, looked at, and told by a line of serde_json",
        "",
        rounds(51),
        TARGETS,
        look,
        |_| look_at_each(&warm, TARGETS),
    );
    const MANY: u32 = 100_000;
    let (full, count) = (out.path().join("many"), if quick() { TARGETS } else { MANY });
    cache(&full).scope(|| many(&full, count)).unwrap();
    let paths_of_many: Vec<PathBuf> = (0..count).map(|number| full.join(format!("{}/{number}", number % 10))).collect();
    ratio(
        "`cache`, warm: 100,000 targets in ten directories / 100,000 `fs::metadata`",
        "<= 0.7",
        rounds(7),
        count,
        |_| cache(&full).scope(|| many(&full, count)).unwrap(),
        |_| paths_of_many.iter().for_each(|path| _ = black_box(fs::metadata(path).unwrap())),
    );

    let save = |config: Config, path: &Path| config.scope(|| days(path, TARGETS)).unwrap();
    let save_in = |path: &Path| save(cache(path), path);
    let cold = out.path().join("cold");
    let bytes = vec![7; fs::metadata(&paths[0]).unwrap().len() as usize];
    let bare = out.path().join("bare");
    ratio(
        "`cache`, cold: 1 KB saved under 4,001 fresh names / bare write and rename",
        "<= 1.2",
        rounds(11),
        TARGETS,
        |round| save_in(&cold.join(round.to_string())),
        |round| {
            save_each(&bare.join(round.to_string()), TARGETS, |to, temporary| write_and_rename(to, temporary, &bytes))
        },
    );
    let (cold, bare) = (out.path().join("cold-claimed"), out.path().join("claimed"));
    ratio(
        "the same / a bare file that is made, locked, written, linked to its name, removed",
        "",
        rounds(11),
        TARGETS,
        |round| save_in(&cold.join(round.to_string())),
        |round| save_each(&bare.join(round.to_string()), TARGETS, |to, claim| claim_and_link(to, claim, &bytes)),
    );

    let kept = out.path().join("kept");
    ratio(
        "journal: the same / the same without one",
        "<= 2 us more",
        rounds(11),
        TARGETS,
        |round| save_in(&kept.join(round.to_string())),
        |round| {
            let path = kept.join(format!("bare-{round}"));
            save(cache(&path).without_journal(), &path);
        },
    );

    let mut lines = Vec::new();
    let runs = journal::runs(&kept.join("0/.pipex")).unwrap();
    journal::read(&runs[0], |line| lines.extend(matches!(line, journal::Line::Ended(_)).then_some(line))).unwrap();
    let texts: Vec<String> = lines.iter().map(|line| serde_json::to_string(line).unwrap()).collect();
    assert_eq!(lines.len(), TARGETS as usize);
    ratio(
        "such a line, written by serde_json alone / its bytes, copied",
        "",
        rounds(51),
        TARGETS,
        |_| {
            let mut out = Vec::new();
            lines.iter().for_each(|line| serde_json::to_writer(&mut out, line).unwrap());
            black_box(out);
        },
        |_| {
            let mut out = Vec::new();
            texts.iter().for_each(|text| out.extend_from_slice(text.as_bytes()));
            black_box(out);
        },
    );

    // A lazy call fills its target and looks at nothing.
    let template = "filled, entered against clashes, kept as a lazy output / `format!`";
    ratio(
        template,
        "",
        rounds(51),
        10_000,
        |_| {
            cache(&warm).scope(|| {
                for month in 0..10_000 {
                    drop(black_box(filled("EWR", month).base("base").lazy()));
                }
            });
        },
        |_| {
            for month in 0..10_000 {
                let (path, station, base) = black_box((&warm, "EWR", "base"));
                drop(black_box(format!("{}/{}/{station}/{month}-{base}.json", path.display(), "filled")));
            }
        },
    );
}
