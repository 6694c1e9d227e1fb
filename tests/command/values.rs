//! What runs were given and have recorded: `pipex runs`, and `pipex diff` of two of them.

use pipex::{Output, flow, task};
use serde_json::{Value, json};

use crate::{Desk, steady};

#[task(target = "{path}/noise/{seed}.json")]
fn noise(seed: u64) -> f64 {
    pipex::record("seed", seed);
    seed as f64 / 10.0
}

#[task(target = "{path}/fit/{model}.json")]
fn fit(noise: f64, model: &str, rate: f64) -> f64 {
    let rmse = noise + rate * model.len() as f64;
    pipex::record("rmse", rmse);
    pipex::record("model", model);
    rmse
}

/// What is recorded of a model is recorded under its name.
#[task(target = "{path}/best.json")]
fn best(fits: Vec<f64>) -> f64 {
    let best = fits.iter().copied().reduce(f64::min).unwrap_or_default();
    pipex::record("best rmse", best);
    pipex::record("fits", fits.len());
    best
}

#[task(target = "{path}/check.json")]
fn check(best: f64) -> Result<bool, std::io::Error> {
    pipex::record("checked", true);
    if best > 1.5 { Err(std::io::Error::other("far too much")) } else { Ok(true) }
}

#[flow(path = "out", stale = "rerun")]
fn season(seed: u64, rate: f64, models: &[&str]) -> pipex::Result<()> {
    let noise = noise(seed).lazy();
    let fits: Vec<Output<f64>> =
        models.iter().map(|model| fit(noise.clone(), (*model).to_owned(), rate).submit()).collect();
    let best = best(fits).run()?;
    pipex::record("models", models.len());
    check(best).run().map(drop)
}

#[test]
#[ignore = "the pipeline of the tests below"]
fn pipeline() {
    let [seed, rate, models, fails] = ["SEED", "RATE", "MODELS", "FAILS"].map(|name| std::env::var(name).unwrap());
    let models: Vec<&str> = models.split(',').collect();
    let ended = season(seed.parse().unwrap(), rate.parse().unwrap(), &models);
    assert_eq!(ended.is_err(), fails == "true", "{ended:?}");
}

fn run(desk: &Desk, mode: &str, [seed, rate, models]: [&str; 3], fails: bool) {
    let mut pipeline = desk.pipeline("values::pipeline");
    pipeline.env("SEED", seed).env("RATE", rate).env("MODELS", models).env("FAILS", fails.to_string());
    assert!(pipeline.env("PIPEX", mode).status().unwrap().success());
}

#[test]
fn runs_are_compared_by_what_they_were_given_and_what_was_recorded_for_them() {
    for mode in ["cache", "prefect.cache"] {
        let desk = Desk::new();
        let long = "linear,forest,".repeat(10) + "linear";
        run(&desk, mode, ["7", "0.1", "linear,forest"], false);
        // All is there: what was recorded still holds, also of what is not even asked for.
        std::fs::remove_file(desk.file("out/noise/7.json")).unwrap();
        run(&desk, mode, ["7", "0.1", "linear,forest"], false);
        run(&desk, mode, ["3", "0.1", "linear,forest,net"], false);
        run(&desk, mode, ["3", "0.5", "linear,forest,net"], true);
        let mut told = String::new();
        let lines = ["runs", "diff @4 @3", "diff @3 @2", "diff @2 @1", "diff @1 @5", "diff @1 no-run", "diff @0 @1"];
        lines.iter().for_each(|line| told.push_str(&desk.transcribe(line)));
        run(&desk, mode, ["3", "0.1", &long], false);
        run(&desk, mode, ["3", "0.1", &long.replace("forest,linear", "linear,forest")], false);
        told.push_str(&desk.transcribe("diff @2 @1"));
        let said = desk.transcribe("diff @3 @2 --json");
        steady().bind(|| insta::assert_snapshot!("values", told));
        assert!(said.ends_with("[3]\n"), "{said}");
        // Names are taken, too.
        let runs = desk.json("runs");
        let name = |row: &Value| row["run"].as_str().unwrap().to_owned();
        let (first, third) = (name(&runs[0]), name(&runs[2]));
        let differences = desk.json(&format!("diff {first} {third}.jsonl"));
        let expected =
            json!({ "of": "out/best.json", "name": "best rmse", "was": 1.3, "is": 0.6000000000000001, "change": -0.7 });
        assert!(differences.as_array().unwrap().contains(&expected), "{differences:#}");
        assert_eq!(runs[2]["parameters"][0], json!({ "name": "seed", "value": "3" }));
        let recorded = json!({ "of": "out/fit/net.json", "name": "model", "value": "net" });
        assert!(runs[2]["recorded"].as_array().unwrap().contains(&recorded), "{runs:#}");
        // Text that a terminal would obey is none.
        assert!(differences[0]["of"] == "parameter", "{differences:#}");
    }
}

/// Without targets, it is the runs' names that values stand under.
#[test]
fn in_mode_prefect_there_are_no_targets_and_yet_values() {
    let desk = Desk::new();
    run(&desk, "prefect", ["7", "0.1", "linear"], false);
    run(&desk, "prefect", ["8", "0.1", "linear"], false);
    let differences = desk.json("diff @2 @1");
    let rows: Vec<_> = differences.as_array().unwrap().iter().map(|row| (&row["of"], &row["name"])).collect();
    let expected = [("parameter", "seed"), ("best", "best rmse"), ("fit", "rmse"), ("noise", "seed")];
    assert_eq!(rows, expected.map(|(of, name)| (Value::from(of), Value::from(name))).each_ref().map(|(a, b)| (a, b)));
    assert!(!desk.file("out").exists());
}

#[test]
fn a_journal_from_elsewhere_may_say_anything() {
    let desk = Desk::new();
    run(&desk, "cache", ["7", "0.1", "linear"], false);
    let journal = desk.json("runs")[0]["run"].as_str().unwrap().to_owned();
    let journal = desk.file(&format!(".pipex/runs/{journal}.jsonl"));
    let text = std::fs::read_to_string(&journal).unwrap();
    let strange = text
        .replace(r#""name":"best rmse","value":"#, r#""name":"a\u001b[2J","value":{"b\u009b":[1]},"was":"#)
        .replace(r#""name":"seed","fingerprint""#, r#""name":"\u001b[2J","fingerprint""#);
    assert_ne!(strange, text);
    std::fs::write(&journal, strange).unwrap();
    run(&desk, "cache", ["7", "0.1", "linear"], false);
    for line in ["runs", "diff @2 @1"] {
        let said = desk.transcribe(line);
        assert!(said.contains("\\u{1b}[2J") && !said.contains('\u{1b}'), "{said}");
    }
}
