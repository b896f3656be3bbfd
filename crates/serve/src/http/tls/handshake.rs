//! One connection through TLS: the handshake, then records.
//!
//! In: a socket that never waits, and the keys in force. Out: bytes as they were before encryption.
//! Never: more unsent ciphertext than [`UNSENT_BYTES_MAX`].

use super::hello::Offered;
use super::words::{self, Shown, Told};
use super::{Named, TlsKeys};
use crate::http::transport::NoBytes;
use nix::errno::Errno;
use nix::sys::socket::{MsgFlags, recv};
use rustls::server::{Accepted, Acceptor};
use rustls::{ServerConfig, ServerConnection};
use socket2::Socket;
use std::io::{self, Read as _, Write as _};
use std::os::fd::AsRawFd as _;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// Bytes of records that bring nothing, in one turn of a connection.
const EMPTY_BYTES_MAX: usize = 256 * 1024;
/// Ciphertext that a connection keeps while the network does not take it.
const UNSENT_BYTES_MAX: usize = 64 * 1024;
/// What a record and its tag add at most to 16 KiB, times the records above.
const RECORDS_ADD: usize = 512;

/// How a handshake ended.
pub(crate) struct Failed {
    pub(crate) told: Told,
    /// The client speaks plain HTTP, so that is how it is to be answered.
    pub(crate) plain: bool,
}

/// A connection through TLS.
pub(crate) struct Secured {
    socket: Socket,
    stage: Stage,
    /// What the client can do, until there is agreement.
    offered: Option<Offered>,
    /// What our certificate says.
    named: Option<Arc<Named>>,
    pending: usize,
    /// The first byte was one of TLS.
    begun: bool,
    /// The client knows no TLS 1.2.
    old: bool,
}

enum Stage {
    /// The client's first message is still on its way.
    Hello(Arc<TlsKeys>, Acceptor),
    /// The handshake, then the requests.
    Talk(ServerConnection),
    /// There was no agreement.
    Over,
    /// There is no TLS at all: what is written goes out as it is.
    Plain,
}

impl Secured {
    pub(crate) fn new(socket: Socket, keys: Arc<TlsKeys>) -> Self {
        let named = keys.named();
        let stage = Stage::Hello(keys, Acceptor::default());
        Self { socket, stage, offered: None, named, pending: 0, begun: false, old: false }
    }

    pub(crate) fn socket(&self) -> &Socket {
        &self.socket
    }

    /// Ciphertext that has not left.
    pub(crate) fn pending(&self) -> usize {
        self.pending
    }

    /// What is to be said of a handshake that did not come to its end, as far as there was one.
    pub(crate) fn unfinished(&self, how: words::Unfinished) -> Option<Told> {
        match &self.stage {
            Stage::Talk(tls) if tls.is_handshaking() => {
                Some(words::unfinished(how, self.offered.as_ref(), self.shown().as_ref()))
            }
            _ => None,
        }
    }

    /// What the client was shown, and where.
    fn shown(&self) -> Option<Shown<'_>> {
        let at = self.socket.local_addr().ok()?.as_socket()?.ip();
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Some(Shown { named: self.named.as_deref()?, at, now_s: now.as_secs() })
    }

    pub(crate) fn read(&mut self, into: &mut [u8]) -> Result<usize, NoBytes> {
        if let Stage::Hello(..) = self.stage {
            self.greet()?;
        }
        let mut empty = 0_usize;
        loop {
            let Stage::Talk(tls) = &mut self.stage else { return Err(NoBytes::Ended) };
            match tls.reader().read(into) {
                Ok(0) => return Err(NoBytes::Ended),
                Ok(length) => return Ok(length),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => return Err(NoBytes::Ended),
            }
            match tls.read_tls(&mut &self.socket) {
                Ok(0) => return Err(self.ended(NoBytes::Ended)),
                // Records without a byte in them must not keep the thread from everybody else.
                Ok(_) if empty > EMPTY_BYTES_MAX => return Err(NoBytes::Broken),
                Ok(got) => {
                    empty = empty.saturating_add(got);
                    self.digest()?;
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Err(NoBytes::Yet),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return Err(self.ended(NoBytes::Broken)),
            }
        }
    }

    /// The connection ended; was that instead of a handshake?
    fn ended(&mut self, how: NoBytes) -> NoBytes {
        match self.unfinished(words::Unfinished::Closed) {
            Some(told) => NoBytes::NoTls(Failed { told, plain: false }),
            None => how,
        }
    }

    /// The client's first message: what it can do decides what can be said of a failure.
    fn greet(&mut self) -> Result<(), NoBytes> {
        loop {
            let Stage::Hello(keys, acceptor) = &mut self.stage else { return Ok(()) };
            if !self.begun {
                // TLS begins with the type of a handshake record, an HTTP request with a letter.
                let [first, .., high, low] = first_bytes(&self.socket)?;
                if first.is_ascii_uppercase() {
                    self.stage = Stage::Plain;
                    return Err(NoBytes::NoTls(Failed { told: words::plain_http(), plain: true }));
                }
                // 1.2 is 3.3 here, and so is 1.3 (RFC 8446 §4.1.2).
                self.old = high == 3 && low < 3;
                self.begun = true;
            }
            match acceptor.read_tls(&mut &self.socket) {
                Ok(0) => return Err(NoBytes::Ended),
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Err(NoBytes::Yet),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Err(NoBytes::Broken),
            }
            let config = keys.current();
            match acceptor.accept() {
                Ok(None) => {}
                Ok(Some(accepted)) => return self.begin(accepted, config),
                Err((why, mut alert)) => {
                    // The client may be gone already.
                    let _ = alert.write_all(&mut &self.socket);
                    return Err(self.refuse(&why));
                }
            }
        }
    }

    fn begin(&mut self, accepted: Accepted, config: Arc<ServerConfig>) -> Result<(), NoBytes> {
        self.offered = Some(Offered::of(&accepted.client_hello()));
        match accepted.into_connection(config) {
            Ok(mut tls) => {
                tls.set_buffer_limit(Some(UNSENT_BYTES_MAX + RECORDS_ADD));
                self.stage = Stage::Talk(tls);
                self.digest()
            }
            Err((why, mut alert)) => {
                // The client may be gone already.
                let _ = alert.write_all(&mut &self.socket);
                Err(self.refuse(&why))
            }
        }
    }

    /// Understands what was read, and answers what TLS itself has to answer.
    fn digest(&mut self) -> Result<(), NoBytes> {
        let Stage::Talk(tls) = &mut self.stage else { return Ok(()) };
        let before = tls.is_handshaking();
        let digested = tls.process_new_packets();
        let (done, flushed) = (!tls.is_handshaking(), self.flush());
        match digested {
            Err(why) if before => return Err(self.refuse(&why)),
            Err(_) => return Err(NoBytes::Broken),
            Ok(_) => {}
        }
        if done {
            self.offered = None;
        }
        match flushed {
            Err(e) if e.kind() != io::ErrorKind::WouldBlock => Err(self.ended(NoBytes::Broken)),
            _ => Ok(()),
        }
    }

    fn refuse(&mut self, why: &rustls::Error) -> NoBytes {
        self.stage = Stage::Over;
        let told = match self.old {
            true => words::too_old(),
            false => words::refused(why, self.offered.as_ref()),
        };
        NoBytes::NoTls(Failed { told, plain: false })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.flush()?;
        let tls = match &mut self.stage {
            Stage::Talk(tls) => tls,
            Stage::Plain => return self.socket.send_with_flags(bytes, libc::MSG_NOSIGNAL),
            Stage::Hello(..) | Stage::Over => return Err(io::ErrorKind::BrokenPipe.into()),
        };
        let taken = tls.writer().write(bytes)?;
        self.pending = self.pending.saturating_add(taken);
        match self.flush() {
            Err(e) if e.kind() != io::ErrorKind::WouldBlock => Err(e),
            _ if taken == 0 => Err(io::ErrorKind::WouldBlock.into()),
            _ => Ok(taken),
        }
    }

    pub(crate) fn room(&self) -> usize {
        UNSENT_BYTES_MAX.saturating_sub(self.pending)
    }

    pub(crate) fn flush(&mut self) -> io::Result<()> {
        let Stage::Talk(tls) = &mut self.stage else { return Ok(()) };
        while tls.wants_write() {
            match tls.write_tls(&mut &self.socket) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(wrote) => self.pending = self.pending.saturating_sub(wrote).max(1),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        self.pending = 0;
        Ok(())
    }

    pub(crate) fn say_goodbye(&mut self) {
        if let Stage::Talk(tls) = &mut self.stage {
            tls.send_close_notify();
        }
        // What does not go out now is not worth waiting for.
        let _ = self.flush();
    }
}

/// A record's head (RFC 8446 §5.1), a message's head (§4), and the version of a ClientHello.
type First = [u8; 11];

/// Looks at the first bytes without taking them. What has not come yet is 0.
fn first_bytes(socket: &Socket) -> Result<First, NoBytes> {
    let mut first = [0; 11];
    match recv(socket.as_raw_fd(), &mut first, MsgFlags::MSG_PEEK) {
        Ok(0) => Err(NoBytes::Ended),
        Ok(_) => Ok(first),
        Err(Errno::EAGAIN | Errno::EINTR) => Err(NoBytes::Yet),
        Err(_) => Err(NoBytes::Broken),
    }
}
