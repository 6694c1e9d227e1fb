//! A call that is given no name has one of its own: a digest of its arguments, which no other call has.

use std::path::{Path, PathBuf};

use pipex::{Config, Mode, Output, task};
use proptest::prelude::*;
use serde::Serialize;

use crate::support::Bench;

const MODES: [Mode; 4] = [Mode::DoNothing, Mode::Cache, Mode::Prefect, Mode::PrefectCache];

#[task]
fn load(station: &str) -> String {
    station.to_owned()
}

#[task]
fn setup() -> u32 {
    1
}

#[task]
fn fit(segment: String, rate: f64, steps: Option<u32>) -> f64 {
    segment.len() as f64 + rate + f64::from(steps.unwrap_or_default())
}

#[task]
fn join(parts: Vec<String>, last: Vec<String>) -> String {
    parts.join("") + &last.join("")
}

#[task(target = "{path}/{args}.json", name = "of {args}")]
fn named(station: &str, month: u32) -> Result<u32, String> {
    if station == "LGA" { Err("closed".to_owned()) } else { Ok(month) }
}

/// The name behind the last `/`.
fn last<T>(output: &Output<T>) -> String {
    output.location().unwrap().path().file_name().unwrap().to_str().unwrap().to_owned()
}

/// What stands before the digits of a digest that has them.
fn shown(name: &str) -> &str {
    let (shown, digits) = name.rsplit_once('-').unwrap_or(("", name));
    assert!(digits.len() == 12 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{name}");
    shown
}

#[test]
fn what_is_short_is_shown() {
    let bench = Bench::new();
    bench.cache(|| {
        load("EWR").run().unwrap();
        load("2013").run().unwrap();
        setup().run().unwrap();
        fit("retail".to_owned(), 0.1, Some(7)).run().unwrap();
        fit("b-2_b".to_owned(), -1.0, Some(0)).run().unwrap();
        named("EWR", 7).run().unwrap();
    });
    let files = [
        "fit/segment=b-2_b,rate=-1.0,steps=0",
        "fit/segment=retail,rate=0.1,steps=7",
        "load/2013",
        "load/EWR",
        "setup",
        "station=EWR,month=7.json",
    ];
    assert_eq!(bench.files(), files);
}

#[test]
fn what_is_not_has_digits() {
    let bench = Bench::new();
    bench.cache(|| {
        let long = "x".repeat(65);
        for hidden in ["", ".", "..", ".hidden", "Zürich", "New York", "a=b", "a,b", "\"", "\\", "..pipex-tmp", &long]
        {
            assert_eq!(shown(&last(&load(hidden.to_owned()).lazy())), "", "{hidden}");
        }
        // What a value shows is never how the output is saved, nor another call's digits.
        for ambiguous in
            ["data.csv", "a.json", "a.7z", "x.7.tar", "0123456789ab", "a-0123456789ab", "0123456789ab-0123456789ab"]
        {
            assert_eq!(shown(&last(&load(ambiguous).lazy())), ambiguous);
        }
        assert_eq!(shown(&last(&load("data/raw/flights.csv").lazy())), "flights.csv");
        let fit = |segment: &str, rate, steps| last(&fit(segment.to_owned(), rate, steps).lazy());
        assert_eq!(shown(&fit("a b", 0.5, Some(1))), "rate=0.5,steps=1");
        assert_eq!(shown(&fit("a", f64::NAN, None)), "segment=a");
        assert_eq!(shown(&fit(&"x".repeat(57), 0.5, Some(1))), "rate=0.5,steps=1");
        assert_eq!(shown(&fit(&"x".repeat(44), 0.5, Some(1))), format!("segment={},rate=0.5", "x".repeat(44)));
    });
}

#[task]
fn upper(text: &str) -> String {
    text.to_uppercase()
}

#[test]
fn a_base_that_is_given_or_inherited_comes_first() {
    let bench = Bench::new();
    bench.cache(|| {
        let newark = load("EWR").base("newark").run().unwrap();
        setup().base("b").run().unwrap();
        upper(newark).run().unwrap();
        // A collection passes on none.
        let parts = ["JFK", "LGA"].map(|station| load(station).base(station).lazy());
        assert_eq!(shown(&last(&join(parts, Vec::<String>::new()).lazy())), "");
    });
    assert_eq!(bench.files(), ["load/newark", "setup/b", "upper/newark"]);
}

/// Runs are called by the digest in each mode that gives them names.
#[test]
fn runs_are_called_by_it() {
    for mode in [Mode::Prefect, Mode::PrefectCache] {
        let bench = Bench::new();
        let error = format!("{:?}", bench.config(mode).scope(|| named("LGA", 1).run()).unwrap_err());
        assert!(error.starts_with("task run \"of station=LGA,month=1\""), "{error}");
    }
}

/// An output is shown by the name of its target.
#[test]
fn outputs_are_told_apart_by_where_they_are() {
    #[task]
    fn double(x: u32) -> u32 {
        2 * x
    }
    #[task]
    fn pair(station: &str) -> (String, String) {
        (station.to_owned(), station.to_lowercase())
    }
    #[task]
    fn location_of(part: Output<String>) -> String {
        part.location().unwrap().to_string()
    }
    let bench = Bench::new();
    bench.cache(|| {
        let [newark, kennedy] = ["EWR", "JFK"].map(|station| load(station).lazy());
        let kept = Output::from("LGA".to_owned());
        assert_eq!(shown(&last(&upper(newark.clone()).lazy())), "EWR");
        assert_eq!(shown(&last(&upper(upper(newark.clone()).lazy()).lazy())), "EWR");
        assert_eq!(shown(&last(&double(named("EWR", 7).lazy()).lazy())), "station=EWR,month=7");
        assert_eq!(shown(&last(&double(double(named("New York", 7).lazy()).lazy()).lazy())), "month=7");
        assert_eq!(shown(&last(&location_of(newark.clone()).lazy())), "EWR");
        assert_eq!(last(&upper("LGA").lazy()), "LGA");
        assert_eq!(last(&upper(kept).lazy()), "LGA");
        let (left, right) = pair("EWR").lazy().unzip();
        let there = newark.location().unwrap().to_string();
        let all = [
            last(&upper(newark.clone()).lazy()),
            last(&upper(kennedy.clone()).lazy()),
            last(&upper(there).lazy()),
            last(&upper(left).lazy()),
            last(&upper(right).lazy()),
            last(&join([newark.clone(), kennedy.clone()], Vec::<String>::new()).lazy()),
            last(&join([newark.clone()], [kennedy.clone()]).lazy()),
            last(&join(Vec::<String>::new(), [newark, kennedy]).lazy()),
            last(&join(Vec::<String>::new(), Vec::<String>::new()).lazy()),
        ];
        let different: std::collections::BTreeSet<_> = all.iter().collect();
        assert_eq!(different.len(), all.len(), "{all:?}");
    });
}

#[task(save = false)]
fn draw(station: &str, count: u32, #[target] to: &Path) -> std::io::Result<()> {
    std::fs::write(to, station.repeat(count as usize))
}

/// A function that writes its target has one in every mode, and it is the same.
#[test]
fn it_is_the_same_in_every_mode() {
    for mode in MODES {
        let bench = Bench::new();
        bench.config(mode).scope(|| {
            draw("EWR", 2).run().unwrap();
            draw("New York", 2).submit().wait().unwrap();
        });
        let files = bench.files();
        assert_eq!(files[0], "draw/count=2-e613e544bf85", "{mode}");
        assert_eq!(files[1..], ["draw/station=EWR,count=2"], "{mode}");
    }
}

/// Where nothing is saved, an output that has yet to be made has no name.
#[test]
fn what_cannot_be_told_apart_is_an_error() {
    #[task(target = "{path}/{args}")]
    fn apply(function: impl Fn(u32) -> u32, x: u32) -> u32 {
        function(x)
    }
    /// An address is another in each process.
    #[task]
    fn point(function: fn(u32) -> u32) -> u32 {
        function(1)
    }
    let bench = Bench::new();
    let error = format!("{:?}", bench.cache(|| point(|x| x + 1).run()).unwrap_err());
    assert!(error.contains("the template's field `base` has no value"), "{error}");
    let error = format!("{:?}", bench.cache(|| apply(|x| x + 1, 1).run()).unwrap_err());
    assert!(
        error.contains("the template's field `args` has no value: an argument has nothing that tells it"),
        "{error}"
    );
    assert!(error.contains("`.base(..)`"), "{error}");

    let error = bench.config(Mode::Prefect).scope(|| draw(load("EWR").lazy(), 1).run()).unwrap_err();
    let error = format!("{error:?}");
    assert!(error.contains("in this mode an output among the arguments has no location: set `.base(..)`"), "{error}");
    bench.config(Mode::Prefect).scope(|| draw(load("EWR").lazy(), 1).base("b").run()).unwrap();
    assert_eq!(bench.files(), ["draw/b"]);

    let path = PathBuf::from(<std::ffi::OsString as std::os::unix::ffi::OsStringExt>::from_vec(vec![b'a', 0xff]));
    #[task]
    fn read(path: &Path) -> bool {
        path.exists()
    }
    let error = format!("{:?}", bench.cache(|| read(&path).run()).unwrap_err());
    assert!(error.contains("the template's field `args` has no value"), "{error}");
}

#[derive(Debug, Clone, PartialEq, Serialize)]
enum Kind {
    Ridge,
    Lasso,
    #[serde(rename = "Lasso")]
    Renamed,
    Of(String),
}

/// A value whose text does not tell what it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(untagged)]
enum Any {
    Text(String),
    Small(u32),
    Large(u64),
    Truth(bool),
    Nothing,
}

#[derive(Debug, Clone, PartialEq)]
struct Given {
    text: String,
    /// The bits of a number.
    rate: u64,
    steps: Option<i64>,
    sign: char,
    kind: Kind,
    any: Any,
    list: Vec<u8>,
    path: String,
}

mod of {
    #![expect(unused_variables, reason = "what matters is what they are called")]

    use super::{Any, Kind, Path, task};

    #[task]
    pub fn text(text: &str) {
        let _ = text;
    }

    #[task]
    pub fn path(path: &Path) {}

    #[task]
    pub fn any(any: &Any) {}

    #[task]
    pub fn scalars(text: String, rate: f64, steps: Option<i64>, sign: char) {}

    #[task]
    pub fn kinds(kind: Kind, text: &str) {}

    #[task]
    pub fn all(text: &str, rate: f64, steps: Option<i64>, kind: &Kind, any: Any, list: &[u8], path: &Path) {}
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{0,2}",
        "[0-9a-f]{12}",
        "[ab]-[0-9a-f]{12}",
        "[ab]\\.(csv|json|1)",
        "[ab=,/.\\- ]{0,5}",
        Just("null".to_owned()),
        Just("true".to_owned()),
        "[0-9]",
        "x{60,70}",
        any::<String>(),
    ]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Ridge), Just(Kind::Lasso), Just(Kind::Renamed), text().prop_map(Kind::Of)]
}

fn anything() -> impl Strategy<Value = Any> {
    prop_oneof![
        text().prop_map(Any::Text),
        (0..3u32).prop_map(Any::Small),
        (0..3u64).prop_map(Any::Large),
        any::<bool>().prop_map(Any::Truth),
        Just(Any::Nothing),
    ]
}

fn number() -> impl Strategy<Value = u64> {
    let few = (0..4).prop_map(|number| (f64::from(number) / 2.0).to_bits());
    prop_oneof![few, any::<f64>().prop_map(f64::to_bits), any::<u64>()]
}

fn given() -> impl Strategy<Value = Given> {
    let steps = prop_oneof![Just(None), (-1..2i64).prop_map(Some), any::<Option<i64>>()];
    let sign = prop_oneof![Just('a'), Just('7'), Just('/'), any::<char>()];
    let list = proptest::collection::vec(0..2u8, 0..2);
    (text(), number(), steps, sign, kind(), anything(), list, text()).prop_map(
        |(text, rate, steps, sign, kind, any, list, path)| Given { text, rate, steps, sign, kind, any, list, path },
    )
}

/// The targets of calls of several functions, and what each is given.
fn list_calls(given: &Given) -> Vec<(String, String)> {
    let Given { text, rate, steps, sign, kind, any, list, path } = given.clone();
    let number = f64::from_bits(rate);
    let calls = [
        (of::text(&text), format!("{text:?}")),
        (of::path(Path::new(&path)), format!("{path:?}")),
        (of::any(&any), format!("{any:?}")),
        (of::scalars(text.clone(), number, steps, sign), format!("{:?}", (&text, rate, steps, sign))),
        (of::kinds(kind.clone(), &text), format!("{:?}", (&kind, &text))),
        (
            of::all(&text, number, steps, &kind, any.clone(), &list, Path::new(&path)),
            format!("{:?}", (&text, rate, steps, &kind, &any, &list, &path)),
        ),
    ];
    let target = |output: Output<()>| output.location().expect("an output that is saved").to_string();
    calls.into_iter().map(|(call, given)| (target(call.run().unwrap()), given)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    /// Two calls have the same digest only if they have the same arguments.
    #[test]
    fn no_two_calls_share_one(first in given(), second in given(), same in any::<u8>()) {
        // Calls that differ in little are those that could be taken for each other.
        let mut second = second;
        let is_same = |place: u8| same & 1 << place != 0;
        if is_same(0) { second.text.clone_from(&first.text); }
        if is_same(1) { second.rate = first.rate; }
        if is_same(2) { second.steps = first.steps; }
        if is_same(3) { second.sign = first.sign; }
        if is_same(4) { second.kind = first.kind.clone(); }
        if is_same(5) { second.any = first.any.clone(); }
        if is_same(6) { second.list.clone_from(&first.list); }
        if is_same(7) { second.path.clone_from(&first.path); }
        let nothing = Config::new().mode(Mode::Cache).path("out").without_journal().quiet(true).dry_run(true);
        let [first, second] = nothing.scope(|| [list_calls(&first), list_calls(&second)]);
        for ((one, given), (two, other)) in first.iter().zip(&second) {
            prop_assert_eq!(one == two, given == other, "{} {} {} {}", one, given, two, other);
        }
    }
}

/// Those of the guide. Another digest would be another target: what is there would not be found.
#[test]
fn digests_stay_what_they_are() {
    #[task]
    fn fit(segment: &str, rate: f64, steps: u32) -> f64 {
        segment.len() as f64 * rate * f64::from(steps)
    }
    #[task]
    fn read(path: &Path) -> u64 {
        path.metadata().unwrap().len()
    }
    #[task]
    fn mean(text: String) -> usize {
        text.len()
    }
    let nothing = |path| Config::new().mode(Mode::Cache).path(path).without_journal().quiet(true).dry_run(true);
    // The same wherever all of it is.
    for path in ["out", "/elsewhere/out", "out/", "./out", "out/../out"] {
        nothing(path).scope(|| assert_eq!(last(&mean(load("EWR").lazy()).lazy()), "EWR-3b0524b9307a"));
    }
    let there = nothing("there").scope(|| load("EWR").lazy());
    nothing("out").scope(|| assert_eq!(last(&mean(there.clone()).path("out").lazy()), "EWR-7c85a979e379"));
    nothing("out").scope(|| {
        assert_eq!(last(&fit("retail", 0.1, 7).lazy()), "segment=retail,rate=0.1,steps=7");
        assert_eq!(last(&fit("New York", 0.1, 7).lazy()), "rate=0.1,steps=7-80c5f7db1473");
        assert_eq!(last(&read(Path::new("data/flights.csv")).lazy()), "flights.csv-6804f314d5ef");
    });
}
