//! A server in front of the server, that fails as it is told to.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;

use crate::bucket::endpoint;
use crate::gate::wait_at;
use crate::place::set;

/// What becomes of requests: of every so-manieth, if it is not 0.
#[derive(Default)]
pub struct Faults {
    /// They are answered with 503.
    pub unavailable: AtomicUsize,
    /// Those that abort uploads are forbidden, if it is not 0.
    pub forbids_aborts: AtomicUsize,
    /// They are done, and the answer is lost.
    pub unanswered: AtomicUsize,
    /// From this one on, if it is not 0, some are cut off: the server is down.
    pub down: AtomicUsize,
    /// How many there have been, of all kinds,
    pub requests: AtomicUsize,
    /// how many of them at most were under way at a time,
    pub most: AtomicUsize,
    under_way: AtomicUsize,
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
        } else if line.contains("partNumber=") || line.contains("comp=block&") {
            self.parts.fetch_add(1, Ordering::Relaxed);
        } else if is_completion(line) {
            self.completions.fetch_add(1, Ordering::Relaxed);
            self.gate.get().into_iter().for_each(|gate| wait_at(gate));
        }
        self.requests.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// An answer, as old as it is told to be.
    fn age(&self, answer: Vec<u8>) -> Vec<u8> {
        let Some(old) = &*self.old.lock().unwrap() else { return answer };
        let Ok(text) = std::str::from_utf8(&answer) else { return answer };
        let entries = text.split_inclusive("<Name>").flat_map(|entry| entry.split_inclusive("<Key>"));
        // An entry begins behind its name's tag. A date has as many letters as the one in its place.
        let entries = entries.map(|entry| {
            let tag = ["<LastModified>", "<Last-Modified>"].into_iter().find(|tag| entry.contains(tag));
            let Some((before, after)) = tag.filter(|_| entry.contains(&**old)).and_then(|tag| entry.split_once(tag))
            else {
                return entry.to_owned();
            };
            let date = if after.starts_with("20") { "2001" } else { "Mon, 01 Jan 2001" };
            format!("{before}{}{date}{}", tag.unwrap_or_default(), &after[date.len()..])
        });
        entries.collect::<String>().into_bytes()
    }
}

/// A request that is under way.
struct UnderWay<'f>(&'f Faults);

impl<'f> UnderWay<'f> {
    fn new(faults: &'f Faults) -> Self {
        let now = faults.under_way.fetch_add(1, Ordering::Relaxed) + 1;
        faults.most.fetch_max(now, Ordering::Relaxed);
        UnderWay(faults)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Whether the request with this first line puts parts together.
fn is_completion(line: &str) -> bool {
    line.starts_with("POST") && line.contains("uploadId=") || line.contains("comp=blocklist")
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
    let _under_way = UnderWay::new(faults);
    let number = faults.count(&head);
    let down = faults.down.load(Ordering::Relaxed);
    if down > 0 && (down..down + 6).contains(&number) {
        return Ok(());
    }
    if faults.forbids_aborts.load(Ordering::Relaxed) > 0 && head.starts_with("DELETE") && head.contains("uploadId=") {
        return client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let is_told = |every: &AtomicUsize| {
        let every = every.load(Ordering::Relaxed);
        every > 0 && number.is_multiple_of(every)
    };
    if is_told(&faults.unavailable) {
        return client.write_all(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    let server = set(endpoint());
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
