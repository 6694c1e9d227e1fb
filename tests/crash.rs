//! A kill at any instant leaves each target whole or absent.

use std::fs;
use std::process::Stdio;

use pipex::{flow, task};

use crate::kill::kill_after;
use crate::support::{Bench, child};

const TASKS: u64 = 300;

#[task(target = "{path}/{base}.bin")]
fn bin(number: u64) -> Vec<u64> {
    vec![number; 2_000]
}

#[task(target = "{path}/{base}.json")]
fn json(numbers: &[u64]) -> Vec<u64> {
    numbers.to_vec()
}

#[task(target = "{path}/{base}.svg", save = false)]
fn own(numbers: &[u64], #[target] to: &std::path::Path) -> std::io::Result<()> {
    fs::write(to, format!("{numbers:?}"))
}

#[flow]
fn write_all() -> pipex::Result<()> {
    for number in 0..TASKS {
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
    write_all().unwrap();
}

#[test]
fn killed_again_and_again_it_completes_in_the_end() {
    let bench = Bench::new();
    let start = || child("crash::child_write_all", bench.path()).stdout(Stdio::piped()).spawn().unwrap();
    for kill in 0..25 {
        kill_after(start(), kill % 13, kill * 7_919 % 200_000);

        let files = bench.files();
        let hidden = files.iter().filter(|file| file.contains(".pipex-")).count();
        assert!(hidden <= 2, "what one killed run leaves, the next uses and removes: {files:?}");
        bench.cache(|| {
            for file in files.iter().filter(|file| !file.contains(".pipex-")) {
                let (number, extension) = file.split_once('.').unwrap();
                let value = vec![number.parse::<u64>().unwrap(); 2_000];
                match extension {
                    "bin" => assert_eq!(bin(value[0]).base(number).run().unwrap().load().unwrap(), value),
                    "json" => assert_eq!(json(&value).base(number).run().unwrap().load().unwrap(), value),
                    "svg" => assert_eq!(fs::read_to_string(bench.file(file)).unwrap(), format!("{value:?}")),
                    _ => panic!("a file that no task made: {file}"),
                }
            }
        });
        assert_eq!(bench.ran(), [""; 0], "what is there is whole, so nothing had to run");
    }
    assert!(start().wait_with_output().unwrap().status.success());
    let files = bench.files();
    assert_eq!(files.len() as u64, 3 * TASKS, "all outputs and nothing else: {files:?}");
}
