//! The report on its way to the server: one POST, and what became of it.

use crate::settings::Server;
use model::Hardware;
use std::io::{Read, Write};
use std::net::{SocketAddrV4, TcpStream};
use std::time::Duration;

/// How long the server is waited for at each step.
const PATIENCE: Duration = Duration::from_secs(10);
/// The most of an answer that is read.
const ANSWER_MAX: u64 = 16 << 10;

/// Sends it once. `Err` says why it was not taken.
pub fn send(server: &Server, mac: &str, hardware: &Hardware) -> Result<(), String> {
    let body = serde_json::to_vec(hardware).map_err(|e| format!("it cannot be written: {e}"))?;
    let to = SocketAddrV4::new(server.address, server.port);
    let failed = |doing: &str, e: std::io::Error| format!("{doing} {server}: {e}");
    let mut line = TcpStream::connect_timeout(&to.into(), PATIENCE)
        .map_err(|e| failed("no connection with", e))?;
    let set = line.set_read_timeout(Some(PATIENCE));
    set.and_then(|()| line.set_write_timeout(Some(PATIENCE)))
        .map_err(|e| failed("no patience with", e))?;
    let head = head(server, mac, body.len());
    line.write_all(&[head.as_bytes(), &body].concat()).map_err(|e| failed("writing to", e))?;
    let mut answer = Vec::new();
    let read = line.take(ANSWER_MAX).read_to_end(&mut answer);
    match (taken(&answer), read) {
        (Some(outcome), _) => outcome,
        (None, Err(e)) => Err(failed("reading the answer of", e)),
        (None, Ok(_)) => Err(format!("{server} gave no answer that is HTTP")),
    }
}

/// The head of the request.
fn head(server: &Server, mac: &str, length: usize) -> String {
    let mac = model::url::part(mac);
    let host = match server.port {
        80 => server.address.to_string(),
        port => format!("{}:{port}", server.address),
    };
    format!(
        "POST /inventory?mac={mac} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: bootwright-discover/{}\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n",
        env!("CARGO_PKG_VERSION")
    )
}

/// What an answer says: taken, or why not in the server's words. Nothing if it is none.
fn taken(answer: &[u8]) -> Option<Result<(), String>> {
    let text = String::from_utf8_lossy(answer);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let status = head.lines().next()?.strip_prefix("HTTP/1.")?.get(2..)?;
    if status.starts_with('2') {
        return Some(Ok(()));
    }
    let said = body.lines().next().map(|line| model::text::show(line.as_bytes()));
    let said = said.filter(|line| !line.is_empty()).map(|line| format!(": {line}"));
    let status = model::text::show(status.as_bytes());
    Some(Err(format!("the server says {status}{}", said.unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{BufRead, BufReader};
    use std::net::{Ipv4Addr, TcpListener};

    /// A server for one request, which answers so; the request comes back.
    fn serve(answer: &'static str) -> (Server, std::thread::JoinHandle<(String, Vec<u8>)>) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let asked = std::thread::spawn(move || {
            let (line, _) = listener.accept().expect("a connection");
            let mut reader = BufReader::new(line.try_clone().expect("the same line"));
            let (mut head, mut length) = (String::new(), 0);
            loop {
                let mut text = String::new();
                reader.read_line(&mut text).expect("a line");
                if text == "\r\n" {
                    break;
                }
                if let Some(value) = text.strip_prefix("Content-Length: ") {
                    length = value.trim().parse().expect("a number");
                }
                head.push_str(&text);
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).expect("the whole body");
            (&line).write_all(answer.as_bytes()).expect("an answer");
            (head, body)
        });
        (Server { address: Ipv4Addr::LOCALHOST, port }, asked)
    }

    #[test]
    fn a_report_is_one_post_with_everything_in_it() {
        let (server, asked) = serve("HTTP/1.1 204 No Content\r\n\r\n");
        let hardware = Hardware { memory_mib: Some(512), ..Hardware::default() };
        assert_eq!(send(&server, "52:54:00:00:00:01", &hardware), Ok(()));
        let (head, body) = asked.join().expect("the server ends");
        assert!(head.starts_with("POST /inventory?mac=52"), "{head}");
        let read: Hardware = serde_json::from_slice(&body).expect("JSON");
        assert_eq!(read, hardware);
    }

    #[test]
    fn a_refusal_comes_with_the_words_of_the_server() {
        let (server, asked) =
            serve("HTTP/1.1 403 Forbidden\r\nX: y\r\n\r\nwait\u{1b}[2J for approval\nmore");
        let why = send(&server, "02:00:00:00:00:01", &Hardware::default());
        let wanted = "the server says 403 Forbidden: wait\\u{1b}[2J for approval";
        assert_eq!(why, Err(wanted.to_owned()));
        asked.join().expect("the server ends");
    }

    #[test]
    fn what_is_no_answer_is_said_to_be_none() {
        for none in ["", "220 smtp ready\r\n", "HTTP/1."] {
            assert_eq!(taken(none.as_bytes()), None, "{none}");
        }
    }
}
