//! What is said over IPv6 on a link of ours and is not for us to answer, taken off the wire in one order by one packet
//! socket: what other DHCPv6 servers and routers say, and where we only listen what clients ask as well.
//!
//! In: router advertisements, and UDP to the ports of clients; where we only listen also that of servers, and whoever
//! it is for. Out: what the owner judges and compares. Never: a packet, or a port of this host: what is here has
//! nothing to send with.

use crate::count::Counters;
use crate::owner::Owner;
use crate::packet::Pace;
use crate::{interfaces, sys};
use engine::{Advertised6, Datagram6, Listened6, Overheard6};
use model::HardwareAddress;
use socket2::Socket;
use std::io;
use std::net::SocketAddrV6;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use wire::dhcp6::{CLIENT_PORT, SERVER_PORT, kind};
use wire::ip6::{self, Body, HOP_LIMIT_MAX};

/// A longer packet is none for us. Jumbo frames fit.
const PACKET_MAX: usize = 9216;
/// How often we look whether the interface was made anew.
const LOOK: Duration = Duration::from_secs(5);
/// After the interface went down or away.
const PAUSE: Duration = Duration::from_millis(200);

/// What is heard of a link.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Hears {
    /// We only listen there: everything that comes by, whoever it is for.
    Everything,
    /// We answer there: what others say to all, and to this host. What we say ourselves is not heard.
    Others,
}

/// The socket of one link.
pub(crate) struct Opened {
    link: String,
    hears: Hears,
    index: u32,
    cards: Cards,
    socket: Socket,
}

/// The cards of this host.
#[derive(Clone, Debug, Default)]
struct Cards {
    /// That of the interface.
    own: Option<HardwareAddress>,
    /// All of them: two may be on one link.
    all: Vec<HardwareAddress>,
}

impl Opened {
    /// # Errors
    ///
    /// When packet sockets are not allowed, or the interface is not there.
    pub(crate) fn new(link: &str, hears: Hears) -> io::Result<Self> {
        let all = interfaces::interfaces()?;
        let cards = all.iter().filter_map(|interface| interface.mac).collect();
        let found = all.into_iter().find(|interface| interface.name == link);
        let found = found.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
        let cards = Cards { own: found.mac, all: cards };
        let socket = match hears {
            Hears::Everything => sys::listening_socket_6(found.index, [SERVER_PORT, CLIENT_PORT]),
            Hears::Others => sys::packet_socket_6(found.index, CLIENT_PORT),
        }?;
        Ok(Self { link: link.to_owned(), hears, index: found.index, cards, socket })
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
        let Self { link, hears, index, cards, socket } = self;
        let ear = Ear { link, hears, index, cards, owner, counters, pace: Pace::default() };
        Ok(ear.listen(sys::watched(socket)?))
    }
}

struct Ear<O> {
    link: String,
    hears: Hears,
    index: u32,
    cards: Cards,
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
        let Opened { index, cards, socket, .. } = Opened::new(&self.link, self.hears).ok()?;
        (self.index, self.cards) = (index, cards);
        sys::watched(socket).ok()
    }

    fn hand_over(&mut self, buffers: &sys::Buffers) {
        let whole = buffers.packets().filter(|(_, came)| !came.cut);
        // A bridge may hand back what we said.
        let own = |mac: sys::Mac| self.cards.all.contains(&HardwareAddress::mac(mac));
        let of_others =
            whole.filter(|(_, came)| self.hears == Hears::Everything || !own(came.from));
        let mut heard: Vec<Listened6> = of_others
            .filter_map(|(bytes, came)| read(&self.link, self.cards.own, bytes, came.from))
            .collect();
        if heard.is_empty() {
            return;
        }
        let asks: Vec<bool> =
            heard.iter().map(|heard| matches!(heard, Listened6::Asked(_))).collect();
        heard.truncate(self.pace.admits(self.owner.now(), asks.len()));
        let taken = if heard.is_empty() { 0 } else { self.owner.listen6(heard) };
        // The first find room.
        let (taken, lost) = asks.split_at(taken.min(asks.len()));
        let asked = |these: &[bool]| these.iter().filter(|asks| **asks).count();
        let said = |these: &[bool]| these.iter().filter(|asks| !**asks).count();
        self.counters.dhcp6_received.add(asked(taken) as u64);
        self.counters.dhcp6_dropped.add(asked(lost) as u64);
        self.counters.dhcp_overheard.add(said(taken) as u64);
        self.counters.dhcp_unheard.add(said(lost) as u64);
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
    let (link, mac) = (link.to_owned(), HardwareAddress::mac(from));
    let (src_port, dst_port, payload) = match packet.body {
        Body::Udp { src_port, dst_port, payload } => (src_port, dst_port, payload),
        // One that passed a router would be a forgery, and so one from afar (RFC 4861, 6.1.2).
        Body::Icmp(message) if packet.hop_limit == HOP_LIMIT_MAX => {
            let (from, bytes) = (packet.src, message.to_vec());
            let near = from.is_unicast_link_local();
            return near.then_some(Listened6::Advertised(Advertised6 { link, from, mac, bytes }));
        }
        Body::Icmp(_) => return None,
    };
    let (bytes, source) = (payload.to_vec(), SocketAddrV6::new(packet.src, src_port, 0, 0));
    if kind::is_of_server(*payload.first()?) {
        let (from, to) = (source, packet.dst);
        return Some(Listened6::Said(Overheard6 { link, from, to, mac, bytes }));
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
