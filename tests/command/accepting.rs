//! `pipex accept` takes today's values for the reasons that it is told and no others, asks, and can be taken back.

use std::fs;

use pipex::{Output, flow, task};
use serde::{Deserialize, Serialize};

use crate::{Desk, lines_of};

const SECOND: (&str, &str) = ("VERSION", "second");

/// A grid whose code, arguments and inputs have changed, and an output of which was edited.
fn changed() -> Desk {
    let desk = Desk::new();
    desk.grid("1,2", &[]);
    desk.write("out/cell/1-0.json", "1000");
    desk.grid("1", &[SECOND]);
    desk
}

/// Why an output is stale.
fn reasons(desk: &Desk, target: &str) -> Vec<String> {
    let rows = desk.json("ls");
    let row = rows.as_array().unwrap().iter().find(|row| row["target"] == target).unwrap();
    row["stale"].as_array().unwrap().iter().map(|reason| reason.as_str().unwrap().to_owned()).collect()
}

/// What the next run warns of, by task function.
fn warnings(desk: &Desk) -> Vec<String> {
    let said = lines_of(&desk.grid("1", &[SECOND]));
    let warning = |line: &str| {
        let (task, rest) = line.strip_prefix("pipex: ")?.split_once(": ")?;
        let reasons = rest.split_once("(changed: ").map_or("edited", |(_, rest)| rest.split(')').next().unwrap());
        Some(format!("{task}: {reasons}"))
    };
    said.lines().filter_map(warning).collect()
}

#[test]
fn only_code_is_accepted_unless_more_is_said() {
    let desk = changed();
    assert_eq!(reasons(&desk, "out/cell/1-0.json"), ["code", "content"]);
    assert_eq!(reasons(&desk, "out/cell/1-1.json"), ["code"]);
    assert_eq!(reasons(&desk, "out/row/1"), ["inputs"]);
    assert_eq!(reasons(&desk, "out/total.json"), ["arguments", "inputs"]);
    let said = desk.transcribe("accept --yes");
    assert!(said.contains("cell: 12 outputs, changed: code; such as out/cell/1-0.json"), "{said}");
    assert!(said.contains("cell: 1 output will stay stale, changed: edited; such as out/cell/1-0.json"), "{said}");
    assert!(said.contains("total: 1 output will stay stale, changed: arguments and inputs"), "{said}");
    let stay = || {
        assert_eq!(reasons(&desk, "out/cell/1-0.json"), ["content"]);
        assert_eq!(reasons(&desk, "out/cell/1-1.json"), [""; 0]);
        assert_eq!(reasons(&desk, "out/row/1"), ["inputs"]);
        assert_eq!(reasons(&desk, "out/total.json"), ["arguments", "inputs"]);
    };
    // The command says so, and the next run does, and the command after it.
    stay();
    assert_eq!(warnings(&desk), ["cell: edited", "row: inputs", "total: arguments and inputs"]);
    stay();
    assert!(desk.transcribe("accept --dry-run").contains("would accept 0 stale outputs"));
}

#[test]
fn more_is_accepted_if_it_is_said() {
    let desk = changed();
    desk.transcribe("accept --reason inputs --yes");
    assert_eq!(reasons(&desk, "out/row/1"), [""; 0]);
    assert_eq!(reasons(&desk, "out/total.json"), ["arguments"]);
    assert_eq!(reasons(&desk, "out/cell/1-0.json"), ["code", "content"]);
    assert_eq!(warnings(&desk), ["cell: code", "cell: edited", "total: arguments"]);
    desk.transcribe("accept --reason arguments,content --yes");
    assert_eq!(reasons(&desk, "out/total.json"), [""; 0]);
    assert_eq!(reasons(&desk, "out/cell/1-0.json"), ["code"]);
    assert_eq!(warnings(&desk), ["cell: code"]);
    desk.transcribe("accept --reason code --yes");
    assert_eq!(warnings(&desk), [""; 0]);
    assert_eq!(desk.pipex("status").status.code(), Some(0));
    // What was accepted holds: what changes from now on is told.
    desk.write("out/cell/1-1.json", "2000");
    assert_eq!(warnings(&desk), ["cell: edited", "row: inputs"]);
    let said = desk.transcribe("accept --reason weather --yes");
    assert!(
        said.contains("possible values: code, arguments, inputs, format, content") && said.contains("[2]"),
        "{said}"
    );
}

#[test]
fn nothing_is_accepted_before_somebody_says_yes() {
    let desk = changed();
    let before = fs::read(desk.file(".pipex/index")).unwrap();
    let said = desk.transcribe("accept");
    assert!(said.contains("to accept: 12 stale outputs") && said.contains("nobody to ask: say --yes"), "{said}");
    assert!(desk.transcribe("accept --dry-run").contains("would accept 12 stale outputs as they are\n[3]"));
    let dry = desk.json("accept --dry-run");
    assert_eq!((&dry["done"], dry["targets"].as_array().unwrap().len()), (&false.into(), 12));
    assert_eq!(fs::read(desk.file(".pipex/index")).unwrap(), before);
    assert_eq!(desk.count("cell", "stale"), 12);
}

#[test]
fn what_cannot_be_recorded_is_an_error() {
    let desk = changed();
    fs::remove_dir_all(desk.file(".pipex/live")).unwrap();
    desk.write(".pipex/live", "a file");
    let said = desk.transcribe("accept --yes");
    assert!(said.contains("cannot be written") && said.contains("[1]") && !said.contains("\naccepted"), "{said}");
    assert_eq!(reasons(&desk, "out/cell/1-1.json"), ["code"]);
}

#[test]
fn accepts_are_taken_back_one_after_the_other() {
    let desk = changed();
    let all = ["out/cell/1-0.json", "out/cell/1-1.json", "out/row/1", "out/total.json"];
    let now = || all.map(|target| reasons(&desk, target));
    let at_first = now();
    desk.transcribe("accept --yes");
    let after_one = now();
    desk.transcribe("accept --reason arguments,inputs,content --yes");
    assert_eq!(now(), [const { Vec::<String>::new() }; 4]);
    let said = desk.transcribe("accept --undo");
    assert!(said.contains("3 outputs as before, such as out/cell/1-0.json"), "{said}");
    assert_eq!(now(), after_one);
    assert_eq!(warnings(&desk), ["cell: edited", "row: inputs", "total: arguments and inputs"]);
    assert!(desk.transcribe("accept --undo --dry-run").contains("would take back"));
    assert_eq!(desk.json("accept --undo")["targets"].as_array().unwrap().len(), 12);
    assert_eq!(now(), at_first);
    assert_eq!(warnings(&desk), ["cell: code", "cell: edited", "row: inputs", "total: arguments and inputs"]);
    assert!(desk.transcribe("why out/cell/1-1.json").contains("though it was stale, changed: code"));
    let said = desk.transcribe("accept --undo");
    assert!(said.contains("there is no accept to take back") && said.contains("[1]"), "{said}");
    // And once more.
    desk.transcribe("accept --yes");
    assert_eq!(now(), after_one);
    desk.transcribe("accept --undo");
    assert_eq!(now(), at_first);
}

#[test]
fn what_was_made_again_since_is_not_taken_back() {
    let desk = changed();
    desk.transcribe("accept --yes");
    fs::remove_file(desk.file("out/cell/1-1.json")).unwrap();
    desk.grid("1", &[SECOND]);
    let said = desk.transcribe("accept --undo");
    assert!(said.contains("left alone: out/cell/1-1.json: it has been made again or changed since"), "{said}");
    assert_eq!(reasons(&desk, "out/cell/1-1.json"), [""; 0]);
    assert_eq!(reasons(&desk, "out/cell/1-2.json"), ["code"]);
}

#[test]
fn what_accept_says_asks_for_nothing() {
    let desk = Desk::new();
    desk.grid("1,2", &[]);
    desk.grid("1,2", &[SECOND]);
    desk.grid("1", &[SECOND]);
    assert_eq!([desk.count("cell", "stale"), desk.count("cell", "orphaned")], [12, 12]);
    desk.transcribe("accept out --yes");
    assert_eq!([desk.count("cell", "fresh"), desk.count("cell", "orphaned")], [12, 12]);
    desk.transcribe("accept --undo");
    assert_eq!([desk.count("cell", "stale"), desk.count("cell", "orphaned")], [12, 12]);
}

fn without_name(number: u32) -> Output<Shape> {
    #[task(target = "{path}/shape")]
    fn shape(number: u32) -> Shape {
        Shape { number }
    }
    shape(number).submit()
}

#[derive(Clone, Serialize, Deserialize)]
struct Shape {
    number: u32,
}

/// The type that it has become.
mod named {
    use super::*;

    #[derive(Clone, Serialize, Deserialize)]
    pub struct Shape {
        number: u32,
        name: String,
    }

    impl Shape {
        pub fn new(number: u32) -> Self {
            Shape { number, name: "x".to_owned() }
        }
    }
}

fn with_name(number: u32) -> Output<named::Shape> {
    use named::Shape;
    #[task(target = "{path}/shape")]
    fn shape(number: u32) -> Shape {
        Shape::new(number)
    }
    shape(number).submit()
}

#[flow(path = "out")]
fn shapes(version: &str) -> pipex::Result<()> {
    if version == "named" { with_name(7).wait() } else { without_name(7).wait() }
}

#[test]
#[ignore = "the pipeline of the test below"]
fn pipeline() {
    println!();
    shapes(&std::env::var("VERSION").unwrap()).unwrap();
}

#[test]
fn another_type_is_told_and_accepted_by_itself() {
    let desk = Desk::new();
    let run = |version: &str| lines_of(&desk.pipeline("accepting::pipeline").env("VERSION", version).output().unwrap());
    assert_eq!(run("plain"), "");
    assert!(run("named").contains("(changed: code and format)"));
    assert_eq!(reasons(&desk, "out/shape"), ["code", "format"]);
    assert!(desk.transcribe("diff out/shape").contains("  type of the output: "));
    desk.transcribe("accept --yes");
    assert_eq!(reasons(&desk, "out/shape"), ["format"]);
    assert!(run("named").contains("(changed: format)"));
    desk.transcribe("accept --reason format --yes");
    assert_eq!(run("named"), "");
    assert_eq!(reasons(&desk, "out/shape"), [""; 0]);
}
