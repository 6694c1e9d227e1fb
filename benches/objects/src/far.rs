//! A server that is far away: it answers as the real one does, so much later, and what was asked for before at once.

use std::collections::HashMap;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

type Answers = Mutex<HashMap<String, Arc<Vec<u8>>>>;

/// Its address.
pub fn start(server: String, later: Duration) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = format!("http://{}", listener.local_addr().expect("its address"));
    let answers = Arc::new(Answers::default());
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let (server, answers) = (server.clone(), Arc::clone(&answers));
            // Who leaves is an error here.
            thread::spawn(move || _ = serve(client, &server, later, &answers));
        }
    });
    address
}

fn serve(mut client: TcpStream, server: &str, later: Duration, answers: &Answers) -> io::Result<()> {
    client.set_nodelay(true)?;
    let mut requests = BufReader::new(client.try_clone()?);
    loop {
        let (mut head, mut key, mut length) = (String::new(), String::new(), 0);
        loop {
            let mut line = String::new();
            if requests.read_line(&mut line)? == 0 {
                return Ok(());
            }
            if line == "\r\n" {
                break;
            }
            let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
            if key.is_empty() || name == "range" {
                key.push_str(&line);
            }
            if name == "content-length" {
                length = line["content-length:".len()..].trim().parse().map_err(io::Error::other)?;
            }
            if name != "connection" {
                head.push_str(&line);
            }
        }
        let mut body = vec![0; length];
        requests.read_exact(&mut body)?;
        let known = answers.lock().expect("no panic").get(&key).cloned();
        let answer = match known {
            Some(answer) => answer,
            None => {
                let mut server = TcpStream::connect(server.trim_start_matches("http://"))?;
                server.write_all(format!("{head}Connection: close\r\n\r\n").as_bytes())?;
                server.write_all(&body)?;
                let mut answer = Vec::new();
                server.read_to_end(&mut answer)?;
                let answer = Arc::new(without_close(&answer));
                if key.starts_with("GET") || key.starts_with("HEAD") {
                    answers.lock().expect("no panic").insert(key, Arc::clone(&answer));
                }
                answer
            }
        };
        thread::sleep(later);
        client.write_all(&answer)?;
    }
}

/// What the server says of the connection does not hold here.
fn without_close(answer: &[u8]) -> Vec<u8> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap_or(answer.len());
    let head = String::from_utf8_lossy(&answer[..end]);
    let lines = head.split("\r\n").filter(|line| !line.to_ascii_lowercase().starts_with("connection:"));
    let mut head = lines.collect::<Vec<_>>().join("\r\n").into_bytes();
    head.extend_from_slice(&answer[end..]);
    head
}
