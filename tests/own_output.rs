//! `save = false`: the function saves its own output, whole or not at all.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use pipex::{Mode, Output, task};

use crate::support::Bench;

#[task(save = false, target = "{path}/plots/{base}.svg")]
fn plot(points: &[u32], #[target] to: &Path) -> io::Result<()> {
    assert!(to.extension().is_some_and(|extension| extension == "svg"), "libraries go by the extension");
    fs::write(to, format!("{points:?}"))
}

#[task(save = false, target = "{path}/plots/{base}.svg", load = fs::read_to_string)]
fn loadable(points: &[u32], #[target] to: &Path) -> io::Result<String> {
    fs::write(to, format!("{points:?}"))?;
    Ok("from memory".to_owned())
}

#[task(save = false, target = "{path}/{base}.txt")]
fn itself(at: &Path) -> io::Result<u32> {
    fs::write(at, "written to the target itself")?;
    Ok(7)
}

#[task(save = false)]
fn fails(#[target] to: &Path) -> io::Result<()> {
    fs::write(to, "half of it")?;
    Err(io::Error::other("out of ink"))
}

#[task(save = false)]
fn forgets(#[target] to: &Path) {
    let _ = to;
}

#[task(save = false)]
fn many_files(#[target] to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    fs::write(to.join("a"), "a")?;
    fs::write(to.join("b"), "b")
}

#[task]
fn measure(text: &str) -> usize {
    text.len()
}

#[test]
fn written_aside_and_renamed() {
    let bench = Bench::new();
    bench.cache(|| plot(&[1, 2]).base("p").run()).unwrap();
    assert_eq!(bench.files(), ["plots/p.svg"]);
    assert_eq!(fs::read_to_string(bench.file("plots/p.svg")).unwrap(), "[1, 2]");
    assert_eq!(bench.ran(), ["plot"]);
    bench.cache(|| plot(&[1, 2]).base("p").run()).unwrap();
    assert_eq!(bench.ran(), [""; 0]);
}

/// All of the 255 bytes that file systems allow may be used.
#[test]
fn a_long_name_is_a_name() {
    let bench = Bench::new();
    bench.cache(|| plot(&[1]).base("x".repeat(251)).run()).unwrap();
    assert_eq!(bench.files(), [format!("plots/{}.svg", "x".repeat(251))]);
}

#[test]
fn an_error_leaves_nothing() {
    let bench = Bench::new();
    let error = format!("{:?}", bench.cache(|| fails().base("x").run()).unwrap_err());
    assert!(error.ends_with(": out of ink"), "{error}");
    let error = format!("{:?}", bench.cache(|| forgets().base("x").run()).unwrap_err());
    assert!(error.contains("forgets/x"), "{error}");
    assert_eq!(bench.files(), [""; 0]);
}

#[test]
fn a_directory_is_an_output_too() {
    let bench = Bench::new();
    bench.cache(|| many_files().base("x").run()).unwrap();
    assert_eq!(bench.files(), ["many_files/x/a", "many_files/x/b"]);
    bench.cache(|| many_files().base("x").run()).unwrap();
    assert_eq!(bench.ran(), ["many_files"]);
}

#[test]
fn without_a_target_parameter_the_function_writes_where_it_will() {
    let bench = Bench::new();
    let at = bench.file("x.txt");
    let output = bench.cache(|| itself(&at).base("x").run()).unwrap();
    assert_eq!(output.load().unwrap(), 7, "what it gave is in memory");
    let again = bench.cache(|| itself(&at).base("x").run()).unwrap();
    let error = format!("{:?}", again.load().unwrap_err());
    assert!(error.contains("load = "), "{error}");
    assert_eq!(bench.files(), ["x.txt"]);
}

#[test]
fn loading_needs_a_function() {
    let bench = Bench::new();
    bench.cache(|| {
        let fresh = loadable(&[1]).base("l").run().unwrap();
        assert_eq!(fresh.load().unwrap(), "from memory");
        let there = loadable(&[1]).base("l").run().unwrap();
        assert_eq!(there.load().unwrap(), "[1]");
        assert_eq!(measure(there).run().unwrap().load().unwrap(), 3);
    });
}

/// A function that is given its target has to write somewhere, in every mode.
#[test]
fn do_nothing_runs_it_each_time() {
    let bench = Bench::new();
    for points in [[1], [2]] {
        bench.config(Mode::DoNothing).scope(|| plot(&points).base("p").run()).ok();
    }
    assert_eq!(bench.files(), ["plots/p.svg"]);
}

#[test]
fn a_leftover_of_a_killed_run_is_not_taken_for_an_output() {
    let bench = Bench::new();
    fs::create_dir(bench.file("forgets")).unwrap();
    fs::write(bench.file("forgets/.x.pipex-draft"), "of a run that was killed").unwrap();
    assert!(bench.cache(|| forgets().base("x").run()).is_err());
}

/// The first one goes on when it is told to, long after it was given up on; the others write what they are to write.
#[task(save = false, timeout = "100ms", retries = 5)]
fn parts(
    first: &Mutex<Option<Receiver<()>>>,
    drafts: Sender<PathBuf>,
    done: Sender<()>,
    #[target] to: &Path,
) -> io::Result<()> {
    drafts.send(to.to_owned()).unwrap();
    fs::create_dir(to)?;
    fs::write(to.join("a"), "a")?;
    let first = first.lock().unwrap().take();
    if let Some(go_on) = &first {
        go_on.recv().unwrap();
        fs::create_dir_all(to)?;
        fs::write(to.join("late"), "late")?;
        done.send(()).unwrap();
    }
    fs::write(to.join("b"), "b")
}

#[test]
fn what_a_function_writes_too_late_is_in_no_output() {
    let bench = Bench::new();
    let (go, go_on) = channel();
    let (say_draft, drafts) = channel();
    let (done, is_done) = channel();
    let config = bench.config(Mode::PrefectCache).quiet(true);
    let first = Output::from(Mutex::new(Some(go_on)));
    config.scope(|| parts(first, say_draft, done).base("x").submit().wait()).unwrap();
    let made = ["parts/x/a", "parts/x/b"];
    assert_eq!(bench.files(), made);
    let late = drafts.recv().unwrap();
    assert!(!late.exists() && drafts.try_iter().all(|draft| draft != late), "each writes a draft of its own");

    go.send(()).unwrap();
    is_done.recv().unwrap();
    // Its draft goes when it has returned.
    let started = Instant::now();
    while late.exists() && started.elapsed() < Duration::from_secs(10) {
        std::thread::yield_now();
    }
    assert_eq!(bench.files(), made);
}

/// A kill between the rename and the claim's end leaves one.
#[test]
fn a_claim_beside_what_is_there_goes_with_the_next_look() {
    let bench = Bench::new();
    let run = || bench.cache(|| plot(&[1, 2]).base("x").run().map(drop)).unwrap();
    run();
    let claim = bench.file("plots/.x.svg.pipex-tmp");
    fs::write(&claim, "").unwrap();
    run();
    assert_eq!((bench.ran(), bench.files()), (vec!["plot"], vec!["plots/x.svg".to_owned()]));
    // One that somebody holds stays.
    let held = fs::File::create(&claim).unwrap();
    held.lock().unwrap();
    run();
    assert!(claim.exists() && bench.ran().is_empty());
}
