//! Whoever removes a claim's file while a value is made costs work, and never a result.

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Stdio};

use pipex::store::sweep;
use pipex::store::{Claim, StoreResult};
use pipex::{Location, Store, task};

use crate::support::{Bench, child};

/// Says that it runs, and goes on when somebody says so.
fn hold() {
    println!("\nheld");
    io::stdin().read_line(&mut String::new()).unwrap();
}

/// So that one sees which process made it.
fn mine() -> Vec<u32> {
    vec![std::process::id(); 50_000]
}

#[task(target = "{path}/{base}.bin")]
fn saved() -> Vec<u32> {
    hold();
    mine()
}

/// A store of one's own, as the documentation shows it.
struct Lines;

impl Store<Vec<u32>> for Lines {
    fn exists(&self, target: &Location) -> StoreResult<bool> {
        Ok(target.path().try_exists()?)
    }
    fn load(&self, target: &Location) -> StoreResult<Vec<u32>> {
        read_lines(target.path())
    }
    fn save(&self, mut claim: Claim, numbers: &Vec<u32>) -> StoreResult<u64> {
        claim.file().write_all(lines(numbers).as_bytes())?;
        Ok(claim.commit()?)
    }
    fn remove(&self, target: &Location) -> StoreResult<()> {
        Ok(fs::remove_file(target.path())?)
    }
}

#[task(target = "{path}/{base}.lines", store = Lines)]
fn in_a_store_of_ones_own() -> Vec<u32> {
    hold();
    mine()
}

#[cfg(feature = "sqlite")]
fn database() -> pipex::SqliteStore {
    pipex::SqliteStore::new(Path::new(&std::env::var_os("PIPEX_PATH").unwrap_or_default()).join("x.sqlite"))
}

#[cfg(feature = "sqlite")]
#[task(target = "{base}", store = database())]
fn in_a_database() -> Vec<u32> {
    hold();
    mine()
}

fn lines(numbers: &[u32]) -> String {
    numbers.iter().map(|number| format!("{number}\n")).collect()
}

fn read_lines(path: &Path) -> StoreResult<Vec<u32>> {
    Ok(fs::read_to_string(path)?.lines().map(str::parse).collect::<Result<_, _>>()?)
}

fn read_halves(path: &Path) -> StoreResult<Vec<u32>> {
    let [mut first, second] = [read_lines(&path.join("first"))?, read_lines(&path.join("second"))?];
    first.extend(second);
    Ok(first)
}

#[task(target = "{path}/{base}", save = false, retries = 1)]
fn written(#[target] to: &Path) -> io::Result<()> {
    let mine = mine();
    let (first, second) = mine.split_at(20_000);
    fs::create_dir(to)?;
    fs::write(to.join("first"), lines(first))?;
    hold();
    // Whatever has become of it.
    fs::create_dir_all(to)?;
    fs::write(to.join("second"), lines(second))
}

#[test]
#[ignore = "a child of the tests below"]
fn child_makes() {
    let made = match std::env::var("PIPEX_TESTS_TASK").unwrap().as_str() {
        "saved" => saved().base("x").run().and_then(|output| output.load()),
        "in_a_store_of_ones_own" => in_a_store_of_ones_own().base("x").run().and_then(|output| output.load()),
        #[cfg(feature = "sqlite")]
        "in_a_database" => in_a_database().base("x").run().and_then(|output| output.load()),
        _ => {
            let made = written().base("x").run();
            made.map(|output| read_halves(output.location().unwrap().path()).unwrap())
        }
    };
    match made {
        Ok(numbers) => {
            assert!(numbers.len() == 50_000 && numbers.iter().all(|number| *number == numbers[0]));
            println!("\nloaded {}", numbers[0]);
        }
        Err(error) => println!("\nfailed {error:?}"),
    }
}

/// A process that makes the target, and what it says.
struct Maker {
    child: Child,
    says: BufReader<ChildStdout>,
}

impl Maker {
    fn start(bench: &Bench, task: &str, mode: &str) -> Self {
        let mut command = child("lost_claims::child_makes", &bench.file("out"));
        command.env("PIPEX_TESTS_TASK", task).env("PIPEX", mode).env("PIPEX_QUIET", "1");
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let says = BufReader::new(child.stdout.take().unwrap());
        Maker { child, says }
    }

    /// Its next line that begins so.
    fn says(&mut self, start: &str) -> String {
        let mut line = String::new();
        while !line.starts_with(start) {
            line.clear();
            assert_ne!(self.says.read_line(&mut line).unwrap(), 0, "it ended and never said {start}");
        }
        line.trim_end().to_owned()
    }

    fn lets_go(&mut self) {
        self.child.stdin.as_mut().unwrap().write_all(b"\n").unwrap();
    }

    /// Whose result it has got in the end, and whether it said that its claim was lost.
    fn ends(mut self) -> (String, bool) {
        let last = loop {
            let mut line = String::new();
            assert_ne!(self.says.read_line(&mut line).unwrap(), 0);
            if line.starts_with("loaded ") || line.starts_with("failed ") {
                break line;
            }
        };
        let output = self.child.wait_with_output().unwrap();
        assert!(output.status.success());
        let said = String::from_utf8(output.stderr).unwrap();
        let lost: Vec<_> = said.lines().filter(|line| line.contains("was lost")).collect();
        assert!(lost.len() < 2 && lost.iter().all(|line| line.starts_with("pipex: the claim on ")), "{said}");
        (last.trim_end().to_owned(), !lost.is_empty())
    }

    fn id(&self) -> String {
        format!("loaded {}", self.child.id())
    }
}

/// Tasks, and what is there when they have ended.
const SAVED: &[(&str, &str)] = &[
    ("saved", "x.bin"),
    ("in_a_store_of_ones_own", "x.lines"),
    #[cfg(feature = "sqlite")]
    ("in_a_database", "x.sqlite"),
];

/// Removes the one claim that there is.
fn remove_claim(bench: &Bench) {
    let files = bench.files();
    let claims: Vec<_> = files.iter().filter(|file| file.contains("pipex-tmp") || file.contains("-claims/")).collect();
    assert_eq!(claims.len(), 1, "{files:?}");
    fs::remove_file(bench.file(claims[0])).unwrap();
}

#[test]
fn alone_it_claims_the_target_once_more_and_saves_what_it_has() {
    for (task, target) in SAVED.iter().copied() {
        let bench = Bench::new();
        let mut maker = Maker::start(&bench, task, "cache");
        maker.says("held");
        remove_claim(&bench);
        maker.lets_go();
        let id = maker.id();
        assert_eq!(maker.ends(), (id, true), "{task}");
        assert_eq!(bench.files(), [format!("out/{target}")]);
    }
}

/// The program is started again, and so two processes make the target; which of them ends first makes no difference.
#[test]
fn whoever_ends_last_takes_what_the_other_made() {
    for (task, target) in SAVED.iter().copied() {
        for first_ends_first in [true, false] {
            let bench = Bench::new();
            let mut first = Maker::start(&bench, task, "cache");
            first.says("held");
            remove_claim(&bench);
            let mut second = Maker::start(&bench, task, "cache");
            second.says("held");
            let seconds = second.id();
            if first_ends_first {
                first.lets_go();
                let mut said = String::new();
                BufReader::new(first.child.stderr.as_mut().unwrap()).read_line(&mut said).unwrap();
                assert!(said.contains("was lost"), "{said}");
                assert!(!bench.file(&format!("out/{target}")).exists(), "the second one's turn has come");
                second.lets_go();
                assert_eq!(second.ends(), (seconds.clone(), false));
                assert_eq!(first.ends().0, seconds);
            } else {
                second.lets_go();
                assert_eq!(second.ends(), (seconds.clone(), false));
                first.lets_go();
                assert_eq!(first.ends(), (seconds, true));
            }
            assert_eq!(bench.files(), [format!("out/{target}")]);
        }
    }
}

/// What a function wrote itself cannot be told from what a killed process left, once its claim has gone.
#[test]
fn a_function_that_writes_its_own_output_fails_and_may_be_tried_again() {
    let bench = Bench::new();
    let mut maker = Maker::start(&bench, "written", "cache");
    maker.says("held");
    remove_claim(&bench);
    maker.lets_go();
    let (failed, lost) = maker.ends();
    assert!(failed.contains("cannot save the output: the claim on ") && failed.contains("run it again"), "{failed}");
    assert!(lost);
    assert_eq!(bench.files(), [""; 0]);

    let mut maker = Maker::start(&bench, "written", "prefect.cache");
    maker.says("held");
    remove_claim(&bench);
    // Now nothing tells that the draft is in use, and half of it goes.
    let mut swept = Vec::new();
    sweep(&bench.file("out"), false, &mut |left| swept.push(left.unwrap().path)).unwrap();
    assert!(swept.len() == 1 && swept[0].to_str().unwrap().contains(".x.pipex-draft-"), "{swept:?}");
    maker.lets_go();
    maker.says("held");
    maker.lets_go();
    let id = maker.id();
    assert_eq!(maker.ends(), (id, true));
    assert_eq!(bench.files(), ["out/x/first", "out/x/second"]);
}

#[test]
fn and_takes_what_another_made() {
    let bench = Bench::new();
    let mut first = Maker::start(&bench, "written", "cache");
    first.says("held");
    remove_claim(&bench);
    let mut second = Maker::start(&bench, "written", "cache");
    second.says("held");
    second.lets_go();
    let seconds = second.id();
    assert_eq!(second.ends(), (seconds.clone(), false));
    first.lets_go();
    assert_eq!(first.ends(), (seconds, true));
    assert_eq!(bench.files(), ["out/x/first", "out/x/second"]);
}
