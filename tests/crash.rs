//! A kill at any instant leaves each target whole or absent.

use std::fs;
use std::io;
use std::path::Path;

use pipex::{flow, task};

use crate::kill::kill_after;
use crate::place::{Machine, ended, set};
use crate::support::Bench;

#[task(target = "{path}/{base}.bin")]
fn bin(number: u64) -> Vec<u64> {
    vec![number; 2_000]
}

#[task(target = "{path}/{base}.json")]
fn json(numbers: &[u64]) -> Vec<u64> {
    numbers.to_vec()
}

#[task(target = "{path}/{base}.svg", save = false)]
fn own(numbers: &[u64], #[target] to: &Path) -> io::Result<()> {
    fs::write(to, format!("{numbers:?}"))
}

#[flow]
fn write_all(tasks: u64) -> pipex::Result<()> {
    for number in 0..tasks {
        let numbers = bin(number).base(number.to_string()).run()?;
        own(json(numbers).run()?).run()?;
        // Whoever kills this process counts the tasks.
        println!("done {number}");
    }
    Ok(())
}

#[test]
#[ignore = "a child of the test below"]
fn child_write_all() {
    write_all(set("PIPEX_TESTS_COUNT").parse().unwrap()).unwrap();
}

#[test]
fn killed_again_and_again_it_completes_in_the_end() {
    let (bench, machine) = (Bench::new(), Machine::this());
    let place = &bench.place;
    let (tasks, kills) = place.choose((300, 25), (40, 10));
    let (most, spins, most_spins) = place.choose((13, 7_919, 200_000), (5, 7_919_001, 20_000_000));
    let start = || {
        let mut child = machine.child("crash::child_write_all", place);
        child.env("PIPEX_TESTS_COUNT", tasks.to_string()).spawn().unwrap()
    };
    for kill in 0..kills {
        kill_after(start(), kill % most, kill * spins % most_spins);
        let left = place.sweep("", true);
        // A file's claim becomes the file; that on an object goes after it.
        let runs = place.choose(1, kill as usize + 1);
        assert!(left.len() <= 2 * runs, "what one killed run leaves, the next uses and removes: {left:?}");
        bench.cache(|| {
            for output in place.outputs() {
                let (number, extension) = output.split_once('.').unwrap();
                let value = vec![number.parse::<u64>().unwrap(); 2_000];
                match extension {
                    "bin" => assert_eq!(bin(value[0]).base(number).run().unwrap().load().unwrap(), value),
                    "json" => assert_eq!(json(&value).base(number).run().unwrap().load().unwrap(), value),
                    "svg" => assert_eq!(place.payload(&output), format!("{value:?}").as_bytes()),
                    _ => panic!("a file that no task made: {output}"),
                }
            }
        });
        assert_eq!(bench.ran(), [""; 0], "what is there is whole, so nothing had to run");
    }
    ended(vec![start()]);
    assert_eq!(place.outputs().len() as u64, 3 * tasks, "all outputs");
    place.sweep("", place.choose(true, false));
    assert_eq!(place.claims(), [""; 0], "and nothing else");
}
