//! Targets are filled as the template says, and nothing that is filled in breaks out of it.

use std::path::Path;

use pipex::{Mode, Output, flow, task};
use proptest::prelude::*;

use crate::support::Bench;

#[task(target = "{path}/{flow}/{module}/{ station }-{month}.json")]
fn fields(station: &str, month: u32) -> u32 {
    month + station.len() as u32
}

#[task(target = "{path}/plain \\{braces}/{base}")]
fn braces() {}

#[task(target = "{path}/{{ if wet }}wet{{ else }}dry{{ endif }}/{name | unescaped}&{base}{# a comment #}")]
fn blocks(wet: bool, name: &str) {
    let _ = (wet, name);
}

#[task(target = "{path}/{now.date}/{now.year}-{now.month}-{now.day}/{now.second}/{base}")]
fn moments() {}

#[task(target = "{path}/{env.CARGO_PKG_NAME}/{base}")]
fn environment() {}

#[task(target = "{path}/{env.PIPEX_TESTS_NEVER_SET_THIS}/{base}")]
fn no_environment() {}

#[task(target = "{path}/{x}")]
fn number(x: f32) {
    let _ = x;
}

#[derive(serde::Serialize, Debug, Clone)]
struct Params {
    rate: f64,
    r#type: Kind,
    steps: (u32, u32),
}

#[derive(serde::Serialize, Debug, Clone, Copy)]
enum Kind {
    Ridge,
}

impl Params {
    fn new(rate: f64) -> Self {
        Params { rate, r#type: Kind::Ridge, steps: (10, 20) }
    }

    #[task(target = "{path}/self/{self.rate}-{base}")]
    fn method(&self) -> f64 {
        self.rate
    }
}

#[task(
    target = "{path}/{params.type:?}/{day:03}-{params.rate:.2}-{params.steps.1}-{name:_>5}",
    name = "{day:03} {day} {params.steps.0:#x}"
)]
fn formats(day: u32, params: &Params, name: String) {}

#[task(
    target = "{path}/{{ if not params.rate:.1 }}{{ endif }}{{ if dry }}dry{{ else }}{params.rate:.1}-{params.rate}{{ endif }}"
)]
fn blocks_of_fields(dry: bool, params: Params) {}

#[task(target = "{path}/{params.steps.0:?}", retries = 1)]
async fn of_a_copy(params: Params) -> u32 {
    params.steps.0
}

#[task(target = "{path}/{note:.3}")]
fn cut(note: &str) {}

/// Where all of these are.
const EVERYWHERE: &str = "{path}/all \\{of them}/{funcname}/{args}.json";

mod names {
    pub const OF_RUNS: &str = "run {base}";
}

#[task(target = EVERYWHERE, name = names::OF_RUNS)]
fn one_of_them(x: u32) -> Result<u32, String> {
    if x == 0 { Err("nothing".to_owned()) } else { Ok(x) }
}

#[task(target = EVERYWHERE)]
fn another(x: u32, y: bool) -> u32 {
    x + u32::from(y)
}

#[flow]
fn named() -> pipex::Result<()> {
    fields("EWR", 7).run()?;
    Ok(())
}

#[test]
fn every_kind_of_field() {
    let bench = Bench::new();
    bench.cache(|| {
        named().unwrap();
        braces().base("b").run().unwrap();
        blocks(true, "<a>").base("b").run().unwrap();
        blocks(false, "<a>").base("b").run().unwrap();
        environment().base("e").run().unwrap();
        number(0.1).run().unwrap();
    });
    assert_eq!(
        bench.files(),
        [
            "0.1",
            "dry/<a>&b",
            &format!("named/{}/EWR-7.json", module_path!()),
            "pipex/e",
            "plain {braces}/b",
            "wet/<a>&b"
        ]
    );
}

/// In every mode that saves.
#[test]
fn parameters_have_formats_and_fields() {
    for mode in [Mode::Cache, Mode::PrefectCache] {
        let bench = Bench::new();
        bench.config(mode).scope(|| {
            let params = Params::new(0.125);
            formats(7, &params, "a".to_owned()).run().unwrap();
            formats(1234, &params, "long name".to_owned()).run().unwrap();
            assert_eq!(params.method().base("b").run().unwrap().load().unwrap(), 0.125);
            blocks_of_fields(true, params.clone()).run().unwrap();
            blocks_of_fields(false, params.clone()).submit().wait().unwrap();
            of_a_copy(params).submit().wait().unwrap();
        });
        let files =
            ["0.1-0.125", "10", "Ridge/007-0.12-20-____a", "Ridge/1234-0.12-20-long name", "dry", "self/0.125-b"];
        assert_eq!(bench.files(), files, "{mode}");
    }
}

#[test]
fn names_of_runs_have_them_too() {
    let bench = Bench::new();
    let fails = |name| format!("{:?}", formats(7, &Params::new(0.5), name).run().unwrap_err());
    let error = bench.config(Mode::PrefectCache).scope(|| fails("a/b".to_owned()));
    assert!(
        error.starts_with("task run \"007 7 0xa\": the template's field `name:_>5` is \"__a/b\", which "),
        "{error}"
    );
}

#[test]
fn templates_may_be_constants() {
    for mode in [Mode::Cache, Mode::PrefectCache] {
        let bench = Bench::new();
        bench.config(mode).scope(|| {
            one_of_them(7).run().unwrap();
            another(7, true).submit().wait().unwrap();
            let error = format!("{:?}", one_of_them(0).base("b").run().unwrap_err());
            assert!(
                error.starts_with("task run \"run b\"") && error.contains("all {of them}/one_of_them/0.json"),
                "{error}"
            );
        });
        assert_eq!(bench.files(), ["all {of them}/another/x=7,y=true.json", "all {of them}/one_of_them/7.json"]);
    }
}

/// What is checked is what stands in the target.
#[test]
fn formatted_values_cannot_break_out() {
    let bench = Bench::new();
    bench.cache(|| {
        cut("abc/d").run().unwrap();
        for note in ["", "..", "a/bc", "a\0bc"] {
            let error = format!("{:?}", cut(note).run().unwrap_err());
            assert!(
                error.contains(&format!("the template's field `note:.3` is {:?}, which ", &note[..note.len().min(3)])),
                "{error}"
            );
        }
        let (near, far) = (Params::new(0.111), Params::new(0.112));
        formats(7, &near, "a".to_owned()).run().unwrap();
        let error = format!("{:?}", formats(7, &far, "a".to_owned()).run().unwrap_err());
        assert!(error.contains("the same target with different arguments"), "{error}");
    });
    assert_eq!(bench.files(), ["Ridge/007-0.11-20-____a", "abc"]);
}

#[flow]
fn agree() -> pipex::Result<Vec<Output<()>>> {
    (0..50).map(|i| moments().base(i.to_string()).run()).collect()
}

#[test]
fn a_flow_run_has_one_moment() {
    let bench = Bench::new();
    let outputs = bench.cache(agree).unwrap();
    let parents: std::collections::HashSet<&Path> =
        outputs.iter().map(|output| output.location().unwrap().path().parent().unwrap()).collect();
    assert_eq!(parents.len(), 1);
    let parent = parents.into_iter().next().unwrap().strip_prefix(bench.path()).unwrap().to_str().unwrap().to_owned();
    let (date, rest) = parent.split_once('/').unwrap();
    assert_eq!(rest.split_once('/').unwrap().0, date, "{parent}");
}

#[test]
fn an_environment_variable_that_is_not_set_is_named() {
    let error = Bench::new().cache(|| no_environment().base("b").run()).unwrap_err();
    assert!(
        format!("{error:?}")
            .contains("field `env.PIPEX_TESTS_NEVER_SET_THIS` has no value: set the environment variable")
    );
}

#[test]
fn values_cannot_break_out() {
    let bench = Bench::new();
    for station in ["", ".", "..", "a/b", "/etc", "a\\b", "nul\0"] {
        let error = format!("{:?}", bench.cache(|| fields(station, 1).run()).unwrap_err());
        assert!(error.contains("flow") || error.contains("`station`"), "{error}");
        let error = format!("{:?}", bench.cache(|| blocks(true, station).base("b").run()).unwrap_err());
        assert!(error.contains(&format!("the template's field `name` is {station:?}, which ")), "{error}");
    }
    for base in ["", ".", "..", "/etc/passwd", "a/../../b", "../b", "a//b", "a/", "nul\0"] {
        let error = format!("{:?}", bench.cache(|| braces().base(base).run()).unwrap_err());
        assert!(error.contains(&format!("the template's field `base` is {base:?}, which ")), "{error}");
    }
    let error = format!("{:?}", bench.cache(|| braces().path("").base("b").run()).unwrap_err());
    assert!(error.contains("`path` is \"\", which is empty: `.` is the current directory"), "{error}");
    assert_eq!(bench.files(), [""; 0]);
}

/// `pipex gc` goes by names.
#[test]
fn what_looks_like_a_temporary_file_is_no_target() {
    let bench = Bench::new();
    for base in [
        "x.pipex-tmp",
        ".x.pipex-tmp",
        ".x.pipex-tmp-12",
        ".x.pipex-draft.svg",
        ".x.pipex-draft-7.svg",
        "x.pipex-old",
        ".x.pipex-old-12",
        ".x.pipex-draft/within",
        "a/.x.pipex-old/b",
    ] {
        let error = format!("{:?}", bench.cache(|| braces().base(base).run()).unwrap_err());
        assert!(error.contains("temporary file") && error.contains("gc") && error.contains(base), "{error}");
        let error = format!("{:?}", bench.cache(|| braces().path(bench.file(base)).base("b").run()).unwrap_err());
        assert!(error.contains("temporary file"), "{error}");
    }
    assert_eq!(bench.files(), [""; 0]);
    // Names that only remind of them are as good as any.
    for base in [".pipex", "pipex-tmp", "a.pipex", "my-pipex-tmp"] {
        bench.cache(|| braces().base(base).run()).unwrap();
    }
}

#[test]
fn names_of_people_are_names_of_files() {
    let bench = Bench::new();
    for base in ["Zürich Höngg", "東京/雨", "a b\tc", "'quoted' \"twice\"", "{curly}", "&amp;", "emoji 🌧"] {
        let output = bench.cache(|| braces().base(base).run()).unwrap();
        assert_eq!(output.location().unwrap().path(), bench.file("plain {braces}").join(base));
        assert!(bench.file("plain {braces}").join(base).is_file());
    }
}

#[test]
fn a_name_too_long_is_an_error_that_says_so() {
    let bench = Bench::new();
    // 255 bytes are what file systems allow, and all of them may be used.
    bench.cache(|| braces().base("x".repeat(255)).run()).unwrap();
    let error = format!("{:?}", bench.cache(|| braces().base("x".repeat(256)).run()).unwrap_err());
    assert!(error.contains("255") && error.contains("base"), "{error}");
    assert_eq!(bench.files().len(), 1);
}

#[task(target = "{path}/{a}-{b}/{base}")]
fn two(a: &str, b: u64) {
    let _ = (a, b);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What is filled by putting parts together is what tinytemplate makes of the template.
    #[test]
    fn filled_as_tinytemplate_does(a in "[^/\\\\\0]{1,20}", b: u64, base in "[^/\\\\\0]{1,20}") {
        prop_assume!(![&a, &base].iter().any(|name| matches!(name.as_str(), "." | "..")));
        let bench = Bench::new();
        let output = bench.cache(|| two(&a, b).base(&base).lazy_location());
        let mut template = tinytemplate::TinyTemplate::new();
        template.set_default_formatter(&tinytemplate::format_unescaped);
        template.add_template("t", "{path}/{a}-{b}/{base}").unwrap();
        let values = serde_json::json!({ "path": bench.path(), "a": a, "b": b, "base": base });
        prop_assert_eq!(output, template.render("t", &values).unwrap());
    }
}

trait LazyLocation {
    fn lazy_location(self) -> String;
}
impl LazyLocation for pipex::Call<'_, ()> {
    /// Where it would be.
    fn lazy_location(self) -> String {
        self.run().unwrap().location().unwrap().to_string()
    }
}
