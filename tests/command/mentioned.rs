//! What is said of one target is what its lines say, whatever it is called and from where, and as far as the journal has got.

use std::fs;
use std::io::Write as _;

use pipex::{flow, journal, task};
use serde_json::json;

use crate::Desk;

/// One is the beginning of another, one its end, and some are not in a journal as they are.
const NAMES: [&str; 6] = ["1", "10", "0/1", "\u{e4} \"b\" \\c", "\u{e4} \"b\"", "a\tb"];

#[task(target = "{path}/{base}")]
fn measure(x: usize) -> usize {
    x
}

#[flow(path = "out")]
fn measures(first: usize) -> pipex::Result<()> {
    NAMES.iter().zip(first..).try_for_each(|(name, x)| measure(x).base(*name).run().map(drop))
}

#[test]
#[ignore = "the pipeline of the test below"]
fn pipeline() {
    measures(std::env::var("FIRST").unwrap().parse().unwrap()).unwrap();
}

#[test]
fn each_target_has_its_own_arguments() {
    let desk = Desk::new();
    fs::create_dir_all(desk.file("out/0")).unwrap();
    let run = |directory: &str, first: usize, stale: &str| {
        let mut command = desk.pipeline("mentioned::pipeline");
        command.current_dir(desk.file(directory)).env("PIPEX", "cache").env("PIPEX_STALE", stale);
        assert!(command.env("FIRST", first.to_string()).status().unwrap().success());
    };
    let ask = |question: &str, name: &str| -> serde_json::Value {
        let output = desk.command().args([question, &format!("out/{name}"), "--json"]).output().unwrap();
        serde_json::from_slice(&output.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&output.stderr)))
    };
    let assert_made_with = |first: usize, from: &str| {
        for (name, x) in NAMES.iter().zip(first..) {
            assert_eq!(ask("show", name)["arguments"], json!([["x", x.to_string()]]), "{name} from {from:?}");
        }
    };
    for (number, directory) in ["", "out", "out/0"].into_iter().enumerate() {
        let (was, is) = (100 * number, 100 * (number + 1));
        if number == 0 {
            run(directory, was, "warn");
        }
        assert_made_with(was, directory);
        run(directory, is, "warn");
        for (name, x) in NAMES.iter().zip(0..) {
            let changes = ask("why", name)["changes"].clone();
            let change = json!([{ "what": "argument x", "was": (was + x).to_string(), "is": (is + x).to_string() }]);
            assert_eq!(changes, change, "{name} from {directory:?}");
            assert_eq!(ask("diff", name), change);
        }
        run(directory, is, "rerun");
        assert_made_with(is, directory);
    }
}

const HEAD: &str = r#"{"run":{"format":1,"pipex":"0.1.0","flow":"day","program":"day","version":null,"mode":"cache","started":"2026-01-01T00:00:00Z","process":1,"host":"h","directory":"/"}}
{"task":{"task":0,"name":"read","module":"day","file":"src/day.rs","line":10,"code":"00000000000000000000000000000001"}}
"#;

/// The line of a task run that made the target, as it stands in JSON, from this.
fn line(target: &str, value: u32) -> String {
    let print = format!("{value:032x}");
    format!(
        r#"{{"ended":{{"task":0,"name":"read","target":{target},"state":"Completed","why":"missing","at":{value},"elapsed":1.0,"worker":0,"attempt":1,"bytes":1,"there":{{"content":"{print}","stamp":{value},"bytes":1,"code":"{print}","arguments":"{print}","inputs":"{print}"}},"given":[{{"name":"x","fingerprint":"{print}","value":"{value}"}}],"logged":[{{"at":{value},"level":"INFO","text":"it is {value}"}}]}}}}
"#
    )
}

#[test]
fn what_is_known_is_what_has_been_written_whoever_wrote_it() {
    let desk = Desk::new();
    fs::create_dir_all(desk.file(".pipex/live")).unwrap();
    fs::create_dir_all(desk.file(".pipex/runs")).unwrap();
    let name = "20260101-000000.000-day-1.jsonl";
    let path = desk.file(&format!(".pipex/live/{name}"));
    let mut file = fs::OpenOptions::new().append(true).create_new(true).open(&path).unwrap();
    let mut append = |text: &str| file.write_all(text.as_bytes()).unwrap();
    let assert_made_from = |values: &[u32]| {
        let shown = desk.json("show out/\u{e4}");
        let last = values.last().unwrap().to_string();
        assert_eq!(shown["arguments"], json!([["x", last]]));
        let logged: Vec<_> =
            shown["logged"].as_array().unwrap().iter().map(|line| line["text"].as_str().unwrap().to_owned()).collect();
        assert_eq!(logged, values.iter().map(|value| format!("it is {value}")).collect::<Vec<_>>());
    };
    append(HEAD);
    append(&line("\"out/\u{e4}\"", 1));
    append(&line("\"out/\u{e4}b\"", 2));
    assert_made_from(&[1]);
    // Half a line is none.
    let next = line(r#""out\/\u00e4""#, 3);
    let (first, rest) = next.split_at(next.len() - 30);
    append(first);
    assert_made_from(&[1]);
    append(rest);
    assert_made_from(&[1, 3]);
    append(
        &next.replace("it is 3", "it is 4").replace("\"value\":\"3\"", "\"value\" : \"4\"").replace("}}\n", "} }\n"),
    );
    assert_made_from(&[1, 3, 4]);
    // What stands behind what is no line was not written by it.
    append(&line("\"out/other\"", 5).replace("it is 5", "\0\0\0"));
    append(&line("\"out/\u{e4}\"", 6));
    assert_made_from(&[1, 3, 4]);
    fs::rename(&path, desk.file(&format!(".pipex/runs/{name}"))).unwrap();
    assert_made_from(&[1, 3, 4]);
    assert_made_from(&[1, 3, 4]);
    assert_eq!(journal::runs(&desk.file(".pipex")).unwrap().len(), 1);
}
