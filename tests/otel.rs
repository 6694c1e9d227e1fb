//! Runs as spans: what a receiver of OTLP gets.

#![allow(clippy::disallowed_methods, reason = "they read what they are told by variables of their own")]

mod child;
mod http;
mod spans;

use pipex::{flow, task};

use crate::spans::{attribute, receive, spans};

#[task(target = "{path}/numbers/{key}", name = "number {key}", retries = 1)]
fn numbers(key: u64) -> Result<u64, String> {
    static FAILED: std::sync::Once = std::sync::Once::new();
    let mut is_first = false;
    if key == 1 {
        FAILED.call_once(|| is_first = true);
    }
    match key {
        1 if is_first => Err("not yet".to_owned()),
        2 => Err("never".to_owned()),
        key => Ok(key),
    }
}

#[task(target = "{path}/sum", name = "the sum")]
fn sum(all: Vec<u64>) -> u64 {
    all.iter().sum()
}

#[flow]
fn within() -> pipex::Result<u64> {
    numbers(7).run()?.load()
}

#[flow(path = "out")]
fn sums(count: u64) -> pipex::Result<u64> {
    within()?;
    let all: Vec<_> = (0..count).map(|key| numbers(key).submit()).collect();
    sum(all).run()?.load()
}

#[test]
#[ignore = "a child of the tests below"]
fn child_sums() {
    let count = std::env::var("PIPEX_TESTS_COUNT").unwrap().parse().unwrap();
    println!("\nended: {:?}", sums(count));
}

/// Runs the flow with so many; what it says.
fn run(count: u64, set: &[(&str, &str)]) -> String {
    let directory = tempfile::tempdir().unwrap();
    let mut child = child::child("child_sums");
    child.current_dir(&directory).env("PIPEX", "prefect.cache").env("PIPEX_TESTS_COUNT", count.to_string());
    let output = child.envs(set.iter().copied()).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat()
}

#[test]
fn each_run_is_a_span_below_its_flows_with_links_to_what_it_takes() {
    let (url, told) = receive(&["503 Busy", "200 OK"]);
    let said = run(2, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url), ("OTEL_EXPORTER_OTLP_HEADERS", "x-team=a, x-key=b")]);
    assert!(said.contains("ended: Ok(1)") && !said.contains("spans"), "{said}");
    let (head, first) = told.recv().unwrap();
    assert!(
        head.starts_with("post /v1/traces ") && head.contains("x-key: b") && head.contains("application/json"),
        "{head}"
    );
    let service = &first["resourceSpans"][0]["resource"]["attributes"][0];
    assert!(service["key"] == "service.name" && service["value"]["stringValue"].is_string(), "{service}");
    let (url, told) = receive(&["200 OK"]);
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    run(2, &[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", &url), ("TRACEPARENT", parent)]);
    let spans = spans(&told);
    assert_eq!(spans.len(), 6, "{spans:?}");
    let [flow, inner, sum] = ["sums", "within", "the sum"].map(|name| &spans[name]);
    let [zero, one, seven] = ["number 0", "number 1", "number 7"].map(|name| &spans[name]);
    assert!(attribute(one, "pipex.target").as_str().unwrap().ends_with("out/numbers/1"), "{one}");
    assert!(spans.values().all(|span| span["traceId"] == "4bf92f3577b34da6a3ce929d0e0e4736"), "{spans:?}");
    assert_eq!((&flow["parentSpanId"], &inner["parentSpanId"]), (&"00f067aa0ba902b7".into(), &flow["spanId"]));
    assert_eq!((&sum["parentSpanId"], &seven["parentSpanId"]), (&flow["spanId"], &inner["spanId"]));
    let links: Vec<_> = sum["links"].as_array().unwrap().iter().map(|link| &link["spanId"]).collect();
    assert_eq!(links, [&zero["spanId"], &one["spanId"]]);
    // It was tried twice, and says of the first attempt when and why it failed.
    assert_eq!(
        (attribute(one, "pipex.attempt"), one["events"][0]["name"].as_str()),
        (&"2".into(), Some("attempt failed"))
    );
    assert_eq!((attribute(one, "pipex.state"), &one["status"]["code"]), (&"Completed".into(), &1.into()));
    assert_eq!(
        (attribute(zero, "pipex.why"), attribute(seven, "pipex.parameter.key")),
        (&"missing".into(), &"7".into())
    );
    assert_eq!(attribute(flow, "pipex.parameter.count"), "2");
}

#[test]
fn what_failed_says_so_and_so_does_its_flow() {
    let (url, told) = receive(&["200 OK"]);
    run(3, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &url)]);
    let spans = spans(&told);
    let failed: Vec<_> = spans.values().filter(|span| span["status"]["code"] == 2).collect();
    assert!(failed.iter().any(|span| span["status"]["message"].as_str().unwrap().ends_with(": never")), "{failed:?}");
    assert_eq!(attribute(&spans["the sum"], "pipex.state"), "NotReady");
    assert_eq!(
        (attribute(&spans["sums"], "pipex.state"), &spans["sums"]["parentSpanId"]),
        (&"Failed".into(), &"".into())
    );
}

#[test]
fn a_receiver_that_is_not_there_fails_nothing_and_what_means_nothing_is_refused() {
    let said = run(2, &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")]);
    assert!(said.contains("ended: Ok(1)") && said.contains("pipex: 6 spans were not sent"), "{said}");
    let url = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9");
    let said = run(2, &[url, ("OTEL_SDK_DISABLED", "true")]);
    assert!(said.contains("ended: Ok(1)") && !said.contains("spans"), "{said}");
    let said = run(2, &[url, ("TRACEPARENT", "here")]);
    assert!(said.contains("TRACEPARENT=here is not 00-TRACE-SPAN-01"), "{said}");
    let said = run(2, &[url, ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]);
    assert!(said.contains("OTEL_EXPORTER_OTLP_PROTOCOL=grpc is not http/json"), "{said}");
}
