//! Whether a TFTP server hands out a file: one request, and at most one block of it.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};
use wire::tftp::{ErrorCode, Mode, Packet, error, read_request};

/// Firmware tries again after a second or more.
const WAITS: [Duration; 3] = [Duration::from_secs(1); 3];

/// What a server made of the request.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Tftp {
    /// It has the file, and takes options; its size where it says so.
    Has(Option<u64>),
    /// It has the file, and takes no options: 512 bytes at a time.
    WithoutOptions,
    /// It refused, with this code and text.
    Refused(ErrorCode, Vec<u8>),
    /// Nothing came.
    Silent,
}

/// Asks `server` for the file `name` as firmware does, and breaks it off at the first answer.
///
/// # Errors
///
/// When no socket can be opened or used.
pub async fn tftp(server: IpAddr, name: &[u8]) -> io::Result<Tftp> {
    let any: SocketAddr = match server {
        IpAddr::V4(_) => ([0, 0, 0, 0], 0).into(),
        IpAddr::V6(_) => ([0_u16; 8], 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    let question = read_request(name, Mode::Octet.word(), &[("tsize", "0"), ("blksize", "1432")]);
    let mut buffer = vec![0; 2048];
    for wait in WAITS {
        socket.send_to(&question, (server, crate::TFTP_PORT)).await?;
        let until = Instant::now() + wait;
        while let Ok(received) = timeout_at(until, socket.recv_from(&mut buffer)).await {
            let (length, from) = received?;
            if from.ip() != server {
                continue;
            }
            let Some(said) = read(buffer.get(..length).unwrap_or_default()) else { continue };
            if !matches!(said, Tftp::Refused(..)) {
                // As firmware does when it only wanted to know the size.
                let enough = error(ErrorCode::OptionsRefused, "only a look");
                socket.send_to(&enough, from).await?;
            }
            return Ok(said);
        }
    }
    Ok(Tftp::Silent)
}

fn read(bytes: &[u8]) -> Option<Tftp> {
    match Packet::parse(bytes).ok()? {
        Packet::OptionAck(options) => {
            let size = options.iter().find(|(name, _)| name.eq_ignore_ascii_case(b"tsize"));
            let size = size.and_then(|(_, value)| std::str::from_utf8(value).ok()?.parse().ok());
            Some(Tftp::Has(size))
        }
        Packet::Data { .. } => Some(Tftp::WithoutOptions),
        Packet::Error { code, text } => Some(Tftp::Refused(code, text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::tftp::{data_header, option_ack};

    #[test]
    fn every_answer_has_its_meaning() {
        assert_eq!(read(&option_ack(&[("tsize", 77)])), Some(Tftp::Has(Some(77))));
        assert_eq!(read(&option_ack(&[("blksize", 1432)])), Some(Tftp::Has(None)));
        assert_eq!(read(&data_header(1)), Some(Tftp::WithoutOptions));
        let refused = read(&error(ErrorCode::FileNotFound, "no"));
        assert_eq!(refused, Some(Tftp::Refused(ErrorCode::FileNotFound, b"no".to_vec())));
        assert_eq!(read(b"\0\x04\0\x01"), None);
    }

    /// The abort of a look must be one that every server knows.
    #[test]
    fn the_look_ends_with_an_abort() {
        assert_eq!(error(ErrorCode::OptionsRefused, "")[..4], [0, 5, 0, 8]);
    }
}
