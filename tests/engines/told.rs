//! What is told of task runs that workers did: by the journal, and as spans.

use pipex::journal::{self, Ended, Line};
use pipex::{flow, task};

use crate::servers::{Nats, Place, Process};
use crate::spans::{attribute, receive, spans};

#[task(remote, name = "part {number}", retries = 1)]
fn part(number: u64) -> Result<Vec<u64>, String> {
    use std::sync::Once;
    static FAILED: Once = Once::new();

    tracing::info!("this is {number}");
    let mut is_first = false;
    if number == 1 {
        FAILED.call_once(|| is_first = true);
    }
    if is_first { Err("not yet".to_owned()) } else { Ok((0..200_000).map(|it| it * number).collect()) }
}

#[task(remote, name = "both")]
fn both(parts: Vec<Vec<u64>>) -> u64 {
    parts.iter().map(Vec::len).sum::<usize>() as u64
}

#[flow]
fn parts() -> pipex::Result<u64> {
    let parts: Vec<_> = (0..2).map(|number| part(number).base(number).submit()).collect();
    both(parts).base("both").submit().load()
}

#[test]
#[ignore = "another process: a flow"]
fn flow_of_parts() {
    pipex::logging::init();
    assert_eq!(parts().unwrap(), 400_000);
}

#[test]
fn what_workers_did_has_its_times_its_lines_and_its_span() {
    let (nats, place) = (Nats::start(&[]), Place::new());
    // One thread, so that it is the same one that tries again.
    let mut worker = place.program("nats::worker");
    let worker = Process::start(worker.env("PIPEX_WORKERS", "1").env("PIPEX_NATS_URL", nats.url()));
    let (url, told) = receive(&["200 OK"]);
    let mut flow = place.program("told::flow_of_parts");
    flow.env("PIPEX_NATS_URL", nats.url()).env("OTEL_EXPORTER_OTLP_ENDPOINT", &url);
    let (code, said) = Process::start(&mut flow).end();
    assert_eq!(code, Some(0), "{said}");

    let run = journal::runs(&place.file(".pipex")).unwrap().pop().unwrap();
    let (mut all, mut over) = (Vec::<Ended<'static>>::new(), None);
    journal::read(&run, |line| match line {
        Line::Ended(ended) => all.push(*ended),
        Line::Over(end) => over = Some(end.elapsed),
        _ => {}
    })
    .unwrap();
    assert_eq!(all.len(), 4, "{all:?}");
    for ended in &all {
        // It waited, ran there, and was done before its flow was.
        assert!(ended.submitted.is_some_and(|submitted| submitted <= ended.at), "{ended:?}");
        assert!(ended.elapsed > 0.0 && ended.at + ended.elapsed <= over.unwrap(), "{ended:?}");
        let at = ended.elsewhere.as_ref().unwrap_or_else(|| panic!("it ran here: {ended:?}"));
        assert_eq!(at.split(' ').nth(1), Some(&*worker.id().to_string()), "{ended:?}");
        // What this process had meanwhile says nothing of it.
        assert_eq!(ended.memory, 0, "{ended:?}");
        let spent = ended.loading + ended.saving;
        assert!(spent > 0.0 && f64::from(spent) <= ended.elapsed, "{ended:?}");
        let is_saved = ended.bytes > 0;
        assert_eq!(is_saved, ended.saving > 0.0, "{ended:?}");
    }
    let both = all.last().unwrap();
    assert!(both.loading > 0.0 && both.name == "both", "it has read 3 MB: {both:?}");
    let lines: Vec<_> =
        all.iter().map(|ended| ended.logged.iter().map(|line| &*line.text).collect::<Vec<_>>()).collect();
    for (ended, lines) in all.iter().zip(lines) {
        let expected: &[&str] = match &*ended.name {
            "part 0" => &["this is 0"],
            "part 1" => &["this is 1"],
            _ => &[],
        };
        assert_eq!(lines, expected, "{ended:?}");
    }

    let spans = spans(&told);
    let [flow, zero, one, both] = ["parts", "part 0", "part 1", "both"].map(|name| &spans[name]);
    assert_eq!(spans.len(), 4, "{spans:?}");
    for span in [zero, one, both] {
        assert_eq!((&span["parentSpanId"], &span["traceId"]), (&flow["spanId"], &flow["traceId"]));
        assert_eq!((attribute(span, "pipex.state"), &span["status"]["code"]), (&"Completed".into(), &1.into()));
        assert!(attribute(span, "pipex.bytes").as_str().unwrap().parse::<u64>().unwrap() > 0, "{span}");
        let nanoseconds = |span: &serde_json::Value, field: &str| span[field].as_str().unwrap().parse::<u64>().unwrap();
        assert!(nanoseconds(flow, "startTimeUnixNano") <= nanoseconds(span, "startTimeUnixNano"), "{span}");
        assert!(nanoseconds(span, "endTimeUnixNano") <= nanoseconds(flow, "endTimeUnixNano"), "{span}");
    }
    let links: Vec<_> = both["links"].as_array().unwrap().iter().map(|link| &link["spanId"]).collect();
    assert_eq!(links, [&zero["spanId"], &one["spanId"]]);
    assert_eq!((attribute(one, "pipex.attempt"), &one["events"][0]["name"]), (&"2".into(), &"attempt failed".into()));
}
