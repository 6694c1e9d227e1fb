//! An output that is there and is not what its call would give now: it is told by content, and done with as one says.

use std::collections::HashSet;
use std::fs;
use std::path::Path;

use pipex::{Config, Error, Mode, Output, Reasons, Reporter, Stale, State, TaskRun, helper, task};

use crate::support::Bench;

/// A year of a station, as it was written first.
mod first {
    use super::*;

    #[helper]
    pub const LIMIT: u64 = 10;

    #[helper(uses(LIMIT))]
    pub fn is_hot(reading: u64) -> bool {
        reading > LIMIT
    }

    #[task(target = "{path}/read.json")]
    pub fn read(from: &Path) -> std::io::Result<Vec<u64>> {
        Ok(fs::read_to_string(from)?.split_whitespace().filter_map(|word| word.parse().ok()).collect())
    }

    #[task(target = "{path}/clean.json")]
    pub fn clean(readings: Vec<u64>, most: u64) -> Vec<u64> {
        // Nothing above it.
        readings.into_iter().filter(|reading| *reading <= most).collect()
    }

    #[task(target = "{path}/hot", uses(is_hot), version = "1", retries = 1)]
    pub fn hot(readings: &[u64]) -> usize {
        readings.iter().filter(|reading| is_hot(**reading)).count()
    }
}

/// The same with comments, formatting and everything else changed that does not change what it does.
mod cosmetic {
    use super::*;

    #[helper]
    /// In degrees.
    pub const LIMIT: u64 = 10;

    #[helper(uses(LIMIT))]
    pub fn is_hot(reading: u64) -> bool {
        // Above, not at.
        reading > LIMIT
    }

    #[task(target = "{path}/read.json", name = "read it", tags = ["disk"])]
    #[rustfmt::skip]
    pub fn read(from: &Path) -> std::io::Result<Vec<u64>> {
        Ok(
            fs::read_to_string(from)?.split_whitespace().filter_map(|word| word.parse().ok()).collect(),
        )
    }

    /// Documented.
    #[task(target = "{path}/clean.json", timeout = "1m")]
    pub fn clean(readings: Vec<u64>, most: u64) -> Vec<u64> {
        /* Nothing
        above it. */
        readings.into_iter().filter(|reading| *reading <= most).collect()
    }

    #[task(target = "{path}/hot", uses(is_hot), version = "1", retries = 5, retry_delay = "1s")]
    pub fn hot(readings: &[u64]) -> usize {
        readings.iter().filter(|reading| is_hot(**reading)).count()
    }
}

mod other_body {
    use super::*;

    #[task(target = "{path}/clean.json")]
    pub fn clean(readings: Vec<u64>, most: u64) -> Vec<u64> {
        readings.into_iter().filter(|reading| *reading < most).collect()
    }
}

mod other_constant {
    use super::*;

    #[helper]
    pub const LIMIT: u64 = 11;

    #[helper(uses(LIMIT))]
    pub fn is_hot(reading: u64) -> bool {
        reading > LIMIT
    }

    #[task(target = "{path}/hot", uses(is_hot), version = "1", retries = 1)]
    pub fn hot(readings: &[u64]) -> usize {
        readings.iter().filter(|reading| is_hot(**reading)).count()
    }
}

mod other_version {
    use super::first::{LIMIT, is_hot};
    use super::*;

    #[task(target = "{path}/hot", uses(is_hot), version = "2", retries = 1)]
    pub fn hot(readings: &[u64]) -> usize {
        let _ = LIMIT;
        readings.iter().filter(|reading| is_hot(**reading)).count()
    }
}

/// A flow of these three, of which some may be others' versions.
macro_rules! year {
    ($name:ident: $read:path, $clean:path, $hot:path) => {
        #[pipex::flow]
        fn $name(from: &Path, most: u64) -> pipex::Result<usize> {
            let readings = $read(from.to_owned()).submit();
            $hot($clean(readings, most).submit()).run()?.load()
        }
    };
}
year!(first_year: first::read, first::clean, first::hot);
year!(cosmetic_year: cosmetic::read, cosmetic::clean, cosmetic::hot);
year!(year_of_other_body: first::read, other_body::clean, first::hot);
year!(year_of_other_constant: first::read, first::clean, other_constant::hot);
year!(year_of_other_version: first::read, first::clean, other_version::hot);

type Year = fn(&Path, u64) -> pipex::Result<usize>;

/// A bench with a year's outputs, made from these readings.
fn made(readings: &str) -> Bench {
    let bench = Bench::new();
    fs::write(bench.file("readings.txt"), readings).unwrap();
    bench.cache(|| first_year(&bench.file("readings.txt"), 40)).unwrap();
    assert_eq!(bench.ran(), ["read", "clean", "hot"]);
    bench
}

/// What is called stale in a run, and why.
fn stale(bench: &Bench, year: Year, most: u64) -> Vec<(&'static str, String)> {
    let told = Told::default();
    bench.config(Mode::Cache).reporter(told.clone()).scope(|| year(&bench.file("readings.txt"), most)).unwrap();
    assert_eq!(bench.ran(), [] as [&str; 0], "what is stale is taken as it is, unless one says otherwise");
    std::mem::take(&mut *told.0.lock().unwrap())
}

/// What runs where stale outputs are made again.
fn rerun(bench: &Bench, mode: Mode, year: Year, most: u64) -> Vec<&'static str> {
    bench.config(mode).stale(Stale::Rerun).quiet(true).scope(|| year(&bench.file("readings.txt"), most)).unwrap();
    bench.ran()
}

#[derive(Clone, Default)]
struct Told(std::sync::Arc<std::sync::Mutex<Vec<(&'static str, String)>>>);

impl Reporter for Told {
    fn task_run(&self, run: &TaskRun<'_>) {
        if !run.stale.is_empty() && run.state == State::Cached {
            self.0.lock().unwrap().push((run.task.funcname, run.stale.to_string()));
        }
    }
}

fn because(reasons: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    reasons.iter().map(|(task, reason)| (*task, (*reason).to_owned())).collect()
}

#[test]
fn what_has_not_changed_is_not_stale() {
    let bench = made("3 20 50");
    assert_eq!(stale(&bench, first_year, 40), []);
}

#[test]
fn comments_formatting_names_retries_and_timeouts_are_not_the_code() {
    let bench = made("3 20 50");
    assert_eq!(stale(&bench, cosmetic_year, 40), []);
}

#[test]
fn another_body_is_other_code() {
    let bench = made("3 20 50");
    // It gave what `hot` takes, so `hot` would change with it; it is taken, so `hot` is what it was.
    assert_eq!(stale(&bench, year_of_other_body, 40), because(&[("clean", "code")]));
}

#[test]
fn so_is_a_constant_that_a_helper_of_a_helper_names_and_a_version() {
    let bench = made("3 20 50");
    assert_eq!(stale(&bench, year_of_other_constant, 40), because(&[("hot", "code")]));
    assert_eq!(stale(&bench, year_of_other_version, 40), because(&[("hot", "code")]));
}

#[test]
fn another_argument_is_told() {
    let bench = made("3 20 50");
    assert_eq!(stale(&bench, first_year, 60), because(&[("clean", "arguments")]));
    assert_eq!(stale(&bench, year_of_other_body, 60), because(&[("clean", "code and arguments")]));
}

#[test]
fn another_content_of_a_file_whose_path_is_an_argument_is_told_and_a_touch_is_not() {
    let bench = made("3 20 50");
    let readings = bench.file("readings.txt");
    fs::remove_file(&readings).unwrap();
    fs::write(&readings, "3 20 50").unwrap();
    assert_eq!(stale(&bench, first_year, 40), []);
    fs::write(&readings, "3 20 30 50").unwrap();
    assert_eq!(stale(&bench, first_year, 40), because(&[("read", "inputs")]));
}

#[test]
fn an_input_that_was_made_again_is_told_if_it_came_out_otherwise() {
    let bench = made("3 20 50");
    fs::write(bench.file("readings.txt"), "3 20 30").unwrap();
    fs::remove_file(bench.file("read.json")).unwrap();
    let told = Told::default();
    let config = bench.config(Mode::Cache).reporter(told.clone());
    config.scope(|| first_year(&bench.file("readings.txt"), 40)).unwrap();
    assert_eq!(bench.ran(), ["read"]);
    assert_eq!(*told.0.lock().unwrap(), because(&[("clean", "inputs")]));
    // Made again as it was.
    let bench = made("3 20 50");
    fs::remove_file(bench.file("read.json")).unwrap();
    bench.cache(|| first_year(&bench.file("readings.txt"), 40)).unwrap();
    assert_eq!(bench.ran(), ["read"]);
    assert_eq!(stale(&bench, first_year, 40), []);
}

const EDITED: &str = "the file itself, since pipex made it";

#[test]
fn an_output_edited_by_hand_is_taken_with_a_warning_and_makes_what_was_made_from_it_stale() {
    let bench = made("3 20 50");
    let clean = bench.file("clean.json");
    let original = fs::read_to_string(&clean).unwrap();
    fs::write(&clean, "[3, 20, 21]").unwrap();
    for _ in 0..2 {
        assert_eq!(stale(&bench, first_year, 40), because(&[("clean", EDITED), ("hot", "inputs")]));
    }
    // Edited once more, it is still not what pipex made; as it was made, it is.
    fs::write(&clean, "[3, 20, 22]").unwrap();
    assert_eq!(stale(&bench, first_year, 40), because(&[("clean", EDITED), ("hot", "inputs")]));
    fs::write(&clean, &original).unwrap();
    assert_eq!(stale(&bench, first_year, 40), []);
}

#[test]
fn with_rerun_an_edited_output_is_made_again() {
    for mode in [Mode::Cache, Mode::PrefectCache] {
        let bench = made("3 20 50");
        let original = fs::read_to_string(bench.file("clean.json")).unwrap();
        fs::write(bench.file("clean.json"), "[3, 20, 21]").unwrap();
        assert_eq!(rerun(&bench, mode, first_year, 40), ["clean"], "it comes out as it was");
        assert_eq!(fs::read_to_string(bench.file("clean.json")).unwrap(), original);
        // Taken as it was edited, and then made again.
        fs::write(bench.file("clean.json"), "[3, 20, 21]").unwrap();
        fs::remove_file(bench.file("hot")).unwrap();
        bench.cache(|| first_year(&bench.file("readings.txt"), 40)).unwrap();
        assert_eq!(bench.ran(), ["hot"], "what takes it sees the new content");
        assert_eq!(stale(&bench, first_year, 40), because(&[("clean", EDITED)]));
        assert_eq!(rerun(&bench, mode, first_year, 40), ["clean", "hot"]);
        assert_eq!(rerun(&bench, mode, first_year, 40), [] as [&str; 0]);
    }
}

/// The same function, whose type has changed meanwhile.
mod shapes {
    use pipex::{flow, task};

    #[flow]
    pub fn without_name(number: u32) -> pipex::Result<u32> {
        #[derive(Clone, serde::Serialize, serde::Deserialize)]
        struct Shape {
            number: u32,
        }
        impl Shape {
            fn new(number: u32) -> Self {
                Shape { number }
            }
        }
        #[task(target = "{path}/shape")]
        fn shape(number: u32) -> Shape {
            Shape::new(number)
        }
        shape(number).run()?.load().map(|shape| shape.number)
    }

    #[flow]
    pub fn with_name(number: u32) -> pipex::Result<u32> {
        #[derive(Clone, serde::Serialize, serde::Deserialize)]
        struct Shape {
            number: u32,
            name: String,
        }
        impl Shape {
            fn new(number: u32) -> Self {
                Shape { number, name: String::new() }
            }
        }
        #[task(target = "{path}/shape")]
        fn shape(number: u32) -> Shape {
            Shape::new(number)
        }
        shape(number).run()?.load().map(|shape| shape.number + shape.name.len() as u32)
    }
}

#[test]
fn an_output_whose_type_has_changed_is_stale_before_somebody_cannot_load_it() {
    let bench = Bench::new();
    let told = Told::default();
    let run = |stale: Stale, shape: fn(u32) -> pipex::Result<u32>| {
        bench.config(Mode::Cache).reporter(told.clone()).stale(stale).scope(|| shape(7))
    };
    run(Stale::Warn, shapes::without_name).unwrap();
    let error = run(Stale::Warn, shapes::with_name).unwrap_err();
    assert!(format!("{error:?}").contains("another type"), "{error:?}");
    assert_eq!(std::mem::take(&mut *told.0.lock().unwrap()), because(&[("shape", "format")]));
    bench.ran();
    run(Stale::Rerun, shapes::with_name).unwrap();
    assert_eq!(bench.ran(), ["shape"]);
    run(Stale::Warn, shapes::with_name).unwrap();
    assert_eq!(*told.0.lock().unwrap(), []);
}

#[test]
fn a_rerun_goes_downstream_and_stops_where_an_output_came_out_as_it_was() {
    for mode in [Mode::Cache, Mode::PrefectCache] {
        let bench = made("3 20 50");
        assert_eq!(rerun(&bench, mode, first_year, 40), [] as [&str; 0]);
        // 40 is in none of the readings, so what is below it is what is not above it.
        assert_eq!(rerun(&bench, mode, year_of_other_body, 40), ["clean"]);
        // Both in one step.
        fs::write(bench.file("readings.txt"), "3 20 30 50").unwrap();
        assert_eq!(rerun(&bench, mode, first_year, 40), ["read", "clean", "hot"]);
        assert_eq!(stale(&bench, first_year, 40), []);
        // Another reading that is cleaned away: `hot` need not run.
        fs::write(bench.file("readings.txt"), "3 20 30 51").unwrap();
        assert_eq!(rerun(&bench, mode, first_year, 40), ["read", "clean"]);
        assert_eq!(rerun(&bench, mode, first_year, 40), [] as [&str; 0]);
    }
}

#[pipex::flow]
fn lazy_year(from: &Path, most: u64) -> pipex::Result<usize> {
    first::hot(first::clean(first::read(from.to_owned()).lazy(), most).lazy()).run()?.load()
}

#[pipex::flow]
fn lazy_year_of_other_body(from: &Path, most: u64) -> pipex::Result<usize> {
    first::hot(other_body::clean(first::read(from.to_owned()).lazy(), most).lazy()).run()?.load()
}

#[test]
fn what_is_lazy_and_deleted_does_not_hide_that_it_would_be_another_now() {
    for mode in [Mode::Cache, Mode::PrefectCache] {
        let bench = made("3 20 40 50");
        let delete = || ["read.json", "clean.json"].iter().for_each(|name| fs::remove_file(bench.file(name)).unwrap());
        delete();
        assert_eq!(stale(&bench, lazy_year, 40), []);
        assert_eq!(rerun(&bench, mode, lazy_year, 40), [] as [&str; 0]);
        assert_eq!(stale(&bench, lazy_year_of_other_body, 40), because(&[("hot", "inputs")]));
        assert_eq!(rerun(&bench, mode, lazy_year_of_other_body, 40), ["read", "clean", "hot"]);
        delete();
        assert_eq!(rerun(&bench, mode, lazy_year_of_other_body, 40), [] as [&str; 0]);
        // A reading that is cleaned away in any case.
        fs::write(bench.file("readings.txt"), "3 20 40 51").unwrap();
        assert_eq!(rerun(&bench, mode, lazy_year_of_other_body, 40), ["read", "clean"]);
    }
}

/// Plain JSON, of which only the journal knows what made it.
#[task(target = "{path}/{x}.json")]
fn cube(x: u64, more: u64) -> u64 {
    x * x * x + more
}

#[pipex::flow]
fn cubes(count: u64, more: &[u64]) -> pipex::Result<()> {
    (0..count).try_for_each(|x| cube(x, u64::from(more.contains(&x))).run().map(drop))
}

#[test]
fn what_little_is_made_again_stands_beside_the_index_and_is_known_as_well() {
    let bench = Bench::new();
    let [index, recent] = ["index", "recent"].map(|name| bench.journal().join(name));
    let run = |more: &[u64]| {
        let told = Told::default();
        bench.config(Mode::Cache).reporter(told.clone()).scope(|| cubes(40, more)).unwrap();
        assert_eq!(*told.0.lock().unwrap(), [], "nothing is stale");
        bench.ran().len()
    };
    let remove =
        |numbers: &[u64]| numbers.iter().for_each(|x| fs::remove_file(bench.file(&format!("{x}.json"))).unwrap());
    assert_eq!(run(&[]), 40);
    let first = fs::read(&index).unwrap();
    remove(&[3, 39]);
    assert_eq!(run(&[3, 39]), 2);
    assert_eq!(run(&[3, 39]), 0);
    assert!(recent.exists() && fs::read(&index).unwrap() == first, "the index is not written for two of forty");
    // Damaged, it is no better than none: all is read from the journals, and the index has it again.
    let mut damaged = fs::read(&recent).unwrap();
    damaged[40] ^= 1;
    fs::write(&recent, damaged).unwrap();
    assert_eq!(run(&[3, 39]), 0);
    assert!(!recent.exists() && fs::read(&index).unwrap() != first);
    assert_eq!(run(&[3, 39]), 0);
    // What is much goes into the index, with what little there was before.
    remove(&[7]);
    assert_eq!(run(&[3, 7, 39]), 1);
    assert!(recent.exists());
    remove(&[0, 1, 2, 4]);
    assert_eq!(run(&[0, 1, 2, 3, 4, 7, 39]), 4);
    assert!(!recent.exists());
    assert_eq!(run(&[0, 1, 2, 3, 4, 7, 39]), 0);
}

#[test]
fn without_its_journal_an_output_says_itself_what_made_it_if_it_can() {
    let bench = made("3 20 50");
    fs::remove_dir_all(bench.journal()).unwrap();
    // `clean.json` is plain text.
    assert_eq!(stale(&bench, year_of_other_body, 40), []);
    fs::remove_dir_all(bench.journal()).unwrap();
    assert_eq!(stale(&bench, year_of_other_constant, 40), because(&[("hot", "code")]));
    // Found once, it is known.
    assert_eq!(stale(&bench, year_of_other_constant, 40), because(&[("hot", "code")]));
    assert_eq!(stale(&bench, first_year, 40), []);
}

#[task(target = "{path}/one", stale = "rerun")]
fn eager(x: u64) -> u64 {
    x
}

#[task(target = "{path}/two")]
fn patient(x: u64) -> u64 {
    x
}

#[task(target = "{path}/three", stale = "ignore")]
fn careless(x: u64) -> u64 {
    x
}

#[pipex::flow(stale = "rerun")]
fn all_three(x: u64) -> pipex::Result<Vec<u64>> {
    let outputs: [Output<u64>; 3] = [eager(x).submit(), patient(x).submit(), careless(x).submit()];
    outputs.iter().map(Output::load).collect()
}

#[test]
fn the_task_says_it_first_then_the_flow_then_the_configuration() {
    let bench = Bench::new();
    let three =
        |x: u64| [eager(x).run(), patient(x).run(), careless(x).run()].map(|output| output.unwrap().load().unwrap());
    assert_eq!(bench.cache(|| three(1)), [1, 1, 1]);
    assert_eq!(bench.cache(|| pipex_flowless(|| three(2))), [2, 1, 1]);
    assert_eq!(bench.config(Mode::Cache).stale(Stale::Ignore).scope(|| all_three(3)).unwrap(), [3, 3, 1]);
    let ignored = bench.config(Mode::Cache).stale(Stale::Ignore);
    assert_eq!(ignored.scope(|| pipex_flowless(|| three(4))), [4, 3, 1]);
}

/// A flow run of its own, so that other arguments for the same target are no clash.
#[pipex::flow]
fn pipex_flowless<T>(body: impl FnOnce() -> T) -> T {
    body()
}

#[test]
fn a_dry_run_runs_nothing_in_any_mode() {
    for mode in [Mode::DoNothing, Mode::Cache, Mode::Prefect, Mode::PrefectCache] {
        let bench = Bench::new();
        let outputs = bench.config(mode).dry_run(true).scope(|| {
            let lazy = patient(1).lazy();
            [eager(1).run().unwrap(), careless(2).submit(), lazy]
        });
        for output in outputs {
            let error = output.load().unwrap_err();
            assert!(matches!(error, Error::Dry { .. }), "{mode}: {error:?}");
        }
        let flow = bench.config(mode).dry_run(true).scope(|| all_three(1));
        assert!(matches!(flow, Err(Error::Dry { .. })), "{mode}");
        assert_eq!(bench.states(), [], "{mode}");
        assert!(bench.files().is_empty() && !bench.journal().exists(), "{mode}");
    }
}

#[test]
fn a_policy_that_is_none_is_an_error_that_names_the_three() {
    let error = "rerum".parse::<Stale>().unwrap_err();
    assert!(matches!(error, Error::Setting { name: "PIPEX_STALE", .. }));
    assert!(error.to_string().contains("ignore, warn or rerun"), "{error}");
}

#[task(save = false, target = "{path}/pages")]
fn pages(count: u64, #[target] to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    (0..count).try_for_each(|page| fs::write(to.join(page.to_string()), "page"))
}

#[pipex::flow]
fn book(pages_in_it: u64) -> pipex::Result<()> {
    pages(pages_in_it).run().map(drop)
}

#[test]
fn a_directory_that_a_function_wrote_is_replaced_whole() {
    let bench = Bench::new();
    bench.cache(|| book(3)).unwrap();
    let rerun = |count| bench.config(Mode::Cache).stale(Stale::Rerun).scope(|| book(count)).unwrap();
    rerun(3);
    assert_eq!(bench.ran(), ["pages"]);
    rerun(2);
    assert_eq!(bench.files(), ["pages/0", "pages/1"]);
}

#[test]
fn do_nothing_says_nothing_in_the_journal_of_another_mode() {
    let bench = Bench::new();
    bench.cache(|| pages(2).run()).unwrap();
    let read_journals = || -> Vec<_> {
        let runs = pipex::journal::runs(&bench.journal()).unwrap();
        runs.iter().map(|run| fs::read(run).unwrap()).collect()
    };
    let before = read_journals();
    assert_eq!(before.len(), 1);
    fs::remove_dir_all(bench.file("pages")).unwrap();
    bench.config(Mode::DoNothing).scope(|| pages(2).run()).unwrap();
    assert_eq!(read_journals(), before);
}

#[test]
fn a_journal_that_cannot_be_kept_is_not_in_the_way() {
    let bench = made("3 20 50");
    fs::remove_dir_all(bench.journal()).unwrap();
    fs::write(bench.journal(), "a file").unwrap();
    assert_eq!(stale(&bench, first_year, 40), []);
    let config = Config::new().mode(Mode::Cache).path(bench.path()).without_journal();
    assert_eq!(config.scope(|| first_year(&bench.file("readings.txt"), 40)).unwrap(), 1);
}

#[task(target = "{path}/count")]
fn count(_tags: HashSet<String>, _more: Vec<HashSet<u32>>) -> u64 {
    1
}

#[pipex::flow]
fn counted(tags: u32) -> pipex::Result<()> {
    let tags: HashSet<String> = (0..tags).map(|tag| tag.to_string()).collect();
    let more: Vec<HashSet<u32>> = vec![(0..100).collect()];
    count(tags, more).run().map(drop)
}

#[test]
fn a_set_is_the_same_in_any_order() {
    let bench = Bench::new();
    let stale = |tags| {
        let told = Told::default();
        bench.config(Mode::Cache).reporter(told.clone()).scope(|| counted(tags)).unwrap();
        std::mem::take(&mut *told.0.lock().unwrap())
    };
    // Each set has an order of its own.
    (0..5).for_each(|_| assert_eq!(stale(50), []));
    assert_eq!(stale(51), because(&[("count", "arguments")]));
}

#[test]
fn reasons_have_words() {
    let reasons = |names: &[&str]| Reasons::from(names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>());
    assert_eq!(reasons(&["inputs", "code"]).to_string(), "code and inputs");
    assert!(reasons(&[]).is_empty());
}
