//! Targets are filled as the template says, and nothing that is filled in breaks out of it.

use std::path::Path;

use pipex::{Output, flow, task};
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
