//! A kill at any instant leaves each target whole or absent.

use pipex::{Config, Mode, flow, task};

use crate::bucket::{Machine, Place, count};
use crate::kill::kill_after;
use crate::machines::leases;

const TASKS: u64 = 60;
const KILLS: usize = 10;

#[task(target = "{path}/{base}.bin")]
fn bin(number: u64) -> Vec<u64> {
    println!("made {number}");
    vec![number; 2_000]
}

#[task(target = "{path}/{base}.svg", save = false, load = std::fs::read_to_string)]
fn own(numbers: &[u64], #[target] to: &std::path::Path) -> std::io::Result<String> {
    std::fs::write(to, format!("{numbers:?}"))?;
    Ok(String::new())
}

#[flow]
fn write_all() -> pipex::Result<()> {
    for number in 0..TASKS {
        own(bin(number).base(number.to_string()).run()?).run()?;
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
    let (place, machine) = (Place::new(), Machine::new());
    let start = || machine.child("crash::child_write_all", &place).spawn().unwrap();
    for kill in 0..KILLS as u64 {
        kill_after(start(), kill % 5 + 1, kill * 7_919_001 % 20_000_000);
        Config::new().mode(Mode::Cache).path(&place.0).without_journal().quiet(true).scope(|| {
            for object in place.objects() {
                let (number, extension) = object.split_once('.').unwrap();
                let value = vec![number.parse::<u64>().unwrap(); 2_000];
                match extension {
                    "bin" => assert_eq!(bin(value[0]).base(number).run().unwrap().load().unwrap(), value),
                    "svg" => assert_eq!(place.payload(&object), format!("{value:?}").as_bytes()),
                    _ => panic!("an object that no task made: {object}"),
                }
            }
        });
    }
    let said = start().wait_with_output().unwrap();
    assert!(said.status.success(), "what a killed process has claimed is free for the others of its machine");
    assert_eq!(place.objects().len() as u64, 2 * TASKS);
    // Who was killed with his value in place and his claim beside it holds up nobody.
    assert!(leases(&place).len() <= KILLS);
    assert!(count(&[String::from_utf8_lossy(&said.stdout).into_owned()], "done ").len() as u64 == TASKS);
}
