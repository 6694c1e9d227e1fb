//! How a grid stands, by its keys.

use pipex::{Tried, flow, grid, task};
use serde_json::json;

use crate::{Desk, steady};

#[task]
fn fit(segment: &str, rate: f64) -> Result<f64, String> {
    if std::env::var("FAILS").is_ok_and(|fails| fails == format!("{segment} {rate}")) {
        return Err("it does not converge".to_owned());
    }
    Ok(segment.len() as f64 * rate)
}

#[task]
fn score(model: f64, segment: &str) -> f64 {
    model + segment.len() as f64
}

#[task(target = "{path}/best.json")]
fn best(scores: Vec<Tried<f64>>) -> f64 {
    scores.into_iter().filter_map(Tried::ok).fold(0.0, f64::max)
}

#[flow(path = "out")]
fn compare() -> pipex::Result<f64> {
    let scores = grid!(segment in ["retail", "trade"], rate in [2.0, 10.0])
        .submit(|(segment, rate)| fit(segment, rate))
        .submit(|(segment, _), model| score(model, segment));
    best(scores).run()?.load()
}

#[test]
#[ignore = "the pipeline of the test below"]
fn pipeline() {
    compare().unwrap();
}

#[test]
fn status_has_a_row_for_each_key_of_a_grid() {
    for mode in ["cache", "prefect.cache"] {
        let desk = Desk::new();
        let run = |fails: &str| {
            let mut pipeline = desk.pipeline("keys::pipeline");
            assert!(pipeline.env("PIPEX", mode).env("FAILS", fails).status().unwrap().success());
        };
        run("trade 10");
        let mut told: String = [
            "status --by segment,rate",
            "status --by rate --task fit",
            "status --by segment --by rate --not-ready",
            "status --by segmnet",
        ]
        .map(|line| desk.transcribe(line))
        .concat();
        let rows = desk.json("status --by segment,rate --failed");
        assert_eq!(rows[0]["by"], json!({ "segment": "trade", "rate": 10.0 }), "{rows}");
        assert_eq!((&rows[0]["failed"], &rows[1]), (&json!(1), &json!(null)), "{rows}");
        assert_eq!(desk.json("status")[0]["by"], json!(null), "as ever");

        run("");
        told.push_str(&desk.transcribe("status --by segment,rate"));
        steady().bind(|| insta::assert_snapshot!("keys", told));
    }
}
