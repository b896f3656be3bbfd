//! HTTP as a client speaks it, over a plain connection.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// A response as it came over the connection.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Response {
    pub fn field(&self, name: &str) -> Option<&str> {
        let mut found = self.fields.iter().filter(|(n, _)| n == name);
        let first = found.next().map(|(_, value)| value.as_str());
        assert!(found.next().is_none(), "{name} stands twice");
        first
    }
}

/// Reads the head of one response.
pub fn head(stream: &mut TcpStream) -> Response {
    let mut bytes = Vec::new();
    while !bytes.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        let got = stream.read(&mut byte).unwrap_or(0);
        assert!(got == 1, "it ended after {:?}", String::from_utf8_lossy(&bytes));
        bytes.extend(byte);
    }
    let text = String::from_utf8(bytes).unwrap();
    let mut lines = text.trim_end().split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let fields = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Response { status, fields, body: Vec::new() }
}

/// Reads one response, whose body is exactly as long as it says.
pub fn response(stream: &mut TcpStream) -> Response {
    let mut response = head(stream);
    let length = response.field("content-length").unwrap_or("0").parse().unwrap();
    response.body = vec![0; length];
    stream.read_exact(&mut response.body).unwrap();
    response
}

pub fn ask(stream: &mut TcpStream, request: &str) -> Response {
    stream.write_all(request.as_bytes()).unwrap();
    response(stream)
}

pub fn get(stream: &mut TcpStream, path: &str, fields: &str) -> Response {
    ask(stream, &format!("GET {path} HTTP/1.1\r\nHost: x\r\n{fields}\r\n"))
}

/// Whether the other end closes within the time.
pub fn closes(stream: &mut TcpStream, within: Duration) -> bool {
    stream.set_read_timeout(Some(within)).unwrap();
    let mut rest = Vec::new();
    match stream.read_to_end(&mut rest) {
        Ok(_) => true,
        Err(e) => e.kind() == std::io::ErrorKind::ConnectionReset,
    }
}
