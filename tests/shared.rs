//! Outputs that a team shares: what others have made of the same is taken, and nothing else.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use pipex::{Output, flow, task};
use tempfile::TempDir;

use crate::child;
use crate::kill::kill_after;
use crate::support::files;

#[task(target = "{path}/rows.json")]
fn load(file: &Path) -> io::Result<Vec<u32>> {
    println!("\nran load");
    Ok(fs::read_to_string(file)?.lines().filter_map(|line| line.parse().ok()).collect())
}

#[task(target(low = "{path}/low.md", high = "{path}/high"))]
fn split(rows: Vec<u32>) -> (String, Vec<u32>) {
    println!("\nran split");
    let (low, high): (Vec<u32>, Vec<u32>) = rows.into_iter().partition(|row| *row < 10);
    (format!("# Low\n\n{low:?}\n"), high)
}

#[task(save = false, target = "{path}/plot.svg")]
fn plot(rows: &[u32], #[target] to: &Path) -> io::Result<()> {
    println!("\nran plot");
    fs::write(to, format!("<svg><!-- {} --></svg>\n", rows.len()))
}

#[task(target = "{path}/total")]
fn total(rows: &[u32]) -> u32 {
    println!("\nran total");
    rows.iter().sum()
}

mod branch {
    use super::*;

    #[task(target = "{path}/total")]
    pub fn total(rows: &[u32]) -> u32 {
        println!("\nran other total");
        rows.iter().sum::<u32>() + 1
    }
}

#[flow(path = "out")]
fn report() -> pipex::Result<u32> {
    let rows = load(Path::new("numbers.txt")).submit();
    let (_low, high) = split(rows.clone()).submit();
    let _plot = plot(rows).submit();
    let is_branch = std::env::var_os("PIPEX_TESTS_BRANCH").is_some();
    let total: Output<u32> = if is_branch { branch::total(high).submit() } else { total(high).submit() };
    total.load()
}

#[test]
#[ignore = "a child of the tests below"]
fn child_report() {
    println!("\ngave {}", report().unwrap());
}

/// A checkout of the project on a machine of its own.
struct Checkout(TempDir);

impl Checkout {
    fn new(numbers: &str) -> Self {
        let checkout = Checkout(tempfile::tempdir().unwrap());
        checkout.edit(numbers);
        checkout
    }

    fn edit(&self, numbers: &str) {
        fs::write(self.0.path().join("numbers.txt"), numbers).unwrap();
    }

    /// What ran in it, with what came out; and what was said.
    fn run(&self, set: &[(&str, &str)]) -> (Vec<String>, String) {
        let mut child = child::child("shared::child_report");
        child.current_dir(self.0.path()).env("PIPEX_ROOT", self.0.path()).env("PIPEX_QUIET", "1");
        let ended = child.envs(set.iter().copied()).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.success(), "{said}");
        let stdout = String::from_utf8(ended.stdout).unwrap();
        let mut ran: Vec<String> =
            stdout.lines().filter_map(|line| line.strip_prefix("ran ")).map(str::to_owned).collect();
        ran.sort();
        ran.extend(stdout.lines().filter(|line| line.starts_with("gave ")).map(str::to_owned));
        (ran, said)
    }

    fn outputs(&self) -> Vec<(String, Vec<u8>)> {
        let out = self.0.path().join("out");
        let mut outputs: Vec<_> =
            files(&out).into_iter().map(|file| (file.clone(), fs::read(out.join(file)).unwrap())).collect();
        outputs.sort();
        outputs
    }
}

const ALL: [&str; 4] = ["load", "plot", "split", "total"];

fn names(shared: &Path) -> Vec<String> {
    let without_digits = |name: String| {
        let (stem, rest) = name.split_once('@').unwrap();
        let (digits, end) = rest.split_at(16);
        assert!(digits.bytes().all(|digit| digit.is_ascii_hexdigit()), "{name}");
        format!("{stem}@{end}")
    };
    let mut names: Vec<_> = files(shared).into_iter().map(without_digits).collect();
    names.sort();
    names
}

fn with(names: &[&str], gave: u32) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).chain([format!("gave {gave}")]).collect()
}

#[test]
fn a_clean_checkout_takes_what_another_has_made() {
    for mode in ["cache", "prefect.cache"] {
        let shared = tempfile::tempdir().unwrap();
        let (place, read_only) = (shared.path().to_str().unwrap(), format!("{},readonly", shared.path().display()));
        let [here, there] = [(); 2].map(|()| Checkout::new("3\n10\n20\n"));
        assert_eq!(here.run(&[("PIPEX", mode), ("PIPEX_SHARED", place)]).0, with(&ALL, 30));
        assert_eq!(names(shared.path()), ["out/high@", "out/low@.md", "out/plot@.svg", "out/rows@.json", "out/total@"]);
        let (ran, said) = there.run(&[("PIPEX", mode), ("PIPEX_SHARED", &read_only)]);
        assert_eq!(ran, with(&[], 30), "{mode}: {said}");
        assert_eq!(there.outputs(), here.outputs());
        // They are its own now; and what they were made of is known, of those that do not say it as well.
        assert_eq!(there.run(&[("PIPEX", mode)]), (with(&[], 30), String::new()));
        there.edit("4\n10\n20\n");
        let changed = ["load", "plot", "split"];
        assert_eq!(
            there.run(&[("PIPEX", mode), ("PIPEX_STALE", "rerun")]).0,
            with(&changed, 30),
            "high is what it was"
        );
    }
}

#[test]
fn what_was_made_of_something_else_is_never_taken() {
    let shared = tempfile::tempdir().unwrap();
    let read_only = format!("{},readonly", shared.path().display());
    let shared_by = |checkout: &Checkout, set: &[(&str, &str)]| {
        checkout.run(&[&[("PIPEX_SHARED", shared.path().to_str().unwrap())], set].concat()).0
    };
    let (one, other) = (Checkout::new("3\n10\n20\n"), Checkout::new("3\n10\n21\n"));
    assert_eq!(shared_by(&one, &[]), with(&ALL, 30));
    // Another input, then another function in the same place: both beside what was there.
    assert_eq!(other.run(&[("PIPEX_SHARED", &read_only)]).0, with(&ALL, 31));
    assert_eq!(names(shared.path()).len(), 5, "nothing is put there by who only reads");
    assert_eq!(shared_by(&Checkout::new("3\n10\n21\n"), &[]), with(&ALL, 31));
    assert_eq!(shared_by(&Checkout::new("3\n10\n20\n"), &[("PIPEX_TESTS_BRANCH", "1")]), with(&["other total"], 31));
    assert_eq!(names(shared.path()).iter().filter(|name| *name == "out/total@").count(), 3);
    for (numbers, gave) in [("3\n10\n20\n", 30), ("3\n10\n21\n", 31)] {
        assert_eq!(shared_by(&Checkout::new(numbers), &[]), with(&[], gave));
    }
    // One that is stale here is replaced by what is there.
    one.edit("3\n10\n21\n");
    assert_eq!(shared_by(&one, &[("PIPEX_STALE", "rerun")]), with(&[], 31));
}

#[test]
fn what_is_damaged_there_is_made_here_and_put_there_again() {
    let shared = tempfile::tempdir().unwrap();
    let set = [("PIPEX_SHARED", shared.path().to_str().unwrap())];
    Checkout::new("3\n10\n20\n").run(&set);
    let find = |name: &str| -> PathBuf {
        let found = files(shared.path()).into_iter().find(|file| file.starts_with(name)).unwrap();
        shared.path().join(found)
    };
    let (high, total) = (find("out/high@"), find("out/total@"));
    let mut bytes = fs::read(&high).unwrap();
    bytes[9] ^= 1;
    fs::write(&high, bytes).unwrap();
    fs::copy(&high, &total).unwrap();
    let (ran, said) = Checkout::new("3\n10\n20\n").run(&set);
    assert_eq!(ran, with(&["split", "total"], 30));
    for damaged in [high, total] {
        assert!(said.contains(damaged.to_str().unwrap()), "{said}");
    }
    assert_eq!(Checkout::new("3\n10\n20\n").run(&set), (with(&[], 30), String::new()));
}

#[task(target = "{path}/{number}.json")]
fn numbers(number: u64) -> Vec<u64> {
    vec![number; 2_000]
}

#[flow(path = "out")]
fn many() -> pipex::Result<()> {
    for number in 0..100 {
        assert_eq!(numbers(number).run()?.load()?, vec![number; 2_000]);
        println!("\ndone {number}");
    }
    Ok(())
}

#[test]
#[ignore = "a child of the test below"]
fn child_many() {
    many().unwrap();
}

/// Texts do not say that they are whole; so they have to be.
#[test]
fn who_is_killed_leaves_nothing_there_that_is_not_whole() {
    let shared = tempfile::tempdir().unwrap();
    let start = |checkout: &Checkout| {
        let mut child = child::child("shared::child_many");
        child.current_dir(checkout.0.path()).env("PIPEX_ROOT", checkout.0.path()).env("PIPEX_QUIET", "1");
        child.env("PIPEX_SHARED", shared.path()).stdout(Stdio::piped()).spawn().unwrap()
    };
    for kill in 0..15 {
        kill_after(start(&Checkout::new("")), kill * 7 % 90, kill * 7_919 % 200_000);
    }
    let last = Checkout::new("");
    assert!(start(&last).wait_with_output().unwrap().status.success());
    assert_eq!(last.outputs().len(), 100);
}

#[test]
fn a_setting_that_is_no_folder_is_told() {
    let checkout = Checkout::new("");
    for setting in ["s3://bucket/shared", "/somewhere,rw", ",readonly"] {
        let mut child = child::child("shared::child_report");
        let ended = child.current_dir(checkout.0.path()).env("PIPEX_SHARED", setting).output().unwrap();
        let said = String::from_utf8(ended.stderr).unwrap();
        assert!(!ended.status.success() && said.contains(&format!("PIPEX_SHARED={setting}")), "{said}");
    }
    // A folder that cannot be had stops nobody.
    fs::write(checkout.0.path().join("file"), "").unwrap();
    let (ran, said) = checkout.run(&[("PIPEX_SHARED", "file/shared")]);
    assert_eq!(ran, with(&ALL, 0));
    assert!(said.contains("cannot be shared"), "{said}");
}
