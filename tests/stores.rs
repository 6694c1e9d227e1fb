//! Each task says where and how its output is kept.

use std::fs;
use std::io::Write;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::process::Command;
use std::sync::{Arc, Mutex};

use pipex::store::{Claim, StoreResult};
use pipex::{FileStore, Location, Store, task};
use serde::{Deserialize, Serialize};

use crate::support::Bench;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Reading {
    station: String,
    celsius: Option<f64>,
}

fn some_readings() -> Vec<Reading> {
    vec![Reading { station: "EWR".into(), celsius: Some(0.1) }, Reading { station: "J,F\"K".into(), celsius: None }]
}

macro_rules! by_extension {
    ($($name:ident $target:literal),*) => {$(
        #[task(target = $target)]
        fn $name() -> Vec<Reading> {
            some_readings()
        }
    )*};
}
by_extension!(
    none "{path}/readings", bin "{path}/readings.bin", json "{path}/readings.json", csv "{path}/readings.csv",
    none_zst "{path}/readings.zst", json_zst "{path}/readings.json.zst", csv_zst "{path}/readings.csv.zst"
);

#[task(store = FileStore::new().durable())]
fn durable() -> u32 {
    7
}

#[test]
fn the_extension_chooses_the_codec() {
    let bench = Bench::new();
    bench.cache(|| {
        for task in [none, bin, json, csv, none_zst, json_zst, csv_zst] {
            assert_eq!(task().run().unwrap().load().unwrap(), some_readings());
        }
        assert_eq!(durable().base("d").run().unwrap().load().unwrap(), 7);
    });
    assert_eq!(fs::read_to_string(bench.file("readings.csv")).unwrap(), "station,celsius\nEWR,0.1\n\"J,F\"\"K\",\n");
    let json: serde_json::Value = serde_json::from_slice(&fs::read(bench.file("readings.json")).unwrap()).unwrap();
    assert_eq!(json[1]["station"], "J,F\"K");

    // Plain bincode reads what pipex wrote, and never looks at what stands behind.
    let bytes = fs::read(bench.file("readings.bin")).unwrap();
    let (read, length): (Vec<Reading>, usize) =
        bincode::serde::decode_from_slice(&bytes, bincode::config::legacy()).unwrap();
    assert_eq!(read, some_readings());
    assert!(length < bytes.len());
}

#[task(save = false, target = "{path}/readings.own", load = fs::read_to_string)]
fn own(#[target] to: &Path) -> std::io::Result<String> {
    fs::write(to, "own")?;
    Ok("own".to_owned())
}

/// Neither waited for nor read without end.
#[test]
fn what_is_no_file_in_an_outputs_place_is_told_by_name() {
    let odd: [(_, fn(&Path)); 3] = [
        ("a FIFO", |path| assert!(Command::new("mkfifo").arg(path).status().unwrap().success())),
        ("a device", |path| symlink("/dev/zero", path).unwrap()),
        ("a socket", |path| drop(UnixListener::bind(path).unwrap())),
    ];
    for (kind, make) in odd {
        for name in ["readings", "readings.csv", "readings.json", "readings.csv.zst", "readings.own"] {
            let bench = Bench::new();
            let file = bench.file(name);
            let run = || {
                bench.cache(|| match name {
                    "readings" => none().run().and_then(|output| output.wait()),
                    "readings.csv" => csv().run().and_then(|output| output.wait()),
                    "readings.json" => json().run().and_then(|output| output.wait()),
                    "readings.csv.zst" => csv_zst().run().and_then(|output| output.wait()),
                    _ => own().run().and_then(|output| output.wait()),
                })
            };
            make(&file);
            let error = format!("{:?}", run().unwrap_err());
            assert!(error.contains(&format!("{} is {kind} where a regular file should be", file.display())), "{error}");
            assert!(bench.ran().is_empty() && fs::symlink_metadata(&file).is_ok(), "it stays");

            // It came to be there since.
            fs::remove_file(&file).unwrap();
            if name != "readings.own" {
                let output = bench.cache(|| csv().run()).unwrap();
                fs::remove_file(bench.file("readings.csv")).unwrap();
                make(&bench.file("readings.csv"));
                let error = format!("{:?}", output.load().unwrap_err());
                assert!(error.contains(&format!("readings.csv is {kind}")), "{error}");
            }
        }
    }
}

#[test]
fn a_link_to_a_file_is_an_output() {
    let bench = Bench::new();
    bench.cache(|| csv().run()).unwrap();
    fs::rename(bench.file("readings.csv"), bench.file("elsewhere")).unwrap();
    symlink("elsewhere", bench.file("readings.csv")).unwrap();
    bench.ran();
    assert_eq!(bench.cache(|| csv().run()).unwrap().load().unwrap(), some_readings());
    assert_eq!(bench.ran(), [""; 0]);
}

/// Keeps the messages of warnings.
#[derive(Clone, Default)]
struct Warnings(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Warnings {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        *metadata.level() == tracing::Level::WARN
    }
    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::Id {
        tracing::Id::from_u64(1)
    }
    fn record(&self, _: &tracing::Id, _: &tracing::span::Record<'_>) {}
    fn record_follows_from(&self, _: &tracing::Id, _: &tracing::Id) {}
    fn event(&self, event: &tracing::Event<'_>) {
        event.record(&mut |_: &tracing::field::Field, message: &dyn std::fmt::Debug| {
            self.0.lock().unwrap().push(format!("{message:?}"));
        });
    }
    fn enter(&self, _: &tracing::Id) {}
    fn exit(&self, _: &tracing::Id) {}
}

#[test]
fn a_file_too_short_to_be_whole_counts_as_missing_with_a_warning() {
    let bench = Bench::new();
    bench.cache(|| none().run()).unwrap();
    bench.ran();
    for length in [0, 1, 20] {
        fs::File::options().write(true).open(bench.file("readings")).unwrap().set_len(length).unwrap();
        let warnings = Warnings::default();
        tracing::subscriber::with_default(warnings.clone(), || bench.cache(|| none().run())).unwrap();
        assert_eq!(bench.ran(), ["none"], "{length} bytes");
        let warning = format!(
            "{} has {length} bytes, too few to be whole: it counts as missing",
            bench.file("readings").display()
        );
        assert_eq!(warnings.0.lock().unwrap().first(), Some(&warning));
    }
}

#[test]
fn what_is_damaged_is_told_by_name_and_made_again_once_it_is_deleted() {
    let bench = Bench::new();
    let output = bench.cache(|| bin().run()).unwrap();
    let file = bench.file("readings.bin");
    let mut bytes = fs::read(&file).unwrap();
    bytes[9] ^= 1;
    fs::write(&file, bytes).unwrap();
    let error = format!("{:?}", output.load().unwrap_err());
    assert!(error.contains(file.to_str().unwrap()) && error.contains("delete it"), "{error}");
    fs::remove_file(&file).unwrap();
    assert_eq!(bench.cache(|| bin().run()).unwrap().load().unwrap(), some_readings());
}

/// A store of the user's own that needs no serde.
struct Lines;

struct Poem(Vec<String>);

impl Store<Poem> for Lines {
    fn exists(&self, target: &Location) -> StoreResult<bool> {
        Ok(target.path().try_exists()?)
    }
    fn load(&self, target: &Location) -> StoreResult<Poem> {
        Ok(Poem(fs::read_to_string(target.path())?.lines().map(str::to_owned).collect()))
    }
    fn save(&self, mut claim: Claim, poem: &Poem) -> StoreResult<u64> {
        for line in &poem.0 {
            writeln!(claim.file(), "{line}")?;
        }
        Ok(claim.commit()?)
    }
    fn remove(&self, target: &Location) -> StoreResult<()> {
        Ok(fs::remove_file(target.path())?)
    }
}

#[task(target = "{path}/{base}.txt", store = Lines)]
fn poem() -> Poem {
    Poem(vec!["a line".to_owned(), "another".to_owned()])
}

#[task]
fn lines(poem: &Poem) -> usize {
    poem.0.len()
}

#[test]
#[cfg(not(feature = "object-store"))]
fn a_url_is_no_directory() {
    let bench = Bench::new();
    for refused in [
        bench.cache(|| none().path("s3://bucket/run").run().map(drop)),
        bench.cache(|| own().path("s3://bucket/run").run().map(drop)),
    ] {
        let said = format!("{:#}", anyhow::Error::from(refused.unwrap_err()));
        assert!(said.contains("s3://bucket/run/readings"), "{said}");
        assert!(said.contains("needs pipex's cargo feature `object-store`"), "{said}");
    }
    assert!(!Path::new("s3:").exists());
}

#[test]
fn a_store_of_ones_own() {
    let bench = Bench::new();
    assert_eq!(bench.cache(|| lines(poem().base("p").run()?).run()?.load()).unwrap(), 2);
    assert_eq!(fs::read_to_string(bench.file("p.txt")).unwrap(), "a line\nanother\n");
    assert_eq!(bench.files(), ["lines/p", "p.txt"]);
}

/// In the guide's table of promises each cell names a test.
#[test]
fn the_tests_that_the_guide_names_are_there() {
    let project = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let guide = fs::read_to_string(project.join("docs/src/stores.md")).unwrap();
    let with_objects = fs::read_to_string(project.join("tests/objects/main.rs")).unwrap();
    let (_, table) = guide.split_once("\n| promise | files | objects |").unwrap();
    let mut checked = 0;
    for row in table.lines().skip(2).take_while(|line| line.starts_with('|')) {
        for (column, cell) in row.split('|').skip(2).enumerate() {
            for name in cell.split('`').skip(1).step_by(2) {
                let is_file = ["", ".rs"].iter().any(|end| project.join("tests").join(format!("{name}{end}")).exists());
                assert!(is_file || project.join(name).exists(), "{name} in {row}");
                let (folder, module) = name.rsplit_once('/').unwrap_or(("", name));
                if folder == "objects" || folder.is_empty() && column == 1 {
                    assert!(
                        with_objects.contains(&format!("\nmod {module};")),
                        "{name} is not run with objects: {row}"
                    );
                }
                checked += 1;
            }
        }
    }
    assert!(checked > 40, "{checked}");
}
