//! A job of a newer pipex, given to a worker that does not understand it.

use futures_util::StreamExt as _;
use serde_json::{Value, json};

use crate::nats::{start_flow, start_worker};
use crate::servers::{Nats, Place};

/// As a flow of a newer pipex would give it, whose task has the same code.
#[test]
fn a_job_in_a_newer_format_is_refused_and_not_delivered_again() {
    let (nats, place) = (Nats::start(&[]), Place::new());
    let worker = start_worker(&place, &nats.url());
    // Now there is a consumer for each task.
    let (code, said) = start_flow(&place, &nats, 3).end();
    assert_eq!(code, Some(0), "{said}");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let _within = runtime.enter();
    let client = runtime.block_on(async_nats::connect(nats.address())).unwrap();
    let jetstream = async_nats::jetstream::new(client.clone());
    let stream = runtime.block_on(jetstream.get_stream("pipex-tests")).unwrap();
    let outcome = runtime.block_on(async {
        let mut names = stream.consumer_names();
        let mut consumer = String::new();
        while !consumer.contains("total") {
            consumer = names.next().await.expect("one for each task").unwrap();
        }
        let subject = stream.consumer_info(&consumer).await.unwrap().config.filter_subject;
        let mut said = client.subscribe("pipex.tests.done.newer").await.unwrap();
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Nats-Msg-Id", "newer.7.0");
        let job = json!({ "format": 2, "steps": ["total"] }).to_string();
        jetstream.publish_with_headers(subject, headers, job.into()).await.unwrap().await.unwrap();
        // Together or one after the other: that it has started, in no bytes, and what came of it.
        let mut all = String::new();
        while !all.ends_with('}') {
            all.push_str(str::from_utf8(&said.next().await.unwrap().payload).unwrap());
        }
        all
    });
    let outcome = outcome.strip_prefix("7 0 7 ").unwrap();
    let (length, outcome) = outcome.split_once(' ').unwrap();
    assert_eq!(length.parse(), Ok(outcome.len()));
    let outcome: Value = serde_json::from_str(outcome).unwrap();
    let failed = &outcome["failed"];
    assert_eq!(failed["retry"], false, "{outcome}");
    assert!(failed["chain"][0].as_str().unwrap().starts_with("the job is in format 2, which a newer"), "{outcome}");
    // All that it has in hand is done with when it ends.
    worker.signal("-TERM");
    assert_eq!(worker.end().0, Some(0));
    let left = runtime.block_on(stream.get_info()).unwrap().state.messages;
    assert_eq!(left, 0, "there is nothing that another could be given");
}
