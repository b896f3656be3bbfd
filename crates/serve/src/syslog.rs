//! Installers' logs: UDP datagrams, filed under the machines that sent them.
//!
//! ```text
//! datagram ─ from a served subnet? ─ pace ─ wire::syslog ─ who? (known, else owner.machine_at) ─▶ owner.tell
//! ```
//!
//! In: datagrams. Out: events of machines that the inventory knows, with their words shown, never as
//! they came. Never: an answer; a word of somebody unknown (those are counted); a line more than the
//! pace lets in. Where a line comes from is what its sender's address says, so it proves nothing.

mod pace;

use crate::Limits;
use crate::count::Counters;
use crate::faults::Faults;
use crate::neighbour;
use crate::owner::Owner;
use model::network::Subnet;
use model::text::{show, show_within};
use model::{Event, Happening, HardwareAddress, Network, Now, Severity};
use pace::Pace;
use socket2::{Domain, Socket, Type};
use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr, SocketAddrV4, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use wire::syslog::{DATAGRAM_BYTES_MAX, Message};

/// The longest line that is told, in bytes as it is shown.
const TEXT_BYTES_MAX: usize = 1024;
/// For how long it is remembered who has an address. An address that goes to another machine is quiet
/// for longer.
const KNOWN_FOR: Duration = Duration::from_secs(2);
/// Addresses that are remembered; when they are more, all are forgotten.
const KNOWN_MAX: usize = 4096;
/// An installer says much at once; what the kernel may hold of it until we look.
const RECEIVE_BYTES: usize = 1024 * 1024;

/// A socket on the address of one network, before anything runs.
pub(crate) struct Opened {
    socket: UdpSocket,
    link: String,
    /// Who may send. Empty: the owner decides, since machines behind relays may be anywhere.
    served: Vec<Subnet>,
}

impl Opened {
    /// # Errors
    ///
    /// When the port cannot be had.
    pub(crate) fn new(network: &Network, port: u16, served: &[Subnet]) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
        socket.set_nonblocking(true)?;
        // With less, lines of a burst are lost, that is all.
        let _ = socket.set_recv_buffer_size(RECEIVE_BYTES);
        socket.bind(&SocketAddrV4::new(network.server, port).into())?;
        let (link, served) = (network.interface.clone(), served.to_vec());
        Ok(Self { socket: socket.into(), link, served })
    }
}

/// What the sockets of all networks share.
pub(crate) struct Desk<O> {
    owner: O,
    counters: Arc<Counters>,
    pace: Arc<Mutex<Pace>>,
}

impl<O: Clone> Clone for Desk<O> {
    fn clone(&self) -> Self {
        let Self { owner, counters, pace } = self;
        Self { owner: owner.clone(), counters: Arc::clone(counters), pace: Arc::clone(pace) }
    }
}

impl<O: Owner> Desk<O> {
    pub(crate) fn new(owner: O, counters: Arc<Counters>, limits: &Limits) -> Self {
        let pace = Pace::new(limits.syslog_per_source, limits.syslog_lines);
        Self { owner, counters, pace: Arc::new(Mutex::new(pace)) }
    }

    /// Takes what comes to a socket, for as long as it is let. To be called inside a Tokio runtime.
    ///
    /// # Errors
    ///
    /// When the runtime cannot watch the socket.
    pub(crate) fn listen(
        self,
        opened: Opened,
    ) -> io::Result<impl Future<Output = ()> + Send + 'static> {
        let Opened { socket, link, served } = opened;
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        let (mut known, mut faults) = (Known::default(), Faults::default());
        Ok(async move {
            // A byte more, so that what is too long is seen as such.
            let mut bytes = vec![0; DATAGRAM_BYTES_MAX + 1];
            loop {
                // An error belongs to a datagram that we sent, and we send none.
                let Ok((length, from)) = socket.recv_from(&mut bytes).await else {
                    tokio::time::sleep(faults.failed().pause).await;
                    continue;
                };
                faults.worked();
                let datagram = bytes.get(..length).unwrap_or_default();
                let Some(line) = self.line(datagram, from, &served) else { continue };
                self.tell(line, from.ip(), &link, &mut known).await;
            }
        })
    }

    /// What a datagram says, if it may say something.
    fn line(&self, datagram: &[u8], from: SocketAddr, served: &[Subnet]) -> Option<Happening> {
        let counters = &self.counters;
        let IpAddr::V4(source) = from.ip() else { return None };
        if !served.is_empty() && !served.iter().any(|subnet| subnet.contains(source)) {
            counters.syslog_outside.one();
            return None;
        }
        if !self.admits(source) {
            counters.syslog_too_many.one();
            return None;
        }
        match Message::parse(datagram) {
            Ok(message) => Some(shown(&message)),
            Err(_) => {
                counters.syslog_malformed.one();
                None
            }
        }
    }

    fn admits(&self, source: Ipv4Addr) -> bool {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        pace.admits(self.owner.now(), source)
    }

    async fn tell(&self, what: Happening, from: IpAddr, link: &str, known: &mut Known) {
        let now = self.owner.now();
        let machine = match known.get(now, from) {
            Some(machine) => machine,
            None => {
                let machine = self.owner.machine_at(from, link, neighbour::of(from, link)).await;
                known.put(now, from, machine);
                machine
            }
        };
        if machine.is_none() {
            return self.counters.syslog_unknown.one();
        }
        self.counters.syslog_lines.one();
        let link = Some(link.to_owned());
        self.owner.tell(Event::new(self.owner.now(), machine, link, what));
    }
}

/// A message as it may be looked at.
fn shown(message: &Message<'_>) -> Happening {
    let text = match (message.text, message.data) {
        (b"", Some(data)) => data,
        (text, _) => text,
    };
    Happening::Syslog {
        severity: Severity::of(message.severity),
        app: message.app.map(show),
        text: show_within(text, TEXT_BYTES_MAX),
    }
}

/// Who had which address a moment ago.
#[derive(Debug, Default)]
struct Known(HashMap<IpAddr, (Now, Option<HardwareAddress>)>);

impl Known {
    fn get(&self, now: Now, from: IpAddr) -> Option<Option<HardwareAddress>> {
        let (at, machine) = self.0.get(&from)?;
        (now.since(*at) < KNOWN_FOR).then_some(*machine)
    }

    fn put(&mut self, now: Now, from: IpAddr, machine: Option<HardwareAddress>) {
        if self.0.len() >= KNOWN_MAX {
            self.0.clear();
        }
        self.0.insert(from, (now, machine));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_a_machine_are_shown_and_cut() {
        let said = |text: &[u8]| match shown(&Message::parse(text).unwrap()) {
            Happening::Syslog { severity, app, text } => (severity, app, text),
            other => panic!("{other}"),
        };
        let (severity, app, text) = said(b"<27>Nov 26 10:00:00 anna[1]: \x1b[31mbad\x07\xff\n");
        assert_eq!((severity, app.as_deref()), (Severity::Err, Some("anna")));
        assert_eq!(text, "\\u{1b}[31mbad\\u{7}\\xff");
        let long = [b"<14>x: ".as_slice(), &[0x1b; 5000]].concat();
        let (_, _, text) = said(&long);
        assert!(text.len() <= TEXT_BYTES_MAX + '…'.len_utf8() && text.ends_with("}…"), "{text}");
        let (_, _, text) = said(b"<14>1 - - app - - [a b=\"c\"]");
        assert_eq!(text, "[a b=\"c\"]");
    }

    #[test]
    fn who_has_an_address_is_asked_again_and_what_is_remembered_does_not_grow() {
        let (mut known, from) = (Known::default(), IpAddr::from([10, 0, 0, 1]));
        known.put(Now(1000), from, None);
        assert_eq!(known.get(Now(2999), from), Some(None));
        assert_eq!(known.get(Now(3000), from), None);
        for n in 0..20_000_u32 {
            known.put(Now(1000), IpAddr::from(n.to_be_bytes()), None);
        }
        assert!(known.0.len() <= KNOWN_MAX);
    }
}
