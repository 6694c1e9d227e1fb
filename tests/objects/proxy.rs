//! A server in front of the server, that fails as it is told to.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use crate::bucket::set;
use crate::gate::wait_at;

/// What becomes of requests: of every so-manieth, if it is not 0.
#[derive(Default)]
pub struct Faults {
    /// They are answered with 503.
    pub unavailable: AtomicUsize,
    /// They are done, and the answer is lost.
    pub unanswered: AtomicUsize,
    /// From this one on, if it is not 0, some are cut off: the server is down.
    pub down: AtomicUsize,
    /// How many there have been, of all kinds,
    pub requests: AtomicUsize,
    /// that ask for the first of the ranges of an object,
    pub downloads: AtomicUsize,
    /// that send a part,
    pub parts: AtomicUsize,
    /// and that put parts together.
    pub completions: AtomicUsize,
    /// Those wait at this gate.
    pub gate: OnceLock<PathBuf>,
    /// What has this in its name was last changed long ago, as lists have it.
    pub old: Mutex<Option<String>>,
}

impl Faults {
    /// Counts the request that begins so.
    fn count(&self, head: &str) -> usize {
        let line = head.lines().next().unwrap_or_default();
        if head.to_ascii_lowercase().contains("range: bytes=0-") {
            self.downloads.fetch_add(1, Ordering::Relaxed);
        } else if line.contains("partNumber=") {
            self.parts.fetch_add(1, Ordering::Relaxed);
        } else if line.starts_with("POST") && line.contains("uploadId=") {
            self.completions.fetch_add(1, Ordering::Relaxed);
            self.gate.get().into_iter().for_each(|gate| wait_at(gate));
        }
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// An answer, as old as it is told to be.
    fn age(&self, answer: Vec<u8>) -> Vec<u8> {
        let Some(old) = &*self.old.lock().unwrap() else { return answer };
        let Ok(text) = std::str::from_utf8(&answer) else { return answer };
        let entries = text.split_inclusive("</Contents>").map(|entry| match entry.split_once("<LastModified>20") {
            // It has as many letters.
            Some((before, after)) if entry.contains(&**old) => format!("{before}<LastModified>2001{}", &after[2..]),
            _ => entry.to_owned(),
        });
        entries.collect::<String>().into_bytes()
    }
}

/// Starts one; its address.
pub fn start(faults: &Arc<Faults>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let faults = Arc::clone(faults);
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let faults = Arc::clone(&faults);
            thread::spawn(move || _ = pass_on(client, &faults));
        }
    });
    address
}

/// One request a connection.
fn pass_on(mut client: TcpStream, faults: &Faults) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        if line == "\r\n" {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or_default();
        if name.eq_ignore_ascii_case("content-length") {
            length = value.trim().parse().map_err(io::Error::other)?;
        }
        if !name.eq_ignore_ascii_case("connection") {
            head.push_str(&line);
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    let number = faults.count(&head);
    let down = faults.down.load(Ordering::Relaxed);
    if down > 0 && (down..down + 6).contains(&number) {
        return Ok(());
    }
    let is_told = |every: &AtomicUsize| {
        let every = every.load(Ordering::Relaxed);
        every > 0 && number.is_multiple_of(every)
    };
    if is_told(&faults.unavailable) {
        return client.write_all(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let server = set("AWS_ENDPOINT");
    let mut server = TcpStream::connect(server.strip_prefix("http://").unwrap())?;
    server.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
    server.write_all(&body)?;
    let mut answer = Vec::new();
    server.read_to_end(&mut answer)?;
    // Whatever the server says of the connection.
    if let Some(end) = answer.iter().position(|byte| *byte == b'\n') {
        answer.splice(end + 1..=end, *b"Connection: close\r\n");
    }
    if is_told(&faults.unanswered) { Ok(()) } else { client.write_all(&faults.age(answer)) }
}
