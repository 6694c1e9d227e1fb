//! What needs no server: objects in memory.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use pipex::store::{Claim, Codec, Files, Listing, StoreResult};
use pipex::{Config, FileStore, Location, Mode, Output, Stale, Store, flow, task};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Row {
    name: String,
    value: f64,
}

#[task(target = "{path}/{base}")]
fn rows(count: u32) -> Vec<Row> {
    println!("made {count}");
    (0..count).map(|number| Row { name: number.to_string(), value: f64::from(number) / 4.0 }).collect()
}

#[task(target = "{path}/sum-{base}.json")]
fn sum(rows: &[Row]) -> f64 {
    rows.iter().map(|row| row.value).sum()
}

fn scope<T>(path: &str, body: impl FnOnce() -> T) -> T {
    let journal = tempfile::tempdir().unwrap();
    Config::new().mode(Mode::Cache).path(path).journal(journal.path().join(".pipex")).quiet(true).scope(body)
}

#[test]
fn an_object_has_what_the_file_would_have() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["rows", "rows.json", "rows.csv", "rows.zst", "deep/rows.jsonl", "a b%20ü+&=.json"] {
        let file = scope(dir.path().to_str().unwrap(), || rows(3).base(name).run()).unwrap();
        let object = scope("memory:///same", || rows(3).base(name).run()).unwrap();
        assert_eq!(object.load().unwrap(), file.load().unwrap());
        let target = object.location().unwrap();
        assert_eq!(target.as_str(), format!("memory:///same/{name}"));
        assert_eq!(Files.payload(target).unwrap(), Files.payload(file.location().unwrap()).unwrap(), "{name}");
        let [object, file] = [target, file.location().unwrap()].map(|target| Files.entry(target).unwrap().unwrap());
        assert_eq!((object.bytes, object.content, object.made), (file.bytes, file.content, file.made));
    }
}

#[flow]
fn summed() -> pipex::Result<Vec<f64>> {
    let sums: Vec<Output<f64>> =
        (0..30u32).map(|number| sum(rows(number).base(number.to_string()).submit()).submit()).collect();
    sums.into_iter().map(|sum| sum.load()).collect()
}

const PATH: &str = "memory:///flow/a %20[b]~#?";

#[test]
fn a_flow_finds_what_is_there_and_makes_what_is_not() {
    let journal = tempfile::tempdir().unwrap();
    let ran = |mode| {
        let runs = Runs::default();
        let config = Config::new().mode(mode).path(PATH).journal(journal.path().join(".pipex")).quiet(true);
        let sums = config.reporter(runs.clone()).scope(summed).unwrap();
        assert_eq!(sums[5], 2.5);
        runs.completed()
    };
    assert_eq!(ran(Mode::Cache), 60);
    assert_eq!(ran(Mode::Cache), 0);
    Files.remove(&Location::new(format!("{PATH}/sum-7.json"))).unwrap();
    Files.remove(&Location::new(format!("{PATH}/9"))).unwrap();
    assert_eq!(ran(Mode::PrefectCache), 2);
    let mut there = Vec::new();
    Files.list(&format!("{PATH}/sum-1"), &mut |target| there.push(target.to_string())).unwrap();
    assert_eq!(there.len(), 11, "sum-1.json and sum-10.json to sum-19.json: {there:?}");
}

/// Counts the runs that were made.
#[derive(Clone, Default)]
struct Runs(std::sync::Arc<std::sync::atomic::AtomicUsize>);

impl Runs {
    fn completed(&self) -> usize {
        self.0.load(std::sync::atomic::Ordering::Relaxed)
    }
}

impl pipex::Reporter for Runs {
    fn task_run(&self, run: &pipex::TaskRun<'_>) {
        if run.state == pipex::State::Completed {
            self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        }
    }
}

#[task(save = false, target = "{path}/{base}.svg", load = fs::read_to_string)]
fn plot(points: &[u32], #[target] to: &Path) -> io::Result<String> {
    assert!(to.extension().is_some_and(|extension| extension == "svg"), "libraries go by the extension");
    fs::write(to, format!("{points:?}"))?;
    Ok("from memory".to_owned())
}

#[task(save = false, target = "{path}/{base}.d")]
fn directory(#[target] to: &Path) -> io::Result<()> {
    fs::create_dir(to)
}

#[task(target(train = "{path}/{base}/train.csv", test = "{path}/{base}/test.json"))]
fn split(rows: &[Row]) -> (Vec<Row>, Vec<Row>) {
    let (train, test) = rows.split_at(rows.len() / 2);
    (train.to_vec(), test.to_vec())
}

#[test]
fn functions_write_on_this_machine_what_becomes_an_object() {
    scope("memory:///own", || {
        let drawn = plot(&[1, 2]).base("p").run().unwrap();
        assert_eq!(drawn.load().unwrap(), "from memory");
        assert_eq!(Files.payload(&Location::new("memory:///own/p.svg")).unwrap(), b"[1, 2]");
        assert_eq!(plot(&[1, 2]).base("p").run().unwrap().load().unwrap(), "[1, 2]");
        let said = format!("{:#}", anyhow::Error::from(directory().base("d").run().unwrap_err()));
        assert!(said.contains("is an object of a bucket, which is one file"), "{said}");
    });
}

#[test]
fn several_outputs_are_objects_together() {
    scope("memory:///several", || {
        let (train, test) = split(rows(5).base("five").run().unwrap()).base("five").run().unwrap();
        assert_eq!((train.load().unwrap().len(), test.load().unwrap().len()), (2, 3));
        Files.remove(&Location::new("memory:///several/five/test.json")).unwrap();
        let (_, test) = split(rows(5).base("five").run().unwrap()).base("five").run().unwrap();
        assert_eq!(test.load().unwrap().len(), 3);
    });
}

#[test]
fn what_names_no_object_is_told() {
    let said = |path: &str| format!("{:#}", anyhow::Error::from(scope(path, || rows(1).base("x").run()).unwrap_err()));
    let unknown = said("ftp://host/run");
    assert!(unknown.contains("nothing is known of `ftp://`: use s3, gs, az"), "{unknown}");
    let no_bucket = said("s3:///run");
    assert!(no_bucket.contains("it names no bucket: write s3://BUCKET/PATH"), "{no_bucket}");
    let up = said("memory:///run/../other");
    assert!(up.contains("names no object that can be kept"), "{up}");
}

/// A store of a user's own, which writes bytes as they are.
struct Raw;

impl Store<Vec<u8>> for Raw {
    fn exists(&self, target: &Location) -> StoreResult<bool> {
        Store::<Vec<u8>>::exists(&FileStore, target)
    }
    fn load(&self, _: &Location) -> StoreResult<Vec<u8>> {
        Err("nobody reads it".into())
    }
    fn save(&self, mut claim: Claim, bytes: &Vec<u8>) -> StoreResult<u64> {
        claim.file().write_all(bytes)?;
        Ok(claim.commit()?)
    }
    fn remove(&self, target: &Location) -> StoreResult<()> {
        Files.remove(target)
    }
}

#[task(target = "{path}/{base}", store = Raw)]
fn raw(bytes: Vec<u8>) -> Vec<u8> {
    bytes
}

/// In a flow run of its own: it writes what another task is said to have written.
#[flow]
fn put(bytes: Vec<u8>, base: &str) -> pipex::Result<()> {
    raw(bytes).base(base).run().map(drop)
}

#[test]
fn what_is_damaged_or_cut_is_told_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let whole = scope(dir.path().to_str().unwrap(), || rows(9).base("rows").run()).unwrap();
    let whole = fs::read(whole.location().unwrap().path()).unwrap();
    for at in (0..whole.len()).step_by(7) {
        let mut flipped = whole.clone();
        flipped[at] ^= 1;
        for (name, bytes) in [("flipped", flipped), ("cut", whole[..at].to_vec())] {
            let base = format!("{name}-{at}");
            scope("memory:///damaged", || {
                put(bytes, &base).unwrap();
                let stored = rows(9).base(&base).lazy();
                let target = format!("memory:///damaged/{base}");
                // One of too few bytes to be whole counts as missing, and is made.
                if let Err(error) = stored.load() {
                    let said = format!("{:#}", anyhow::Error::from(error));
                    assert!(said.contains(&target) && !said.contains("fill to the same target"), "{said}");
                } else {
                    assert!(name == "cut" && at < 128, "{target}");
                }
            });
        }
    }
}

#[flow(path = "memory:///stale")]
fn row(count: u32) -> pipex::Result<usize> {
    Ok(rows(count).base("one").run()?.load()?.len())
}

#[test]
fn what_was_made_of_something_else_is_stale() {
    let journal = tempfile::tempdir().unwrap();
    let len = |count, stale| {
        let config = Config::new().mode(Mode::Cache).journal(journal.path().join(".pipex")).quiet(true);
        config.stale(stale).scope(|| row(count).unwrap())
    };
    assert_eq!(len(1, Stale::Warn), 1);
    assert_eq!(len(2, Stale::Warn), 1, "it is taken, and a line says so");
    assert_eq!(len(2, Stale::Rerun), 2);
    fs::remove_dir_all(journal.path().join(".pipex")).unwrap();
    assert_eq!(len(3, Stale::Rerun), 3, "the object says itself what made it");
}

/// Texts, a line each, and in a comment what made them.
struct Lines;

impl Codec<Vec<String>> for Lines {
    fn encode(&self, lines: &Vec<String>, out: &mut dyn Write) -> StoreResult<()> {
        Ok(lines.iter().try_for_each(|line| writeln!(out, "{line}"))?)
    }
    fn allows_note(&self) -> bool {
        true
    }
    fn encode_with_note(&self, lines: &Vec<String>, note: &str, out: &mut dyn Write) -> StoreResult<()> {
        self.encode(lines, out)?;
        Ok(writeln!(out, "# {note}")?)
    }
    fn decode(&self, bytes: &[u8]) -> StoreResult<Vec<String>> {
        let lines = str::from_utf8(bytes)?.lines().filter(|line| !line.starts_with('#'));
        Ok(lines.map(str::to_owned).collect())
    }
}

#[task(target = "{path}/{base}.lines", store = FileStore::new().codec(Lines))]
fn lines(count: usize) -> Vec<String> {
    vec!["x".repeat(100); count]
}

#[test]
fn a_note_stands_in_what_went_in_parts_as_well() {
    let dir = tempfile::tempdir().unwrap();
    for (base, count) in [("few", 3), ("many", 300_000)] {
        let file = scope(dir.path().to_str().unwrap(), || lines(count).base(base).run()).unwrap();
        let object = scope("memory:///noted", || lines(count).base(base).run()).unwrap();
        assert_eq!(object.load().unwrap().len(), count);
        let [object, file] = [object, file].map(|output| output.location().unwrap().clone());
        assert!(Files.payload(&object).unwrap() == Files.payload(&file).unwrap(), "{base}");
        let [object, file] = [object, file].map(|target| Files.entry(&target).unwrap().unwrap());
        assert_eq!((object.bytes, object.content, &object.made), (file.bytes, file.content, &file.made));
        assert!(object.made.is_some());
    }
}

#[task]
fn numbers(count: u64) -> Vec<u64> {
    (0..count).collect()
}

const MANY: u64 = 4_000_000;

#[test]
fn chunks_of_an_object_are_those_of_its_file_and_no_others() {
    scope("memory:///chunks", || {
        for (base, count) in [("none", 0), ("few", 10), ("many", MANY)] {
            let stored = numbers(count).base(base).run().unwrap();
            let chunks: Result<Vec<Vec<u64>>, _> = stored.chunks(1_000_000).unwrap().collect();
            assert!(chunks.unwrap().concat().into_iter().eq(0..count), "{base}");
        }
        // Written anew while it is read, it is neither.
        let stored = numbers(MANY).base("many").run().unwrap();
        let mut chunks = stored.chunks(100_000).unwrap();
        assert_eq!(chunks.next().unwrap().unwrap()[7], 7);
        Files.remove(stored.location().unwrap()).unwrap();
        numbers(MANY).base("many").run().unwrap();
        let error = chunks.find_map(Result::err).unwrap();
        let said = format!("{:#}", anyhow::Error::from(error));
        assert!(said.contains("it was written anew in the meantime"), "{said}");
    });
}

#[test]
fn chunks_of_a_damaged_object_end_in_an_error() {
    let dir = tempfile::tempdir().unwrap();
    let whole = scope(dir.path().to_str().unwrap(), || numbers(1_000).base("whole").run()).unwrap();
    let mut bytes = fs::read(whole.location().unwrap().path()).unwrap();
    bytes[5_000] ^= 1;
    scope("memory:///damaged", || {
        put(bytes, "numbers/damaged").unwrap();
        let stored = numbers(1_000).base("damaged").lazy();
        let chunks: Vec<_> = stored.chunks(300).unwrap().collect();
        assert!(chunks[..3].iter().all(Result::is_ok) && chunks.len() == 4);
        let said = format!("{:#}", anyhow::Error::from(chunks.into_iter().find_map(Result::err).unwrap()));
        assert!(said.contains("memory:///damaged/numbers/damaged") && said.contains("damaged"), "{said}");
    });
}
