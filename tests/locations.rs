//! A name is given once, where the data enter, and goes with them.

use pipex::{Config, Mode, Output, flow, task};

use crate::support::{Bench, child, files};

#[task]
fn load(name: &str) -> String {
    name.to_owned()
}

#[task]
fn upper(text: &str) -> String {
    text.to_uppercase()
}

#[task]
fn join(parts: Vec<String>, last: &str) -> String {
    parts.join("") + last
}

#[test]
fn path_and_base_are_passed_on() {
    let bench = Bench::new();
    bench.cache(|| {
        let loaded = load("a").path(bench.file("elsewhere")).base("deep/er").run().unwrap();
        let upper = upper(loaded).run().unwrap();
        assert_eq!(upper.location().unwrap().path(), bench.file("elsewhere/upper/deep/er"));
    });
    assert_eq!(bench.files(), ["elsewhere/load/deep/er", "elsewhere/upper/deep/er"]);
}

#[test]
fn the_first_output_that_has_a_base_passes_it_on() {
    let bench = Bench::new();
    bench.cache(|| {
        let parts: Vec<Output<String>> = ["a", "b"].map(|name| load(name).base(name).run().unwrap()).into();
        let last = load("c").base("c").run().unwrap();
        join(parts, last).run().unwrap();
    });
    assert!(bench.files().contains(&"join/c".to_owned()), "a collection passes on its path, but no base");
}

#[test]
fn a_collection_passes_on_its_path() {
    let (bench, other) = (Bench::new(), Bench::new());
    bench.cache(|| {
        let part = load("a").path(other.path()).base("a").run().unwrap();
        join(vec![part], "b").base("ab").run().unwrap();
    });
    assert_eq!(other.files(), ["join/ab", "load/a"]);
}

#[flow(path = out)]
fn within(out: std::path::PathBuf) -> pipex::Result<String> {
    load("a").base("a").run()?.load()
}

#[test]
fn the_configured_path_comes_before_the_flows() {
    for mode in [Mode::Cache, Mode::PrefectCache] {
        let (bench, other) = (Bench::new(), Bench::new());
        bench.config(mode).scope(|| within(other.file("flow"))).unwrap();
        assert_eq!((bench.files(), other.files()), (vec!["load/a".to_owned()], Vec::new()), "{mode:?}");
        // Without one, a flow's holds, and that of a flow within it.
        let config = || Config::new().mode(mode).without_journal().quiet(true);
        config().scope(|| within(other.file("flow"))).unwrap();
        config().scope(|| around(other.file("outer"), other.file("inner"))).unwrap();
        assert_eq!(other.files(), ["flow/load/a", "inner/load/a", "outer/load/a"], "{mode:?}");
    }
}

#[flow(path = outer)]
fn around(outer: std::path::PathBuf, inner: std::path::PathBuf) -> pipex::Result<String> {
    load("a").base("a").run()?.wait()?;
    within(inner)
}

#[task(target = "{path}/{base}")]
fn based() {}

#[test]
fn what_is_missing_is_named() {
    let bench = Bench::new();
    let no_base = format!("{:?}", bench.cache(|| based().run()).unwrap_err());
    assert!(
        no_base.starts_with("task run \"based\": the template's field `base` has no value: set it with `.base(..)`"),
        "{no_base}"
    );

    let no_path = Config::new().mode(Mode::Cache).scope(|| load("a").base("a").run()).unwrap_err();
    let no_path = format!("{no_path:?}");
    assert!(no_path.starts_with("task run \"load a\": the template's field `path` has no value"), "{no_path}");
    assert!(no_path.contains("PIPEX_PATH"), "{no_path}");
}

#[test]
#[ignore = "a child of the test below"]
fn child_load() {
    load("a").base("a").run().unwrap();
}

#[test]
fn the_environments_path_comes_last() {
    let bench = Bench::new();
    assert!(child("locations::child_load", &bench.file("env")).output().unwrap().status.success());
    assert_eq!(files(bench.path()), ["env/load/a"]);
}

#[test]
fn an_output_can_be_removed() {
    let bench = Bench::new();
    bench.cache(|| {
        let output = load("a").base("a").run().unwrap();
        assert!(output.remove().unwrap());
        assert!(!output.remove().unwrap());
        assert_eq!(bench.files(), [""; 0]);
        let error = format!("{:?}", output.load().unwrap_err());
        assert!(error.starts_with("cannot load the output ") && error.contains("load/a"), "{error}");
    });
}
