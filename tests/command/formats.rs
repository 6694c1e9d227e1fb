//! Whatever an output is, it can be shown.

use std::collections::BTreeMap;

use pipex::{flow, task};
use serde::{Deserialize, Serialize};

use crate::Desk;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Sky {
    Clear,
    Cloudy(u8),
    Rain { millimetres: f32, since: (u8, u8) },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Station(String);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    station: Station,
    skies: Vec<Sky>,
    by_hour: BTreeMap<u8, Option<f64>>,
    initial: char,
    nothing: (),
    big: u128,
    open: bool,
}

fn everything() -> Everything {
    Everything {
        station: Station("Newark Ä".to_owned()),
        skies: vec![Sky::Clear, Sky::Cloudy(3), Sky::Rain { millimetres: 1.5, since: (7, 30) }],
        by_hour: BTreeMap::from([(1, Some(-2.5)), (2, None)]),
        initial: 'Ä',
        nothing: (),
        big: u128::MAX,
        open: true,
    }
}

#[task(target = "{path}/everything")]
fn plain() -> Everything {
    everything()
}

#[task(target = "{path}/everything.zst")]
fn packed() -> Everything {
    everything()
}

#[task(target = "{path}/everything.json.zst")]
fn packed_text() -> Everything {
    everything()
}

#[task(target = "{path}/notes.md")]
fn notes() -> String {
    "# Notes\n\nno newline".to_owned()
}

#[task(target = "{path}/notes.md.zst")]
fn packed_notes() -> String {
    "# Notes\n\nno newline".to_owned()
}

#[task(target = "{path}/hours.jsonl")]
fn hours() -> Vec<(u8, Option<f64>)> {
    everything().by_hour.into_iter().collect()
}

#[task(target = "{path}/pixels.png")]
fn pixels() -> Vec<u8> {
    vec![0x89, 0, 0xFF]
}

#[flow(path = "out")]
fn all() -> pipex::Result<()> {
    plain().run()?;
    packed().run()?;
    notes().run()?;
    packed_notes().run()?;
    hours().run()?;
    pixels().run()?;
    packed_text().run().map(drop)
}

#[test]
#[ignore = "the pipeline of the test below"]
fn pipeline() {
    all().unwrap();
}

#[test]
fn bincode_is_shown_as_json_by_its_shape() {
    let desk = Desk::new();
    assert!(desk.pipeline("formats::pipeline").status().unwrap().success());
    // JSON's numbers do not go as far.
    let mut expected = serde_json::to_value(Everything { big: 0, ..everything() }).unwrap();
    expected["big"] = u128::MAX.to_string().into();
    for name in ["everything", "everything.zst"] {
        assert_eq!(desk.json(&format!("show out/{name}"))["content"], expected, "{name}");
    }
    let text = desk.pipex("show out/everything.json.zst").stdout;
    assert_eq!(serde_json::from_slice::<Everything>(&text).unwrap(), everything());
}

#[test]
fn texts_are_shown_as_they_are() {
    let desk = Desk::new();
    assert!(desk.pipeline("formats::pipeline").status().unwrap().success());
    let shown = |line: &str| String::from_utf8(desk.pipex(line).stdout).unwrap();
    for name in ["notes.md", "notes.md.zst"] {
        assert_eq!(shown(&format!("show out/{name}")), "# Notes\n\nno newline", "{name}");
        assert_eq!(desk.json(&format!("show out/{name}"))["content"], "# Notes\n\nno newline", "{name}");
    }
    assert_eq!(shown("show out/hours.jsonl"), "[1,-2.5]\n[2,null]\n");
    let said = desk.pipex("show out/pixels.png");
    assert!(String::from_utf8_lossy(&said.stderr).contains("3 bytes that only the program can read"));
    assert_eq!(desk.pipex("show --raw out/pixels.png").stdout, [0x89, 0, 0xFF]);
}

#[test]
fn graphs_of_all_formats_and_completions_of_all_shells() {
    let desk = Desk::new();
    assert!(desk.pipeline("formats::pipeline").status().unwrap().success());
    for (format, start) in [("dot", "digraph"), ("mermaid", "flowchart"), ("svg", "<svg"), ("html", "<!doctype html>")]
    {
        let said = desk.pipex(&format!("graph --format {format}"));
        assert!(String::from_utf8_lossy(&said.stdout).starts_with(start), "{format}");
    }
    for shell in ["bash", "zsh", "fish"] {
        assert!(!desk.pipex(&format!("completions {shell}")).stdout.is_empty(), "{shell}");
    }
}
