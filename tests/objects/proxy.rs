//! A server in front of the server, that fails as it is told to.

use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::bucket::set;

/// What becomes of requests: of every so-manieth, if it is not 0.
#[derive(Default)]
pub struct Faults {
    /// They are answered with 503.
    pub unavailable: AtomicUsize,
    /// They are done, and the answer is lost.
    pub unanswered: AtomicUsize,
    /// From this one on, if it is not 0, some are cut off: the server is down.
    pub down: AtomicUsize,
    /// How many there have been.
    pub requests: AtomicUsize,
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
    let number = faults.requests.fetch_add(1, Ordering::Relaxed) + 1;
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
    if is_told(&faults.unanswered) { Ok(()) } else { client.write_all(&answer) }
}
