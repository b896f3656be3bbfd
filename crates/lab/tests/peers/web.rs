//! Requests of machines and of operators as bytes: which address they come from is chosen, and every
//! byte of the answer is seen.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use lab::rig::Trouble;
use lab::rig::ns::Link;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, SockaddrIn, bind, connect, socket};
use serde_json::Value;

use super::world::trouble;

/// Nobody waits longer for an answer.
const LIMIT: Duration = Duration::from_secs(20);

/// One request on a connection of its own, from this address; the whole answer as it came. To be
/// called inside the client's namespace.
pub fn exchange(from: Ipv4Addr, request: &str) -> io::Result<Vec<u8>> {
    let fd = socket(AddressFamily::Inet, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    bind(fd.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(from, 0)))?;
    let server: Ipv4Addr = Link::SERVER.parse().map_err(io::Error::other)?;
    connect(fd.as_raw_fd(), &SockaddrIn::from(SocketAddrV4::new(server, 80)))?;
    let mut stream = TcpStream::from(fd);
    stream.set_read_timeout(Some(LIMIT))?;
    stream.write_all(request.as_bytes())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}

/// A request for this path, as a machine makes it.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", Link::SERVER)
}

/// A report to this path.
pub fn post(path: &str, body: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        Link::SERVER,
        body.len()
    )
}

/// What an operator's request by the socket in this state directory gives: the status, the body.
pub fn api(
    state: &Path,
    method: &str,
    path: &str,
    body: Option<&Value>,
) -> Result<(u16, String), Trouble> {
    let asked = || -> io::Result<Vec<u8>> {
        let mut stream = UnixStream::connect(state.join("bootwright.sock"))?;
        stream.set_read_timeout(Some(LIMIT))?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let head = format!(
            "{method} /api/v1{path} HTTP/1.1\r\nHost: bootwright\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        Ok(answer)
    };
    let answer = asked().map_err(|e| trouble(format!("{method} {path}"), e))?;
    let text = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.split_whitespace().nth(1).and_then(|word| word.parse().ok());
    Ok((status.unwrap_or_default(), body.to_owned()))
}
