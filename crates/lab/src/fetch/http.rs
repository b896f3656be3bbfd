//! One download by HTTP, on a connection of its own.
//!
//! In: that its socket is connected, or has something to be read. Out: the request, and how the
//! download stands. Never: every byte copied: 4 KiB of each 256 are compared, and the kernel throws
//! the rest away, or the generator would be measured instead of the server.

use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, SockaddrIn, bind, connect, getsockopt, recv, send,
    setsockopt, socket, sockopt,
};

use super::poll::cannot;
use super::{Stand, Wanted};
use crate::rig::Trouble;

/// A head that is longer is none.
const HEAD_MAX: usize = 16 * 1024;
/// So much of the body is compared,
const COMPARED: usize = 4 * 1024;
/// and so much after it is not.
const PASSED_OVER: usize = 252 * 1024;
/// So often both are done before others have their turn.
const TURNS: usize = 2;

/// What to ask for.
#[derive(Clone, Debug)]
pub struct Ask {
    /// Whose address it comes from.
    pub from: Ipv4Addr,
    /// Where to.
    pub server: SocketAddrV4,
    /// The path, with its slash.
    pub path: String,
    /// What it must be.
    pub wanted: Wanted,
    /// Room for what was not read yet; none leaves it to the system.
    pub room: Option<usize>,
}

/// A download that was begun.
#[derive(Debug)]
pub struct Http {
    ask: Ask,
    socket: OwnedFd,
    asked: bool,
    head: Vec<u8>,
    /// Length of the body, once the head has said it.
    length: Option<u64>,
    bytes: u64,
}

impl Http {
    /// Begins to connect.
    ///
    /// # Errors
    /// When there is no socket to be had.
    pub fn begin(ask: Ask) -> Result<Self, Trouble> {
        let flags = SockFlag::SOCK_NONBLOCK | SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Inet, SockType::Stream, flags, None)
            .map_err(cannot("opening a socket"))?;
        if let Some(room) = ask.room {
            setsockopt(&socket, sockopt::RcvBuf, &room).map_err(cannot("limiting a socket"))?;
        }
        let from = SockaddrIn::from(SocketAddrV4::new(ask.from, 0));
        bind(socket.as_raw_fd(), &from).map_err(cannot("choosing a source address"))?;
        match connect(socket.as_raw_fd(), &SockaddrIn::from(ask.server)) {
            Ok(()) | Err(Errno::EINPROGRESS) => {}
            Err(e) => return Err(cannot("connecting")(e)),
        }
        Ok(Self { ask, socket, asked: false, head: Vec::new(), length: None, bytes: 0 })
    }

    /// Whether the request was sent, which waits for the connection.
    #[must_use]
    pub fn asked(&self) -> bool {
        self.asked
    }

    /// Whether its head came.
    #[must_use]
    pub fn answered(&self) -> bool {
        self.length.is_some()
    }

    /// Bytes of the body that came so far.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// It is connected, or cannot be: sends the request.
    pub fn connected(&mut self) -> Stand {
        self.asked = true;
        if let Ok(error @ 1..) = getsockopt(&self.socket, sockopt::SocketError) {
            return Stand::Failed(format!("HTTP: no connection: {}", Errno::from_raw(error)));
        }
        let request = format!(
            "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: iPXE/1.21.1\r\n\r\n",
            self.ask.path,
            self.ask.server.ip()
        );
        match send(self.socket.as_raw_fd(), request.as_bytes(), MsgFlags::MSG_NOSIGNAL) {
            Ok(sent) if sent == request.len() => Stand::Going,
            other => Stand::Failed(format!("HTTP: the request did not leave: {other:?}")),
        }
    }

    /// Reads what came, `scrap` being where bytes go that nobody looks at.
    pub fn readable(&mut self, scrap: &mut Scrap) -> Stand {
        for _ in 0..TURNS {
            let stand = self.look(scrap);
            if let Some(stand) = stand {
                return stand;
            }
            if self.length.is_some_and(|length| self.bytes < length) {
                let flags = MsgFlags::MSG_TRUNC;
                match recv(self.socket.as_raw_fd(), &mut scrap.0, flags) {
                    Ok(0) => return self.cut(),
                    Ok(passed) => self.bytes += passed as u64,
                    Err(Errno::EAGAIN | Errno::EINTR) => return Stand::Going,
                    Err(e) => return Stand::Failed(format!("HTTP: {e} after {}", self.bytes)),
                }
                if let Some(stand) = self.ended() {
                    return stand;
                }
            }
        }
        Stand::Going
    }

    /// Reads and compares a little; nothing when there is more to be read.
    pub fn look(&mut self, scrap: &mut Scrap) -> Option<Stand> {
        let room = scrap.0.get_mut(..COMPARED).unwrap_or_default();
        let came = match recv(self.socket.as_raw_fd(), room, MsgFlags::empty()) {
            Ok(0) => return Some(self.cut()),
            Ok(came) => came,
            Err(Errno::EAGAIN | Errno::EINTR) => return Some(Stand::Going),
            Err(e) => return Some(Stand::Failed(format!("HTTP: {e} after {}", self.bytes))),
        };
        let came = room.get(..came).unwrap_or_default();
        let compared = match self.length {
            Some(_) => self.compare(came),
            None => self.take_head(came),
        };
        match compared {
            Ok(()) => self.ended(),
            Err(why) => Some(Stand::Failed(why)),
        }
    }

    fn cut(&self) -> Stand {
        Stand::Failed(format!("HTTP: the connection ended after {} bytes", self.bytes))
    }

    fn ended(&self) -> Option<Stand> {
        let length = self.length?;
        match self.bytes {
            bytes if bytes < length => None,
            bytes if bytes == length => Some(Stand::Done),
            bytes => Some(Stand::Failed(format!("HTTP: {bytes} bytes instead of {length}"))),
        }
    }

    fn compare(&mut self, bytes: &[u8]) -> Result<(), String> {
        if !self.ask.wanted.has(self.bytes, bytes) {
            return Err(format!("HTTP: other bytes near {}", self.bytes));
        }
        self.bytes += bytes.len() as u64;
        Ok(())
    }

    fn take_head(&mut self, came: &[u8]) -> Result<(), String> {
        self.head.extend(came);
        let Some(end) = self.head.windows(4).position(|four| four == b"\r\n\r\n") else {
            return match self.head.len() {
                ..HEAD_MAX => Ok(()),
                _ => Err("HTTP: a head without end".to_owned()),
            };
        };
        let body = self.head.split_off(end + 4);
        let head = String::from_utf8_lossy(&self.head).into_owned();
        let length = length(&head).ok_or_else(|| format!("HTTP: {:?}", head.lines().next()))?;
        if !self.ask.wanted.is_long(length) {
            return Err(format!("HTTP: a length of {length}"));
        }
        self.length = Some(length);
        self.compare(&body)
    }
}

impl AsFd for Http {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// Room for bytes that nobody looks at; one is enough for all downloads.
#[derive(Debug)]
pub struct Scrap(Vec<u8>);

impl Default for Scrap {
    fn default() -> Self {
        Self(vec![0; PASSED_OVER])
    }
}

/// The length of the body, if all is well.
fn length(head: &str) -> Option<u64> {
    let mut lines = head.split("\r\n");
    let status = lines.next()?.split_whitespace().nth(1)?;
    let fields = lines.filter_map(|line| line.split_once(':'));
    let mut lengths = fields.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = lengths.next()?.1.trim().parse().ok()?;
    (status == "200" && lengths.next().is_none()).then_some(length)
}

#[cfg(test)]
mod tests {
    use super::length;

    #[test]
    fn a_head_says_how_long_the_body_is() {
        assert_eq!(length("HTTP/1.1 200 OK\r\nServer: x\r\ncontent-length: 16\r\n\r\n"), Some(16));
        assert_eq!(length("HTTP/1.1 404 No\r\nContent-Length: 16\r\n\r\n"), None);
        assert_eq!(length("HTTP/1.1 200 OK\r\n\r\n"), None);
    }
}
