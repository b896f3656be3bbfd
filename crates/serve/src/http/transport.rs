//! The bytes of a connection, plain or through TLS.
//!
//! In: a socket that never waits. Out: bytes of requests, and bytes of responses to where they go.
//! Never: what they mean.

use super::tls::TlsKeys;
use super::tls::handshake::{Failed, Secured};
use crate::sys;
use nix::errno::Errno;
use socket2::Socket;
use std::io::{self, Read as _};
use std::net::Shutdown;
use std::os::fd::{AsFd as _, AsRawFd as _};
use std::sync::Arc;

/// How a connection carries its bytes.
pub(super) enum Transport {
    Plain(Socket),
    Tls(Box<Secured>),
}

/// Why no bytes came.
pub(super) enum NoBytes {
    /// None are there yet.
    Yet,
    /// None will come.
    Ended,
    /// The connection broke.
    Broken,
    /// There was no agreement on TLS. What can be said of it to the client has been said.
    NoTls(Failed),
}

/// What is left to be written, and whether more follows at once.
#[derive(Clone, Copy)]
pub(super) struct Piece<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) more: bool,
}

impl Transport {
    pub(super) fn new(socket: Socket, keys: Option<&Arc<TlsKeys>>) -> Self {
        match keys {
            None => Self::Plain(socket),
            Some(keys) => Self::Tls(Box::new(Secured::new(socket, Arc::clone(keys)))),
        }
    }

    pub(super) fn socket(&self) -> &Socket {
        match self {
            Self::Plain(socket) => socket,
            Self::Tls(secured) => secured.socket(),
        }
    }

    /// The socket, if bytes of a file may go out through it as they are.
    pub(super) fn bare(&self) -> Option<&Socket> {
        match self {
            Self::Plain(socket) => Some(socket),
            Self::Tls(_) => None,
        }
    }

    /// Reads some bytes; at least one.
    pub(super) fn read(&mut self, into: &mut [u8]) -> Result<usize, NoBytes> {
        match self {
            Self::Plain(socket) => read(socket, into),
            Self::Tls(secured) => secured.read(into),
        }
    }

    /// Takes as many bytes as it can; `WouldBlock` if none.
    pub(super) fn write(&mut self, piece: Piece<'_>) -> io::Result<usize> {
        match self {
            Self::Plain(socket) => {
                let more = if piece.more { libc::MSG_MORE } else { 0 };
                socket.send_with_flags(piece.bytes, more | libc::MSG_NOSIGNAL)
            }
            Self::Tls(secured) => secured.write(piece.bytes),
        }
    }

    /// How many bytes it would take at most.
    pub(super) fn room(&self) -> usize {
        match self {
            Self::Plain(_) => usize::MAX,
            Self::Tls(secured) => secured.room(),
        }
    }

    /// Reads what nobody wants any more.
    pub(super) fn drain(&self, into: &mut [u8]) -> Result<usize, NoBytes> {
        read(self.socket(), into)
    }

    /// Writes out what it took and still has; `WouldBlock` if that does not all go.
    pub(super) fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(_) => Ok(()),
            Self::Tls(secured) => secured.flush(),
        }
    }

    /// Bytes that it took and the other end has not acknowledged.
    pub(super) fn underway(&self) -> u64 {
        let here = match self {
            Self::Plain(_) => 0,
            Self::Tls(secured) => secured.pending() as u64,
        };
        here + u64::from(sys::unacknowledged(self.socket()).unwrap_or(0))
    }

    /// Whether nothing can arrive any more, neither here nor there.
    pub(super) fn is_over(&self) -> bool {
        sys::is_over(self.socket())
    }

    /// Nothing more will be written.
    pub(super) fn finish(&mut self) {
        if let Self::Tls(secured) = self {
            secured.say_goodbye();
        }
        // It fails only on a connection that is gone.
        let _ = self.socket().shutdown(Shutdown::Write);
    }
}

fn read(mut socket: &Socket, into: &mut [u8]) -> Result<usize, NoBytes> {
    loop {
        match socket.read(into) {
            Ok(0) => return Err(NoBytes::Ended),
            Ok(length) => return Ok(length),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Err(NoBytes::Yet),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(_) => return Err(NoBytes::Broken),
        }
    }
}

/// Lets the kernel send a part of a file. 0: the file ends there.
pub(super) fn send_file(
    socket: &Socket,
    stretch: &crate::Stretch<'_>,
    bytes: u64,
) -> io::Result<u64> {
    let mut offset = i64::try_from(stretch.offset).map_err(io::Error::other)?;
    let count = usize::try_from(bytes.min(stretch.length)).unwrap_or(usize::MAX);
    loop {
        let sent =
            nix::sys::sendfile::sendfile64(socket.as_fd(), stretch.file, Some(&mut offset), count);
        match sent {
            Ok(sent) => return Ok(sent as u64),
            Err(Errno::EINTR) => {}
            Err(other) => return Err(other.into()),
        }
    }
}

impl std::fmt::Debug for Transport {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Transport({})", self.socket().as_raw_fd())
    }
}
