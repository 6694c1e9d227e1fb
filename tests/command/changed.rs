//! What has changed since an output was made: the lines of the function, or which helper and its lines; the values of arguments.

use std::collections::BTreeMap;
use std::fs;

use pipex::journal::{self, Line};
use pipex::{Output, flow, task};

use crate::{Desk, steady};

/// The same functions, in versions that differ in one thing each.
mod versions {
    use super::*;

    pub fn first(limit: u64, tags: Vec<String>) -> Output<u64> {
        #[pipex::helper]
        const FACTOR: u64 = 2;

        /// Documentation is no code.
        #[pipex::helper(uses(FACTOR))]
        fn scale(x: u64) -> u64 {
            // Neither is this.
            FACTOR * x
        }

        #[pipex::helper]
        fn offset() -> u64 {
            1
        }

        #[task(target = "{path}/count.json", uses(scale, offset))]
        fn count(limit: u64, tags: Vec<String>) -> u64 {
            scale(limit) + offset() + tags.len() as u64
        }
        count(limit, tags).submit()
    }

    /// A constant that a helper of a helper is.
    pub fn other_constant(limit: u64, tags: Vec<String>) -> Output<u64> {
        #[pipex::helper]
        const FACTOR: u64 = 3;

        #[pipex::helper(uses(FACTOR))]
        fn scale(x: u64) -> u64 {
            // Neither is this.
            FACTOR * x
        }

        #[pipex::helper]
        fn offset() -> u64 {
            1
        }

        #[task(target = "{path}/count.json", uses(scale, offset))]
        fn count(limit: u64, tags: Vec<String>) -> u64 {
            scale(limit) + offset() + tags.len() as u64
        }
        count(limit, tags).submit()
    }

    /// One helper less, and a version.
    pub fn fewer_helpers(limit: u64, tags: Vec<String>) -> Output<u64> {
        #[pipex::helper]
        const FACTOR: u64 = 2;

        #[pipex::helper(uses(FACTOR))]
        fn scale(x: u64) -> u64 {
            // Neither is this.
            FACTOR * x
        }

        #[task(target = "{path}/count.json", uses(scale), version = "2")]
        fn count(limit: u64, tags: Vec<String>) -> u64 {
            scale(limit) + tags.len() as u64
        }
        count(limit, tags).submit()
    }
}

macro_rules! doubling {
    ($name:ident, $by:literal) => {
        fn $name(x: u64) -> Output<u64> {
            #[task(target = "{path}/double.json")]
            fn double(x: u64) -> u64 {
                let factor = $by;
                factor * x
            }
            double(x).submit()
        }
    };
}
doubling!(twice, 2);
doubling!(thrice, 3);

#[task(target = "{path}/part/{x}.json")]
fn part(x: u64) -> u64 {
    x
}

#[task(target = "{path}/sum.json")]
fn sum(parts: Vec<u64>) -> u64 {
    parts.iter().sum()
}

#[flow(path = "out")]
fn all(version: &str, limit: u64) -> pipex::Result<()> {
    let tags = vec!["a".to_owned(), format!("b{limit}")];
    let (count, double) = match version {
        "constant" => (versions::other_constant(limit, tags), twice(limit)),
        "fewer" => (versions::fewer_helpers(limit, tags), thrice(limit)),
        _ => (versions::first(limit, tags), twice(limit)),
    };
    count.wait()?;
    double.wait()?;
    sum((limit..limit + 3).map(|x| part(x).submit()).collect::<Vec<_>>()).run().map(drop)
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    let [version, limit] = ["VERSION", "LIMIT"].map(|name| std::env::var(name).unwrap());
    all(&version, limit.parse().unwrap()).unwrap();
}

fn run(desk: &Desk, version: &str, limit: u64) {
    let mut pipeline = desk.pipeline("changed::pipeline");
    assert!(pipeline.env("VERSION", version).env("LIMIT", limit.to_string()).status().unwrap().success());
}

#[test]
fn diff_says_which_helper_which_lines_and_which_values() {
    let desk = Desk::new();
    let mut told = String::new();
    run(&desk, "first", 1);
    told.push_str(&desk.transcribe("diff out/count.json"));
    run(&desk, "constant", 1);
    told.push_str(&desk.transcribe("diff out/count.json"));
    run(&desk, "fewer", 2);
    ["diff out/count.json", "diff out/double.json", "diff out/sum.json"]
        .iter()
        .for_each(|line| told.push_str(&desk.transcribe(line)));
    steady().bind(|| insta::assert_snapshot!("diff", told));
    // A function's first text is still there.
    let changes = desk.json("diff out/count.json");
    let lines = changes[0]["lines"].as_str().unwrap();
    assert!(lines.contains("\n+// version = \"2\"\n") && lines.contains("\n-    scale(limit) + offset()"), "{lines}");
    assert!(
        changes.as_array().unwrap().iter().any(|change| change["what"] == "helper offset" && change["is"].is_null())
    );
    assert!(desk.transcribe("why out/count.json").contains("helper offset: was"));
    // Without the texts it says as much as it can.
    fs::remove_dir_all(desk.file(".pipex/code")).unwrap();
    let said = desk.transcribe("diff out/count.json");
    assert!(
        said.contains("code of count") && !said.contains("@@") && said.contains("argument limit: 1 -> 2"),
        "{said}"
    );
}

#[test]
fn each_text_is_kept_once_by_its_fingerprint() {
    let desk = Desk::new();
    let texts = || -> BTreeMap<String, String> {
        let texts = fs::read_dir(desk.file(".pipex/code")).unwrap().map(|entry| entry.unwrap());
        texts
            .map(|entry| (entry.file_name().into_string().unwrap(), fs::read_to_string(entry.path()).unwrap()))
            .collect()
    };
    run(&desk, "first", 1);
    let first = texts();
    assert_eq!(first.len(), 4 + 3, "four functions and three helpers");
    let modified =
        || fs::metadata(desk.file(".pipex/code").join(first.keys().next().unwrap())).unwrap().modified().unwrap();
    let before = modified();
    run(&desk, "first", 1);
    assert_eq!((texts(), modified()), (first.clone(), before));
    run(&desk, "constant", 1);
    assert_eq!(texts().len(), first.len() + 3, "the constant, what uses it, and what uses that");
    // As they are written, and as the journal names them.
    let journal = &journal::runs(&desk.file(".pipex")).unwrap()[0];
    let mut named = Vec::new();
    journal::read(journal, |line| {
        if let Line::Task(function) = line {
            let helpers = function.helpers.iter().map(|helper| (helper.name.to_string(), helper.code));
            named.push((function.name.to_string(), function.code));
            named.extend(helpers);
        }
    })
    .unwrap();
    let text = |name: &str| {
        let code = named.iter().find(|(named, _)| named == name).unwrap().1;
        journal::read_code(&desk.file(".pipex"), code).unwrap()
    };
    assert_eq!(text("scale"), "fn scale(x: u64) -> u64 {\n    // Neither is this.\n    FACTOR * x\n}\n");
    assert_eq!(text("FACTOR"), "const FACTOR: u64 = 2;\n");
    assert_eq!(text("part"), "fn part(x: u64) -> u64 {\n    x\n}\n");
    // What a macro has put together stands in no file.
    assert!(text("double").contains("let factor = 2"), "{}", text("double"));
}
