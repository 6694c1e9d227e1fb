//! Values that are larger than the memory which they take, on their way to a bucket and back.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::thread;

use pipex::task;
use serde::ser::SerializeSeq as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::bucket::endpoint;
use crate::gate::{Gate, wait_at};
use crate::place::{Machine, Place, count, set};
use crate::proxy::{Faults, start};

const TEXTS: usize = 24_000;
const LENGTH: usize = 4_000;

/// Texts of which there is one at a time. After half of them it waits at a gate.
struct Texts;

impl Serialize for Texts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut texts = serializer.serialize_seq(Some(TEXTS))?;
        for number in 0..TEXTS {
            if number == TEXTS / 2 {
                wait_at(Path::new(&set("PIPEX_TESTS_GATE")));
            }
            texts.serialize_element(&format!("{number:0LENGTH$}"))?;
        }
        texts.end()
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Vec::<String>::deserialize(deserializer).map(|_| Texts)
    }
}

#[task(target = "{path}/texts")]
fn written() -> Texts {
    Texts
}

#[task(target = "{path}/texts")]
fn read() -> Vec<String> {
    panic!("it is there")
}

/// The most memory that this process has had, in MB.
fn print_peak() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB")).unwrap();
    println!("peak {}", peak.trim().parse::<u64>().unwrap() / 1_000);
}

#[test]
#[ignore = "a child of the test below"]
fn child_written() {
    written().run().unwrap();
    print_peak();
}

#[test]
#[ignore = "a child of the test below"]
fn child_read() {
    let mut number = 0;
    for chunk in read().lazy().chunks(1_000).unwrap() {
        for text in chunk.unwrap() {
            assert_eq!(text.trim_start_matches('0').parse().unwrap_or(0), number);
            number += 1;
        }
    }
    println!("has {number}");
    print_peak();
}

/// The same, which may write no file of more than 1 MB or so.
fn without_disk(child: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited.args(["-c", "ulimit -f 1000; exec \"$0\" \"$@\""]).arg(child.get_program()).args(child.get_args());
    let set = |(name, value): (&OsStr, Option<&OsStr>)| match value {
        Some(value) => _ = limited.env(name, value),
        None => _ = limited.env_remove(name),
    };
    child.get_envs().for_each(set);
    limited.stdout(std::process::Stdio::piped());
    limited
}

#[test]
fn what_is_large_is_never_in_memory_as_a_whole_nor_on_this_machines_disk() {
    let (place, machine, faults) = (Place::new(), Machine::new(), Arc::new(Faults::default()));
    let gate = Gate::new(machine.path().join("gate"));
    let child = |name| {
        let mut child = without_disk(&machine.child(name, &place));
        child.env(endpoint(), start(&faults)).env("PIPEX_TESTS_GATE", machine.path().join("gate"));
        child.env("PIPEX_STALE", "ignore");
        child.spawn().unwrap()
    };
    let mut writes = child("streamed::child_written");
    // The first ones go before the last are made.
    while faults.parts.load(Relaxed) < 2 {
        assert!(writes.try_wait().unwrap().is_none(), "it has ended before");
        thread::yield_now();
    }
    let _open = gate.open();
    let peak = |child: std::process::Child| {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        let said = [String::from_utf8(output.stdout).unwrap()];
        let peak: usize = count(&said, "peak ").into_keys().next().unwrap().parse().unwrap();
        // 64 MiB are under way at most, and the process has some for itself.
        assert!(peak < TEXTS * LENGTH / 1_000_000, "{peak} MB");
        said
    };
    peak(writes);
    assert_eq!(place.outputs(), ["texts"]);
    let read = peak(child("streamed::child_read"));
    assert_eq!(count(&read, "has ").into_keys().collect::<Vec<_>>(), [TEXTS.to_string()]);
}
