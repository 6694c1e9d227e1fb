//! A server that is killed in the midst of a run, and started again on what it has kept.

use std::io::{BufRead as _, BufReader, Read as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;

use crate::place::{Machine, Place, count, set};

/// A server that keeps its objects as files. It goes with the test.
struct Server(Child);

impl Server {
    /// One that can be reached.
    fn start(directory: &Path, port: u16) -> Self {
        let mut server = Command::new(set("PIPEX_TESTS_LOCALBUCKET"));
        server.args(["--port", &port.to_string()]).arg(directory).stdout(Stdio::null()).stderr(Stdio::null());
        let server = Server(server.spawn().unwrap());
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            thread::yield_now();
        }
        server
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

#[test]
fn a_run_goes_on_when_its_server_is_killed_and_started_again() {
    let (place, machine, kept) =
        (Place::Bucket("s3://bucket/run".to_owned()), Machine::new(), tempfile::tempdir().unwrap());
    // A bucket is a directory.
    std::fs::create_dir(kept.path().join("bucket")).unwrap();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let server = Server::start(kept.path(), port);
    let mut child = machine.child("faults::child_many", &place);
    child.env("AWS_ENDPOINT", format!("http://127.0.0.1:{port}"));
    child.env("PIPEX_TESTS_COUNT", "60").env("PIPEX_TESTS_LOADS", "1").env("PIPEX_WORKERS", "2");
    let mut child = child.spawn().unwrap();
    let mut said = BufReader::new(child.stdout.take().unwrap());
    let (mut lines, mut made) = (String::new(), 0);
    while made < 10 {
        let from = lines.len();
        assert_ne!(said.read_line(&mut lines).unwrap(), 0, "{lines}");
        made += usize::from(lines[from..].contains("made "));
    }
    drop(server);
    let _server = Server::start(kept.path(), port);
    said.read_to_string(&mut lines).unwrap();
    assert!(child.wait().unwrap().success(), "{lines}");
    let made = count(&[lines], "made ");
    assert!(made.len() == 60 && made.values().all(|times| *times == 1), "{made:?}");
    let numbers = std::fs::read_dir(kept.path().join("bucket/run/numbers")).unwrap();
    let left: Vec<_> = numbers.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 60, "all are there, and no claims: {left:?}");
}
