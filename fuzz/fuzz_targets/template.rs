//! Whatever a template is filled with, the target stays below `path`, or there is an error.
#![no_main]

use std::path::{Component, Path};

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use pipex::{Config, Mode, task};

#[derive(Debug, Arbitrary)]
struct Input<'i> {
    base: &'i str,
    value: &'i str,
}

#[task(target = "{path}/in/{value}/{base}.txt")]
fn plain(value: &str) -> String {
    value.to_owned()
}

#[task(target = "{path}/in/{{ if value }}{value}{{ else }}none{{ endif }}/{base}.txt")]
fn branches(value: &str) -> String {
    value.to_owned()
}

#[task(target = "{path}/in/{args}/{base}.txt")]
fn digest(value: &str) -> String {
    value.to_owned()
}

fuzz_target!(|input: Input<'_>| {
    Config::new().mode(Mode::Cache).without_journal().path("out").scope(|| {
        let value = || input.value.to_owned();
        for call in [plain(value()), branches(value()), digest(value())] {
            let output = call.base(input.base).lazy();
            let Some(location) = output.location() else { continue };
            let path = Path::new(location.as_str());
            assert!(path.starts_with("out/in"), "{path:?}");
            assert!(path.components().all(|part| matches!(part, Component::Normal(_))), "{path:?}");
            assert!(!location.as_str().contains('\0'), "{path:?}");
            let depth = 4 + input.base.matches('/').count();
            assert_eq!(path.components().count(), depth, "{path:?}");
        }
    });
});
