//! A receiver of spans, as OTLP has them in JSON, and what it gets.

use std::collections::HashMap;
use std::io::Write as _;
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use serde_json::Value;

use crate::http::read_message;

/// Answers calls with these states, the last again and again; gives what they were about.
pub fn receive(states: &'static [&'static str]) -> (String, Receiver<(String, Value)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (tell, told) = channel();
    std::thread::spawn(move || {
        let mut states = states.iter().chain(std::iter::repeat(&states[states.len() - 1]));
        for mut connection in listener.incoming().map_while(Result::ok) {
            while let Some((message, body)) = read_message(&mut connection) {
                let head = String::from_utf8_lossy(&message[..body]).to_lowercase();
                let state = states.next().unwrap();
                if state.starts_with("200") {
                    tell.send((head, serde_json::from_slice(&message[body..]).unwrap())).unwrap();
                }
                let answer =
                    format!("HTTP/1.1 {state}\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{{}}");
                connection.write_all(answer.as_bytes()).unwrap();
            }
        }
    });
    (url, told)
}

/// All spans that came by now, by their names.
pub fn spans(told: &Receiver<(String, Value)>) -> HashMap<String, Value> {
    let mut spans = HashMap::new();
    while let Ok((_, body)) = told.recv_timeout(Duration::ZERO) {
        for span in body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap() {
            check(span);
            spans.insert(span["name"].as_str().unwrap().to_owned(), span.clone());
        }
    }
    spans
}

/// What OTLP asks of a span in JSON.
fn check(span: &Value) {
    let is_hex = |id: &Value, digits: usize| {
        let id = id.as_str().unwrap();
        id.len() == digits && id.bytes().all(|c| c.is_ascii_hexdigit()) && id.bytes().any(|c| c != b'0')
    };
    assert!(is_hex(&span["traceId"], 32) && is_hex(&span["spanId"], 16), "{span}");
    assert!(span["parentSpanId"] == "" || is_hex(&span["parentSpanId"], 16), "{span}");
    let nanoseconds = |field: &str| span[field].as_str().unwrap().parse::<u64>().unwrap();
    assert!(nanoseconds("startTimeUnixNano") <= nanoseconds("endTimeUnixNano"), "{span}");
    assert!(span["links"].as_array().unwrap().iter().all(|link| is_hex(&link["spanId"], 16)), "{span}");
}

pub fn attribute<'s>(span: &'s Value, key: &str) -> &'s Value {
    let all = span["attributes"].as_array().unwrap();
    let found = all.iter().find(|attribute| attribute["key"] == key).unwrap_or_else(|| panic!("{key}: {span}"));
    found["value"].as_object().unwrap().values().next().unwrap()
}
