//! Several outputs of one task, views of an output, and what failed as a value.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use pipex::{Arg, Config, Mode, Output, Outputs, Stale, State, Tried, flow, grid, task};
use serde::{Deserialize, Serialize};

use crate::support::{Bench, child};

/// A flow run around it: outside of one, calls of all tests have their targets in one table.
#[flow]
fn within<T>(body: impl FnOnce() -> pipex::Result<T>) -> pipex::Result<T> {
    body()
}

fn in_flow<T>(config: Config, body: impl FnOnce() -> pipex::Result<T>) -> pipex::Result<T> {
    config.scope(|| within(body))
}

const MODES: [Mode; 4] = [Mode::DoNothing, Mode::Cache, Mode::Prefect, Mode::PrefectCache];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Row {
    number: u32,
}

#[task(target(train = "{path}/{base}/train.csv", test = "{path}/{base}/test.json"))]
fn halves(count: u32) -> (Vec<Row>, Vec<u32>) {
    ((0..count / 2).map(|number| Row { number }).collect(), (count / 2..count).collect())
}

#[task(target = "{path}/{base}/rows")]
fn rows(train: &[Row]) -> usize {
    train.len()
}

#[task(target = "{path}/{base}/sum")]
fn sum(test: Vec<u32>) -> u32 {
    test.iter().sum()
}

#[test]
fn a_call_gives_an_output_for_each_target() {
    for mode in MODES {
        let bench = Bench::new();
        let both = in_flow(bench.config(mode), || {
            let (train, test) = halves(6).base("six").submit();
            let (rows, sum) = (rows(train.clone()).submit(), sum(test).submit());
            Ok((rows.load()?, sum.load()?, train.load()?.len()))
        });
        assert_eq!(both.unwrap(), (3, 12, 3), "{mode}");
        let expected: &[&str] = &["six/rows", "six/sum", "six/test.json", "six/train.csv"];
        assert_eq!(bench.files(), if mode.caches() { expected } else { &[] }, "{mode}");
    }
}

#[test]
fn each_way_to_make_it_happen_gives_them() {
    for mode in MODES {
        let bench = Bench::new();
        let all = in_flow(bench.config(mode), || {
            let (train, test) = halves(2).base("run").run()?;
            let (lazy, _) = halves(4).base("lazy").lazy();
            let whole = halves(6).call()?;
            Ok((train.load()?.len(), test.load()?.len(), lazy.load()?.len(), whole.1.len()))
        });
        assert_eq!(all.unwrap(), (1, 1, 2, 3), "{mode}");
    }
}

#[test]
fn one_that_is_deleted_is_made_again_with_the_other_and_what_took_the_other_is_not() {
    for mode in [Mode::Cache, Mode::PrefectCache] {
        let bench = Bench::new();
        let run = || {
            let config = bench.config(mode).stale(Stale::Rerun);
            in_flow(config, || {
                let (train, test) = halves(6).base("six").submit();
                let both = (rows(train).submit(), sum(test).submit());
                Ok((both.0.load()?, both.1.load()?))
            })
        };
        assert_eq!(run().unwrap(), (3, 12));
        bench.ran();
        fs::remove_file(bench.file("six/test.json")).unwrap();
        let kept = fs::metadata(bench.file("six/train.csv")).unwrap();
        assert_eq!(run().unwrap(), (3, 12));
        assert_eq!(bench.ran(), ["halves"], "what came out is the same: {mode}");
        let made_again = fs::metadata(bench.file("six/train.csv")).unwrap();
        assert_ne!(kept.modified().unwrap(), made_again.modified().unwrap(), "both are of one run");
        // What takes one of them goes by that one.
        fs::write(bench.file("six/test.json"), "[1]\n").unwrap();
        run().unwrap_or_default();
        assert!(!bench.ran().contains(&"rows"), "{mode}");
    }
}

#[test]
fn lazily_they_are_made_for_one_reader_and_not_for_what_is_there() {
    for mode in MODES {
        let bench = Bench::new();
        let run = || {
            in_flow(bench.config(mode), || {
                let (train, _) = halves(6).base("six").lazy();
                rows(train).run()?.load()
            })
        };
        assert_eq!(run().unwrap(), 3);
        bench.ran();
        if mode.caches() {
            fs::remove_file(bench.file("six/train.csv")).unwrap();
            fs::remove_file(bench.file("six/test.json")).unwrap();
            assert_eq!(run().unwrap(), 3);
            assert_eq!(bench.ran(), [""; 0], "nothing upstream of what is complete comes back");
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Outputs)]
struct Split {
    train: Vec<u32>,
    test: Vec<u32>,
}

#[task(target(train = "{path}/{base}-train", test = "{path}/{base}-test"))]
fn split(numbers: Vec<u32>) -> Result<Split, String> {
    if numbers.is_empty() {
        return Err("there is nothing to split".to_owned());
    }
    let (train, test) = numbers.into_iter().partition(|number| number % 2 == 0);
    Ok(Split { train, test })
}

#[task(target = "{path}/{base}-score")]
fn score(split: Split) -> usize {
    10 * split.train.len() + split.test.len()
}

#[task(target = "{path}/{base}-score-by-reference")]
fn score_by_reference(split: &Split) -> usize {
    10 * split.train.len() + split.test.len()
}

#[test]
fn a_struct_has_them_under_the_names_of_its_fields() {
    for mode in MODES {
        let bench = Bench::new();
        let all = in_flow(bench.config(mode), || {
            let parts = split(vec![1, 2, 3]).base("s").submit();
            let score = score(parts.clone()).submit();
            let again = score_by_reference(parts.clone()).submit();
            let failed = split(Vec::<u32>::new()).base("none").run().err().map(|error| error.to_string());
            Ok((parts.train.load()?, parts.test.load()?, score.load()?, again.load()?, failed, split(vec![4]).call()?))
        });
        let (train, test, score, again, failed, called) = all.unwrap();
        assert_eq!((train, test, score, again), (vec![2], vec![1, 3], 12, 12), "{mode}");
        assert!(failed.is_some_and(|failed| failed.contains("there is nothing to split")));
        assert_eq!(called, Split { train: vec![4], test: vec![] });
    }
}

#[task(save = false, target(index = "{path}/{base}.index", data = "{path}/{base}.data"))]
fn write_both(text: &str, #[target] data: &Path, #[target] index: &Path) -> io::Result<()> {
    fs::write(data, text)?;
    fs::write(index, text.len().to_string())
}

#[task(target = "{path}/{base}.read")]
fn read(index: &Path, data: &Path) -> io::Result<String> {
    Ok(format!("{} {}", fs::read_to_string(index)?, fs::read_to_string(data)?))
}

#[test]
fn a_function_writes_several_files_and_where_they_are_goes_where_a_path_is_asked_for() {
    for mode in MODES {
        let bench = Bench::new();
        let run = || {
            in_flow(bench.config(mode), || {
                let (index, data) = write_both("text").base("b").submit();
                read(&index, data).run()?.load()
            })
        };
        assert_eq!(run().unwrap(), "4 text", "{mode}");
        bench.ran();
        assert_eq!(run().unwrap(), "4 text", "{mode}");
        assert_eq!(bench.ran(), if mode.caches() { &[][..] } else { &["write_both", "read"] }.to_vec().tap(mode));
        assert!(bench.files().iter().all(|file| !file.contains("pipex-tmp")), "{:?}", bench.files());
    }
}

trait Tap {
    fn tap(self, mode: Mode) -> Self;
}

impl Tap for Vec<&'static str> {
    /// In `do_nothing` nobody is told of runs.
    fn tap(self, mode: Mode) -> Self {
        if mode == Mode::DoNothing { Vec::new() } else { self }
    }
}

static DRAWS: AtomicU32 = AtomicU32::new(0);

/// Another pair each time.
#[task(target(one = "{path}/one", other = "{path}/other"))]
fn draw() -> (u32, u32) {
    let number = DRAWS.fetch_add(1, Ordering::SeqCst);
    (number, number)
}

#[test]
fn what_stands_beside_each_other_is_of_one_run_whatever_is_killed() {
    // In a child that is killed again and again while it makes both, one of them is never of another run than the other.
    let out = tempfile::tempdir().unwrap();
    let both = || ["one", "other"].map(|name| fs::read(out.path().join(name)).ok());
    let mut seen = 0;
    for round in 0..1_000 {
        // A kill while both are there is rare.
        if round >= 30 && seen > 0 {
            break;
        }
        let mut child = child("outputs::child_draws", out.path()).env("PIPEX", "cache").spawn().unwrap();
        // It has begun when what was there is another.
        let before = both();
        while both() == before && child.try_wait().unwrap().is_none() {
            std::thread::yield_now();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        if let [Some(one), Some(other)] = both() {
            assert_eq!(one[..4], other[..4], "they are of two runs");
            seen += 1;
        }
    }
    assert!(seen > 0);
}

#[test]
#[ignore = "a child of the test above"]
fn child_draws() {
    DRAWS.store(std::process::id(), Ordering::SeqCst);
    for _ in 0..1_000 {
        let (one, _) = draw().run().unwrap();
        one.remove().unwrap();
    }
}

#[test]
fn views_of_one_output_are_made_where_they_are_taken() {
    #[task]
    fn pair(of: u32) -> (Vec<u32>, u32) {
        (vec![of; 3], of)
    }
    #[task(target = "{path}/first-{id}")]
    fn first(list: Vec<u32>, id: u32) -> usize {
        list.len() + id as usize
    }
    #[task(target = "{path}/second-{id}")]
    fn second(number: &u32, id: u32) -> u32 {
        number + id
    }
    for mode in MODES {
        let bench = Bench::new();
        let run = || {
            in_flow(bench.config(mode), || {
                let pair = pair(7).base("p").lazy();
                let (list, number) = pair.unzip();
                let twice = pair.map("twice", |(_, number)| 2 * number);
                Ok((
                    first(list, 0).submit().load()?,
                    second(number, 0).submit().load()?,
                    second(twice.map("again", |number| 2 * number), 1).submit().load()?,
                    twice.load()?,
                ))
            })
        };
        assert_eq!(run().unwrap(), (3, 7, 29, 14), "{mode}");
        bench.ran();
        assert_eq!(run().unwrap(), (3, 7, 29, 14), "{mode}");
        if mode.caches() {
            assert_eq!(bench.ran(), [""; 0]);
            // Another view of the same is another argument.
            let stale = in_flow(bench.config(mode).stale(Stale::Rerun), || {
                let (_, number) = pair(7).base("p").lazy().unzip();
                second(number.map("x", |number| 3 * number), 0).run()?.load()
            });
            assert_eq!(stale.unwrap(), 21);
        }
    }
}

#[task]
fn number(of: u32) -> u32 {
    of
}

#[task]
fn text_of(of: &str) -> String {
    of.to_owned()
}

#[derive(Clone, Arg)]
struct Inputs {
    factor: u32,
    one: Output<u32>,
    more: Vec<(String, Output<u32>)>,
    maybe: Option<Output<u32>>,
}

#[task(target = "{path}/held")]
fn held(inputs: Inputs) -> pipex::Result<u32> {
    let more = inputs.more.iter().map(|(_, output)| output.load()).sum::<pipex::Result<u32>>()?;
    let maybe = inputs.maybe.map_or(Ok(0), |output| output.load())?;
    Ok(inputs.factor * (inputs.one.load()? + more + maybe))
}

#[test]
fn a_struct_of_ones_own_holds_outputs() {
    for mode in MODES {
        let bench = Bench::new();
        let run = |factor, last: u32| {
            in_flow(bench.config(mode).stale(Stale::Rerun), || {
                let make = |of: u32| number(of).base(of).submit();
                let more = vec![("a".to_owned(), make(2)), ("b".to_owned(), make(last))];
                held(Inputs { factor, one: make(1), more, maybe: Some(make(4)) }).run()?.load()
            })
        };
        assert_eq!(run(1, 3).unwrap(), 10, "{mode}");
        assert_eq!(run(2, 3).unwrap(), 20, "another value beside them: {mode}");
        assert_eq!(run(2, 5).unwrap(), 24, "another output in it: {mode}");
        bench.ran();
        run(2, 5).unwrap();
        if mode.caches() {
            assert_eq!(bench.ran(), [""; 0]);
        }
    }
}

#[task(target = "{path}/collections")]
fn collections(
    listed: Vec<Vec<u32>>,
    keyed: BTreeMap<String, u32>,
    hashed: HashMap<String, u32>,
    pairs: Vec<(String, u32)>,
    array: [u32; 2],
    both: (u32, String),
    maybe: Option<u32>,
    rate: Option<f64>,
    slice: &[(String, u32)],
    iterated: Vec<u32>,
) -> String {
    let mut hashed: Vec<_> = hashed.into_iter().collect();
    hashed.sort();
    format!("{listed:?} {keyed:?} {hashed:?} {pairs:?} {array:?} {both:?} {maybe:?} {rate:?} {slice:?} {iterated:?}")
}

#[test]
fn collections_of_outputs_are_what_they_hold() {
    for mode in MODES {
        let bench = Bench::new();
        let make = |of: u32| number(of).base(of).submit();
        let key = |of: u32| (format!("k{of}"), make(of));
        let run = |nested: [&[u32]; 2]| {
            in_flow(bench.config(mode).stale(Stale::Rerun), || {
                let text = text_of("t").base("t").submit();
                let listed: Vec<Vec<Output<u32>>> =
                    nested.iter().map(|list| list.iter().map(|of| make(*of)).collect()).collect();
                let call = collections(
                    listed,
                    BTreeMap::from([key(1), key(2)]),
                    HashMap::from([key(3), key(4)]),
                    vec![key(5), key(6)],
                    [make(7), make(8)],
                    (make(9), text),
                    make(10),
                    1.0,
                    vec![key(11)],
                    (12..14).map(make),
                );
                call.submit().load()
            })
        };
        let rest = "{\"k1\": 1, \"k2\": 2} [(\"k3\", 3), (\"k4\", 4)] [(\"k5\", 5), (\"k6\", 6)] [7, 8] (9, \"t\") Some(10) \
                    Some(1.0) [(\"k11\", 11)] [12, 13]";
        assert_eq!(run([&[1, 2], &[3]]).unwrap(), format!("[[1, 2], [3]] {rest}"), "{mode}");
        assert_eq!(
            run([&[1], &[2, 3]]).unwrap(),
            format!("[[1], [2, 3]] {rest}"),
            "the same outputs, otherwise: {mode}"
        );
        bench.ran();
        run([&[1], &[2, 3]]).unwrap();
        if mode.caches() {
            assert_eq!(bench.ran(), [""; 0], "{mode}");
        }
    }
}

#[task(target = "{path}/{base}-optional")]
fn optional(of: Option<u32>, name: Option<String>) -> String {
    format!("{of:?} {name:?}")
}

#[test]
fn what_may_be_missing_is_given_as_it_is() {
    for mode in MODES {
        let bench = Bench::new();
        bench.config(mode).scope(|| {
            let make = |of: u32| number(of).base(of).submit();
            let load = |call: pipex::Call<'static, String>, base: u32| call.base(base).run().unwrap().load().unwrap();
            assert_eq!(load(optional(None, None), 1), "None None");
            assert_eq!(load(optional(Some(1), "x"), 2), "Some(1) Some(\"x\")");
            assert_eq!(load(optional(2, "x".to_owned()), 3), "Some(2) Some(\"x\")");
            assert_eq!(load(optional(make(3), None), 4), "Some(3) None");
            assert_eq!(load(optional(Output::optional(Some(make(4))), None), 5), "Some(4) None");
            assert_eq!(load(optional(Output::optional(None), None), 6), "None None");
        });
    }
}

static HOLDS: AtomicBool = AtomicBool::new(false);

#[task(target = "{path}/fit-{rate}")]
fn fit(rate: u32) -> Result<u32, String> {
    if rate == 3 && !HOLDS.load(Ordering::SeqCst) { Err("it does not converge".to_owned()) } else { Ok(10 * rate) }
}

#[task(target = "{path}/scored-{rate}")]
fn scored(fit: u32, rate: u32) -> u32 {
    fit + rate
}

#[task(target = "{path}/report")]
fn report(fits: Vec<(String, Tried<u32>)>, best: Tried<u32>) -> String {
    let fits: Vec<_> = fits
        .into_iter()
        .map(|(name, fit)| format!("{name}: {}", fit.map_or_else(|error| error.to_string(), |fit| fit.to_string())))
        .collect();
    format!("{}; {:?}", fits.join(", "), best.ok())
}

/// Nobody asks for the ones that failed; the report says so.
#[flow]
fn tolerant() -> pipex::Result<String> {
    let fits: Vec<_> =
        (1..=3).map(|rate| (format!("rate {rate}"), scored(fit(rate).submit(), rate).submit())).collect();
    let best = fits[0].1.clone();
    report(fits, best).run()?.load()
}

#[test]
fn what_failed_is_a_value_and_what_was_made_from_it_is_made_again_when_the_failure_is_over() {
    for mode in MODES {
        HOLDS.store(false, Ordering::SeqCst);
        let bench = Bench::new();
        let run = || bench.config(mode).scope(tolerant).unwrap();
        let first = run();
        assert!(first.starts_with("rate 1: 11, rate 2: 22, rate 3: "), "{first}");
        assert!(first.contains("it does not converge") && first.ends_with("; Some(11)"), "{first}");
        if mode != Mode::DoNothing {
            let states = bench.states();
            assert!(
                states.contains(&("fit", State::Failed)) && states.contains(&("scored", State::NotReady)),
                "{states:?}"
            );
        }
        // The same failed again: nothing that is there is made again.
        assert_eq!(run(), first);
        if mode.caches() {
            assert!(!bench.ran().contains(&"report"), "{mode}");
        }
        HOLDS.store(true, Ordering::SeqCst);
        assert_eq!(run(), "rate 1: 11, rate 2: 22, rate 3: 33; Some(11)", "{mode}");
    }
}

#[task]
fn cell(letter: char, number: u32) -> Result<u32, String> {
    if number == 3 { Err("three is too many".to_owned()) } else { Ok(letter as u32 + number) }
}

#[task(target = "{path}/doubled/{base}.json")]
fn doubled(of: u32) -> u32 {
    2 * of
}

#[task(target = "{path}/gathered")]
fn gathered(values: &[Tried<u32>], cells: Vec<((char, u32), Tried<u32>)>, letters: Vec<u32>) -> (usize, u32, u32) {
    let worked = cells.into_iter().filter_map(|((_, number), value)| value.ok().map(|value| value + number));
    (values.len(), worked.sum(), letters.into_iter().sum())
}

#[test]
fn a_grid_makes_a_call_of_each_key_and_calls_it_so() {
    for mode in MODES {
        let bench = Bench::new();
        let run = || {
            in_flow(bench.config(mode), || {
                let cells =
                    grid!(letter in ['a', '/'], number in 1..=3).submit(|(letter, number)| cell(letter, number));
                let doubled = cells.submit(|_, of| doubled(of));
                let letters = grid!(letter in ['x', 'y']).lazy(|letter| cell(letter, 1));
                assert_eq!(letters.get(&'y').unwrap().load()?, 122);
                let by_letter = doubled.group_by(|(letter, _)| *letter);
                assert_eq!(by_letter.keys().copied().collect::<Vec<_>>(), ['/', 'a']);
                assert_eq!(by_letter[&'a'].len(), 3);
                gathered(&doubled, &doubled, letters).run()?.load()
            })
        };
        assert_eq!(run().unwrap(), (6, 2 * (98 + 99 + 48 + 49) + 6, 243), "{mode}");
        if mode.caches() {
            let expected = [
                "cell/letter=-,number=1",
                "cell/letter=-,number=2",
                "cell/letter=a,number=1",
                "cell/letter=a,number=2",
                "cell/letter=x",
                "cell/letter=y",
                "doubled/letter=-,number=1.json",
                "doubled/letter=-,number=2.json",
                "doubled/letter=a,number=1.json",
                "doubled/letter=a,number=2.json",
                "gathered",
            ];
            assert_eq!(bench.files(), expected);
        }
        bench.ran();
        assert_eq!(run().unwrap().0, 6);
        if mode.caches() {
            assert_eq!(bench.ran(), [""; 0], "{mode}");
        }
    }
}

static LOADS: AtomicU32 = AtomicU32::new(0);

#[derive(Clone, Serialize)]
struct Counted(u32);

impl<'de> Deserialize<'de> for Counted {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = u32::deserialize(deserializer)?;
        // Stores look at a type's shape with made-up values.
        LOADS.fetch_add(u32::from(value == 77), Ordering::SeqCst);
        Ok(Counted(value))
    }
}

#[task]
fn large() -> Counted {
    Counted(77)
}

#[task(target = "{path}/part-{id}")]
fn part(large: &Counted, id: u32) -> u32 {
    large.0 + id
}

#[test]
fn what_is_kept_is_loaded_once_and_only_if_somebody_needs_it() {
    let bench = Bench::new();
    let run = || {
        LOADS.store(0, Ordering::SeqCst);
        bench.config(Mode::PrefectCache).workers(4).scope(|| {
            let large = large().base("l").lazy().keep().unwrap();
            let parts: Vec<_> = (0..20).map(|id| part(&large, id).submit()).collect();
            parts.iter().for_each(|part| assert!(part.load().is_ok()));
        });
        LOADS.load(Ordering::SeqCst)
    };
    assert_eq!(run(), 1, "twenty read it");
    assert_eq!(run(), 0, "all that reads it is there");
    fs::remove_file(bench.file("part-3")).unwrap();
    assert_eq!(run(), 1);
}
