//! Outputs in a store of one's own are told stale, listed, shown and removed like any other.

use std::borrow::Cow;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::SystemTime;

use pipex::store::{Claim, Entry, Listing, Stamp, Store, StoreResult};
use pipex::{Fingerprint, Location, Output, flow, task};

use crate::{Desk, lines_of};

/// A bucket of texts in a file: `key = text`, a line each. Its targets are no paths.
#[derive(Clone)]
struct Bucket(PathBuf);

const SCHEME: &str = "bucket:";

impl Bucket {
    fn open(address: &str) -> Option<Box<dyn Listing>> {
        Some(Box::new(Bucket(address.strip_prefix(SCHEME)?.into())))
    }

    fn all(&self) -> Vec<(String, String)> {
        let text = fs::read_to_string(&self.0).unwrap_or_default();
        text.lines().filter_map(|line| line.split_once(" = ")).map(|(key, text)| (key.into(), text.into())).collect()
    }

    fn get(&self, target: &Location) -> Option<String> {
        self.all().into_iter().find(|(key, _)| key == target.as_str()).map(|(_, text)| text)
    }

    fn put(&self, target: &Location, text: Option<&str>) -> StoreResult<()> {
        let mut all = self.all();
        all.retain(|(key, _)| key != target.as_str());
        all.extend(text.map(|text| (target.to_string(), text.to_owned())));
        let lines: String = all.into_iter().map(|(key, text)| format!("{key} = {text}\n")).collect();
        Ok(fs::write(&self.0, lines)?)
    }
}

impl Store<String> for Bucket {
    fn exists(&self, target: &Location) -> StoreResult<bool> {
        Ok(self.get(target).is_some())
    }
    fn load(&self, target: &Location) -> StoreResult<String> {
        Ok(self.get(target).ok_or("it is not there")?)
    }
    fn save(&self, claim: Claim, text: &String) -> StoreResult<u64> {
        self.put(claim.target(), Some(text))?;
        Ok(text.len() as u64)
    }
    fn remove(&self, target: &Location) -> StoreResult<()> {
        self.put(target, None)
    }
    fn listing(&self) -> &dyn Listing {
        self
    }
    fn claim_path(&self, target: &Location) -> PathBuf {
        self.0.with_extension(format!("{target}.claim"))
    }
}

impl Listing for Bucket {
    fn address(&self) -> Cow<'_, str> {
        format!("{SCHEME}{}", self.0.display()).into()
    }
    fn stamp(&self, target: &Location) -> StoreResult<Option<Stamp>> {
        Ok(self.entry(target)?.map(|entry| entry.stamp))
    }
    fn entry(&self, target: &Location) -> StoreResult<Option<Entry>> {
        Ok(self.get(target).map(|text| {
            // Any number that is another for another text.
            let sum = text.bytes().fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte.into()));
            let mut entry = Entry::new(Stamp::new(sum), text.len() as u64, SystemTime::UNIX_EPOCH);
            entry.content = Some(Fingerprint::new(sum.into()));
            entry
        }))
    }
    fn payload(&self, target: &Location) -> StoreResult<Vec<u8>> {
        Ok(self.load(target)?.into_bytes())
    }
    fn list(&self, prefix: &str, each: &mut dyn FnMut(Location)) -> StoreResult<()> {
        self.all().into_iter().filter(|(key, _)| key.starts_with(prefix)).for_each(|(key, _)| each(Location::new(key)));
        Ok(())
    }
    fn remove(&self, target: &Location) -> StoreResult<()> {
        self.put(target, None)
    }
}

fn before(name: &str) -> Output<String> {
    #[task(target = "{name}", store = Bucket("bucket.txt".into()))]
    fn greet(name: &str) -> String {
        format!("hello {name}")
    }
    greet(name.to_owned()).submit()
}

fn after(name: &str) -> Output<String> {
    #[task(target = "{name}", store = Bucket("bucket.txt".into()))]
    fn greet(name: &str) -> String {
        format!("good evening {name}")
    }
    greet(name.to_owned()).submit()
}

#[flow]
fn greetings(version: &str) -> pipex::Result<()> {
    let greet = if version == "before" { before } else { after };
    ["ada", "grace"].into_iter().try_for_each(|name| greet(name).wait())
}

#[test]
#[ignore = "the pipeline of the test below"]
fn pipeline() {
    println!();
    greetings(&std::env::var("VERSION").unwrap()).unwrap();
}

/// A command that can open buckets.
#[test]
#[ignore = "the command of the test below"]
fn command() {
    println!();
    let line = std::env::var("LINE").unwrap();
    let ended = pipex_cli::main_with(line.split_whitespace().map(Into::into), &Bucket::open);
    println!("\nended {}", if ended == ExitCode::SUCCESS { "well" } else { "amiss" });
}

#[test]
fn a_store_of_ones_own_is_known_to_a_command_of_ones_own() {
    let desk = Desk::new();
    let run = |version: &str| lines_of(&desk.pipeline("stores::pipeline").env("VERSION", version).output().unwrap());
    let command = |line: &str| {
        let output = desk.pipeline("stores::command").env("LINE", format!("pipex {line}")).output().unwrap();
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat()
    };
    assert_eq!(run("before"), "");
    let said = run("after");
    assert!(said.contains("greet: 2 stale outputs were taken, such as ada (changed: code)"), "{said}");
    let said = command("ls --stale");
    assert!(said.contains("ada") && said.contains("stale: code") && said.contains("9 B"), "{said}");
    assert!(command("show ada").contains("hello ada"));
    assert!(command("rm ada --yes").contains("removed 1 output"));
    assert_eq!(fs::read_to_string(desk.file("bucket.txt")).unwrap(), "grace = hello grace\n");
    assert!(!run("after").contains("ada"), "it was made again");
    assert!(fs::read_to_string(desk.file("bucket.txt")).unwrap().contains("ada = good evening ada"));
    // The command that knows no buckets says so, and leaves them alone.
    let said = desk.transcribe("rm ada --yes");
    assert!(said.contains("left alone: ada: its store cannot be opened here"), "{said}");
    assert_eq!(desk.count("greet", "unknown"), 2);
}

#[flow(stale = "rerun")]
fn greetings_again(version: &str) -> pipex::Result<()> {
    let greet = if version == "before" { before } else { after };
    ["ada", "grace"].into_iter().try_for_each(|name| greet(name).wait())
}

#[test]
#[ignore = "the pipeline of the test below"]
fn pipeline_again() {
    greetings_again(&std::env::var("VERSION").unwrap()).unwrap();
}

#[test]
fn what_is_stale_there_is_made_again_where_it_is_said() {
    let desk = Desk::new();
    for version in ["before", "after"] {
        assert!(desk.pipeline("stores::pipeline_again").env("VERSION", version).status().unwrap().success());
    }
    let bucket = fs::read_to_string(desk.file("bucket.txt")).unwrap();
    assert_eq!(bucket, "ada = good evening ada\ngrace = good evening grace\n");
}
