//! Messages of HTTP, as servers of tests read them.

use std::io::Read as _;
use std::net::TcpStream;

/// A whole message, head and body, and where its body begins; `None` if the connection ends before.
pub fn read_message(from: &mut TcpStream) -> Option<(Vec<u8>, usize)> {
    let (mut bytes, mut piece) = (Vec::new(), [0; 4096]);
    loop {
        let read = from.read(&mut piece).ok().filter(|read| *read > 0)?;
        bytes.extend_from_slice(&piece[..read]);
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse::<usize>().ok());
        if bytes.len() >= end + 4 + length.unwrap_or(0) {
            return Some((bytes, end + 4));
        }
    }
}
