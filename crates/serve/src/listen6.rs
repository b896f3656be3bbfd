//! DHCPv6 on a link where we only listen: what clients ask and what the server there answers, taken off the wire in
//! one order by one packet socket.
//!
//! In: UDP to the ports of servers and of clients, whoever it is for. Out: what the owner compares. Never: a packet,
//! or a port of this host: what is here has nothing to send with.

use crate::count::Counters;
use crate::owner::Owner;
use crate::packet::Pace;
use crate::{interfaces, sys};
use engine::{Datagram6, Listened6, Overheard6};
use model::HardwareAddress;
use socket2::Socket;
use std::io;
use std::net::SocketAddrV6;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use wire::dhcp6::{CLIENT_PORT, SERVER_PORT, kind};
use wire::ip6::{self, Body};

/// A longer packet is none for us. Jumbo frames fit.
const PACKET_MAX: usize = 9216;
/// How often we look whether the interface was made anew.
const LOOK: Duration = Duration::from_secs(5);
/// After the interface went down or away.
const PAUSE: Duration = Duration::from_millis(200);

/// The socket of one link.
pub(crate) struct Opened {
    link: String,
    index: u32,
    /// The card of the interface.
    mac: Option<HardwareAddress>,
    socket: Socket,
}

impl Opened {
    /// # Errors
    ///
    /// When packet sockets are not allowed, or the interface is not there.
    pub(crate) fn new(link: &str) -> io::Result<Self> {
        let found = interfaces::named(link)?;
        let found = found.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
        let socket = sys::listening_socket_6(found.index, [SERVER_PORT, CLIENT_PORT])?;
        Ok(Self { link: link.to_owned(), index: found.index, mac: found.mac, socket })
    }

    /// Listens for as long as it is polled.
    ///
    /// # Errors
    ///
    /// When the runtime does not take the socket.
    pub(crate) fn run<O: Owner>(
        self,
        owner: O,
        counters: Arc<Counters>,
    ) -> io::Result<impl Future<Output = ()> + Send + 'static> {
        let Self { link, index, mac, socket } = self;
        let ear = Ear { link, index, mac, owner, counters, pace: Pace::default() };
        Ok(ear.listen(sys::watched(socket)?))
    }
}

struct Ear<O> {
    link: String,
    index: u32,
    mac: Option<HardwareAddress>,
    owner: O,
    counters: Arc<Counters>,
    pace: Pace,
}

impl<O: Owner> Ear<O> {
    async fn listen(mut self, mut socket: AsyncFd<Socket>) {
        let mut buffers = sys::Buffers::new(PACKET_MAX);
        loop {
            let ready = tokio::time::timeout(LOOK, socket.readable()).await;
            let Ok(Ok(mut ready)) = ready else {
                socket = self.opened_again().unwrap_or(socket);
                continue;
            };
            match ready.try_io(|fd| sys::receive_many(fd.get_ref(), &mut buffers)) {
                Ok(Ok(got)) => {
                    if got < sys::MANY {
                        ready.clear_ready();
                    }
                    self.hand_over(&buffers);
                    tokio::task::yield_now().await;
                }
                Ok(Err(_)) => {
                    tokio::time::sleep(PAUSE).await;
                    socket = self.opened_again().unwrap_or(socket);
                }
                Err(_would_block) => {}
            }
        }
    }

    /// A new socket if the interface is another one by now, as after `ip link del` and `add`.
    fn opened_again(&mut self) -> Option<AsyncFd<Socket>> {
        interfaces::index(&self.link).filter(|index| *index != self.index)?;
        let Opened { index, mac, socket, .. } = Opened::new(&self.link).ok()?;
        (self.index, self.mac) = (index, mac);
        sys::watched(socket).ok()
    }

    fn hand_over(&mut self, buffers: &sys::Buffers) {
        let whole = buffers.packets().filter(|(_, came)| !came.cut);
        let mut heard: Vec<Listened6> = whole
            .filter_map(|(bytes, came)| read(&self.link, self.mac, bytes, came.from))
            .collect();
        if heard.is_empty() {
            return;
        }
        let came = heard.len();
        heard.truncate(self.pace.admits(self.owner.now(), came));
        let said = heard.iter().filter(|heard| matches!(heard, Listened6::Said(_))).count();
        let asked = heard.len() - said;
        let taken = if heard.is_empty() { 0 } else { self.owner.listen6(heard) };
        self.counters.dhcp_overheard.add(said.min(taken) as u64);
        self.counters.dhcp6_received.add(asked.min(taken) as u64);
        self.counters.dhcp6_dropped.add(came.saturating_sub(taken) as u64);
    }
}

/// What the owner needs to know of a packet; nothing if it is none for it.
fn read(
    link: &str,
    own: Option<HardwareAddress>,
    bytes: &[u8],
    from: sys::Mac,
) -> Option<Listened6> {
    let packet = ip6::parse(bytes).ok()?;
    let Body::Udp { src_port, dst_port, payload } = packet.body else { return None };
    let (link, bytes) = (link.to_owned(), payload.to_vec());
    let (mac, source) = (HardwareAddress::mac(from), SocketAddrV6::new(packet.src, src_port, 0, 0));
    if kind::is_of_server(*payload.first()?) {
        return Some(Listened6::Said(Overheard6 { link, from: source, mac, bytes }));
    }
    // What this host asks for itself, a probe of ours say, is no machine's; and no server hears it on another port.
    if dst_port != SERVER_PORT || own == Some(mac) {
        return None;
    }
    Some(Listened6::Asked(Datagram6 { link, from: source, to: packet.dst, bytes }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::dhcp6::ALL_SERVERS;

    const CLIENT: sys::Mac = [2, 0, 0, 0, 0, 1];

    fn heard(to: u16, message: &[u8], own: sys::Mac) -> Option<Listened6> {
        let packet = ip6::udp(("fe80::1".parse().unwrap(), 546), (ALL_SERVERS, to), message);
        read("lan", Some(HardwareAddress::mac(own)), &packet.unwrap(), CLIENT)
    }

    #[test]
    fn questions_and_answers_are_told_apart_by_what_they_say() {
        let asks = [kind::SOLICIT, kind::INFORMATION_REQUEST, kind::RELAY_FORW];
        for asks in asks {
            let Some(Listened6::Asked(asked)) = heard(547, &[asks, 1, 2, 3], [2; 6]) else {
                panic!("{asks} asks")
            };
            assert_eq!((asked.to, asked.from.port()), (ALL_SERVERS, 546));
            assert_eq!(heard(546, &[asks, 1, 2, 3], [2; 6]), None, "to no server");
        }
        for (said, port) in [(kind::ADVERTISE, 546), (kind::REPLY, 546), (kind::RELAY_REPL, 547)] {
            let Some(Listened6::Said(said)) = heard(port, &[said, 1, 2, 3], CLIENT) else {
                panic!("{said} is said, by a program beside us as well")
            };
            assert_eq!(said.mac, HardwareAddress::mac(CLIENT));
        }
    }

    #[test]
    fn what_this_host_asks_for_itself_and_what_is_empty_is_none() {
        assert_eq!(heard(547, &[kind::SOLICIT, 1, 2, 3], CLIENT), None);
        assert_eq!(heard(547, &[], [2; 6]), None);
    }
}
