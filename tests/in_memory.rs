//! `save = false` without a `#[target]` parameter: a function may write its target, or give data that are held in memory.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use pipex::{Mode, Output, Stale, State, Summary, flow, task};

use crate::support::Bench;

static ALIVE: AtomicUsize = AtomicUsize::new(0);

/// Data that are counted while they are in memory.
#[derive(Debug, PartialEq)]
struct Large(Vec<u64>);

impl Large {
    fn new(values: Vec<u64>) -> Self {
        ALIVE.fetch_add(1, Ordering::SeqCst);
        Large(values)
    }
}

impl Clone for Large {
    fn clone(&self) -> Self {
        Large::new(self.0.clone())
    }
}

impl Drop for Large {
    fn drop(&mut self) {
        ALIVE.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Cheap, and not worth a file. Its type has no serde.
#[task(save = false)]
fn expand(seed: u64) -> Large {
    Large::new((seed..seed + 3).collect())
}

#[task(target = "{path}/sum")]
fn sum(of: &Large) -> u64 {
    of.0.iter().sum()
}

mod other {
    use super::*;

    #[task(save = false)]
    pub fn expand(seed: u64) -> Large {
        Large::new((seed..=seed + 3).collect())
    }
}

type Expand = fn(u64) -> Output<Large>;

#[flow]
fn summed(seed: u64, expand: Expand) -> pipex::Result<u64> {
    sum(expand(seed)).run()?.load()
}

fn at_once(seed: u64) -> Output<Large> {
    expand(seed).base("x").submit()
}
fn lazily(seed: u64) -> Output<Large> {
    expand(seed).base("x").lazy()
}
fn otherwise(seed: u64) -> Output<Large> {
    other::expand(seed).base("x").lazy()
}

/// One after the other, since they count what is in memory.
#[test]
fn data_that_are_not_worth_a_file_are_held_in_memory_and_made_again_in_each_run() {
    for mode in [Mode::Cache, Mode::PrefectCache] {
        let bench = Bench::new();
        let run = |seed, expand: Expand| bench.config(mode).quiet(true).scope(|| summed(seed, expand)).unwrap();
        assert_eq!(run(1, at_once), 6);
        assert_eq!((bench.ran(), bench.files()), (vec!["expand", "sum"], vec!["sum".to_owned()]), "{mode}");
        assert_eq!(ALIVE.load(Ordering::SeqCst), 0, "dropped with the last that takes them");
        assert_eq!(run(1, at_once), 6);
        let mut states = bench.states();
        states.sort_by_key(|(task, _)| *task);
        assert_eq!(states, [("expand", State::Completed), ("sum", State::Cached)], "{mode}");
        assert_eq!(run(1, lazily), 6);
        assert_eq!(bench.states(), [("sum", State::Cached)], "only for a reader that has to run");
        fs::remove_file(bench.file("sum")).unwrap();
        assert_eq!(run(1, lazily), 6);
        assert_eq!(bench.ran(), ["expand", "sum"]);

        // What takes them goes stale by their code and arguments.
        let rerun = |seed, expand: Expand| {
            let config = bench.config(mode).quiet(true).stale(Stale::Rerun);
            (config.scope(|| summed(seed, expand)).unwrap(), bench.ran())
        };
        assert_eq!(rerun(1, lazily), (6, vec![]));
        assert_eq!(rerun(1, otherwise), (10, vec!["expand", "sum"]));
        assert_eq!(rerun(1, otherwise), (10, vec![]));
        assert_eq!(rerun(2, otherwise), (14, vec!["expand", "sum"]));
        assert_eq!(rerun(2, at_once), (9, vec!["expand", "sum"]));
        assert_eq!(run(1, lazily), 9, "taken with a warning");
        assert_eq!(bench.states(), [("sum", State::Cached)]);
    }
}

#[test]
fn it_has_no_location_and_can_be_taken_whole() {
    #[task(target = "{path}/taken")]
    fn taken(large: Vec<u64>) -> usize {
        large.len()
    }

    #[task(save = false)]
    fn numbers(count: u64) -> Vec<u64> {
        (0..count).collect()
    }

    for mode in [Mode::Cache, Mode::PrefectCache] {
        let bench = Bench::new();
        let summary = Summary::new();
        bench.config(mode).reporter(summary.clone()).scope(|| {
            let output = numbers(3).base("n").run().unwrap();
            assert_eq!((output.location(), output.load().unwrap()), (None, vec![0, 1, 2]));
            assert!(!output.remove().unwrap());
            assert_eq!(output.keep().unwrap().load().unwrap(), [0, 1, 2]);
            assert_eq!(taken(output).run().unwrap().load().unwrap(), 3);
        });
        assert_eq!(bench.files(), ["taken"]);
        assert_eq!((summary.completed(), summary.not_saved()), (2, 1));
        let table = summary.to_string();
        assert!(table.starts_with("task        ran not saved  cached  failed"), "{table}");
        assert!(table.contains("\nnumbers       1         1       0       0"), "{table}");
        assert!(table.contains("\ntaken         1         0       0       0"), "{table}");
    }
}

#[task(save = false, target = "{path}/{base}.txt", load = fs::read_to_string)]
fn maybe_written(at: &Path, writes: bool) -> std::io::Result<String> {
    let text = format!("written: {writes}");
    if writes {
        fs::create_dir_all(at.parent().unwrap())?;
        fs::write(at, &text)?;
    }
    Ok(text)
}

#[task(target = "{path}/length.json")]
fn length(text: String) -> usize {
    text.len()
}

#[flow]
fn write(at: &Path, writes: bool) -> pipex::Result<Output<String>> {
    maybe_written(at.to_owned(), writes).base("deep/x").run()
}

#[test]
fn the_target_that_is_there_is_taken_and_one_that_was_written_is_the_output() {
    let bench = Bench::new();
    let at = bench.file("deep/x.txt");
    let write = |writes| write(&at, writes).unwrap();
    bench.cache(|| {
        assert_eq!(write(false).location(), None);
        assert_eq!(write(true).location().unwrap().path(), at);
    });
    assert_eq!((bench.ran().len(), bench.files()), (2, vec!["deep/x.txt".to_owned()]));
    bench.cache(|| assert_eq!(write(true).load().unwrap(), "written: true"));
    assert_eq!(bench.ran(), [""; 0]);
    // Stale, and made again without a file: the file that is there is not what it gives.
    bench.config(Mode::Cache).stale(Stale::Rerun).scope(|| {
        let output = write(false);
        assert_eq!((output.location(), output.load().unwrap().as_str()), (None, "written: false"));
        assert_eq!(length(output).run().unwrap().load().unwrap(), "written: false".len());
    });
}

#[test]
fn one_that_gives_neither_a_file_nor_data_fails() {
    #[task(save = false, target = "{path}/nothing.txt")]
    fn nothing() {}

    let bench = Bench::new();
    let error = bench.cache(|| nothing().run()).unwrap_err();
    let error = format!("{error:?}");
    assert!(error.contains("without having written") && error.contains("nothing.txt"), "{error}");
    assert_eq!(bench.files(), [""; 0]);
}
