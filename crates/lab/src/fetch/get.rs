//! One download by HTTP that is waited for.
//!
//! In: a server, a path. Out: the bytes, or why there are none. Never: bytes of an answer that was cut,
//! or was none of `200 OK`.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// No answer takes longer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A file, whole, on a connection of its own.
///
/// # Errors
/// When it does not come, or not whole: why.
pub fn get(server: SocketAddr, path: &str) -> Result<Vec<u8>, String> {
    let fetch = || -> std::io::Result<Vec<u8>> {
        let mut connection = TcpStream::connect_timeout(&server, PATIENCE)?;
        connection.set_read_timeout(Some(PATIENCE))?;
        let host = server.ip();
        write!(connection, "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")?;
        let mut all = Vec::new();
        connection.read_to_end(&mut all)?;
        Ok(all)
    };
    body(fetch().map_err(|cause| cause.to_string())?)
}

/// The body of an answer that is good and whole.
fn body(mut answer: Vec<u8>) -> Result<Vec<u8>, String> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n");
    let Some(end) = end else { return Err(format!("no answer in {} bytes", answer.len())) };
    let body = answer.split_off(end + 4);
    let head = String::from_utf8_lossy(&answer);
    let fields: BTreeMap<String, &str> = head
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim()))
        .collect();
    let first = head.lines().next().unwrap_or_default();
    let length: Option<usize> = fields.get("content-length").and_then(|length| length.parse().ok());
    match (first.split(' ').nth(1), length) {
        (Some("200"), Some(length)) if body.len() == length => Ok(body),
        _ => Err(format!("{first}, {} bytes of {length:?}", body.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::body;

    #[test]
    fn an_answer_counts_when_it_is_good_and_whole() {
        let answer =
            |head: &str, rest: &str| body(format!("HTTP/1.1 {head}\r\n\r\n{rest}").into_bytes());
        assert_eq!(answer("200 OK\r\nContent-Length: 3", "abc"), Ok(b"abc".to_vec()));
        assert!(answer("200 OK\r\nContent-Length: 4", "abc").unwrap_err().contains("3 bytes of"));
        assert!(answer("404 Not Found\r\nContent-Length: 3", "abc").unwrap_err().contains("404"));
        assert!(body(b"".to_vec()).is_err());
    }
}
