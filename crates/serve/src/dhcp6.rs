//! DHCPv6 on UDP 547: two sockets for each link, one for what goes to all servers and one for what
//! relays send us.
//!
//! In: datagrams. Out: the owner's answers, from the socket that heard the question. Never: a wait
//! for the owner in the task that hears; more questions at once than [`WAITING_MAX`].

use crate::count::{Counters, PanicWatch};
use crate::faults::{Fault, Faults};
use crate::interfaces;
use crate::owner::Owner;
use engine::Datagram6;
use model::{Event, Happening, Network6};
use socket2::{Domain, Socket, Type};
use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::JoinSet;
use wire::dhcp6::{ALL_SERVERS, Heard, Kind, SERVER_PORT};

/// Messages of one link that wait for the owner: what he answers in less than a second, after which their
/// clients ask again (RFC 8415, 7.6). What comes beyond that is dropped.
const WAITING_MAX: usize = 8192;
/// Of those, such that begin (SOLICIT): a flood of them never stands before who has an address or was offered one.
const BEGINNING_MAX: usize = WAITING_MAX / 2;
/// Clients' messages are far shorter; a relay's may hold several envelopes.
const DATAGRAM_BYTES_MAX: usize = 4096;

/// The sockets of one link.
pub(crate) struct Opened {
    link: String,
    sockets: Vec<(UdpSocket, Ipv6Addr)>,
}

impl Opened {
    /// For the networks of one interface.
    ///
    /// # Errors
    ///
    /// The port cannot be had, or the interface speaks no IPv6.
    pub(crate) fn new(link: &str, networks: &[&Network6]) -> io::Result<Self> {
        let index = interfaces::index(link);
        let index = index.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
        let group = bound(ALL_SERVERS, index)?;
        group.join_multicast_v6(&ALL_SERVERS, index)?;
        let mut sockets = vec![(group.into(), ALL_SERVERS)];
        let own: BTreeSet<Ipv6Addr> = networks.iter().map(|network| network.server).collect();
        for address in own {
            sockets.push((bound(address, 0)?.into(), address));
        }
        Ok(Self { link: link.to_owned(), sockets })
    }

    /// Serves until the set is shut down.
    ///
    /// # Errors
    ///
    /// When the runtime does not take the sockets.
    pub(crate) fn listen<O: Owner>(
        self,
        listeners: &mut JoinSet<()>,
        owner: &O,
        counters: &Arc<Counters>,
    ) -> io::Result<()> {
        let room = Room {
            all: Arc::new(Semaphore::new(WAITING_MAX)),
            beginning: Arc::new(Semaphore::new(BEGINNING_MAX)),
        };
        for (socket, at) in self.sockets {
            let socket = Arc::new(tokio::net::UdpSocket::from_std(socket)?);
            let ear = Ear {
                link: self.link.clone(),
                at,
                socket,
                owner: owner.clone(),
                counters: Arc::clone(counters),
                room: room.clone(),
            };
            listeners.spawn(ear.hear());
        }
        Ok(())
    }
}

fn bound(address: Ipv6Addr, scope: u32) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV6, Type::DGRAM, None)?;
    socket.set_only_v6(true)?;
    socket.set_nonblocking(true)?;
    if scope != 0 {
        socket.set_multicast_if_v6(scope)?;
    }
    crate::sys::udp::widen(&socket)?;
    socket.bind(&SocketAddrV6::new(address, SERVER_PORT, 0, scope).into())?;
    Ok(socket)
}

/// One socket, and who answers what it hears.
struct Ear<O> {
    link: String,
    /// Where it hears: the group of all servers, or an address of ours.
    at: Ipv6Addr,
    socket: Arc<tokio::net::UdpSocket>,
    owner: O,
    counters: Arc<Counters>,
    room: Room,
}

/// Places for messages that wait for the owner.
#[derive(Clone)]
struct Room {
    all: Arc<Semaphore>,
    beginning: Arc<Semaphore>,
}

/// A place, until it is dropped.
struct Place(#[expect(dead_code, reason = "held, not read")] [Option<OwnedSemaphorePermit>; 2]);

impl Room {
    fn enter(&self, message: &[u8]) -> Option<Place> {
        let place = |room: &Arc<Semaphore>| Arc::clone(room).try_acquire_owned().ok();
        let beginning = match begins(message) {
            true => Some(place(&self.beginning)?),
            false => None,
        };
        Some(Place([Some(place(&self.all)?), beginning]))
    }
}

/// Whether it is a SOLICIT, in whatever envelopes of relays.
fn begins(message: &[u8]) -> bool {
    match message.first() {
        Some(kind) if *kind == Kind::Solicit.number() => true,
        Some(kind) if Kind::of(*kind).is_some() => false,
        _ => Heard::parse(message).is_ok_and(|heard| heard.packet.kind == Kind::Solicit),
    }
}

impl<O: Owner> Ear<O> {
    async fn hear(self) {
        let mut bytes = vec![0; DATAGRAM_BYTES_MAX + 1];
        let mut faults = Faults::default();
        loop {
            let (length, from) = match self.socket.recv_from(&mut bytes).await {
                Ok((length, SocketAddr::V6(from))) => (length, from),
                // A socket of IPv6 hears nothing else.
                Ok((_, SocketAddr::V4(_))) => continue,
                Err(why) => {
                    self.deaf(&mut faults, &why).await;
                    continue;
                }
            };
            faults.worked();
            if length > DATAGRAM_BYTES_MAX {
                self.counters.dhcp6_broken.one();
                continue;
            }
            let message = bytes.get(..length).unwrap_or_default();
            let Some(place) = self.room.enter(message) else {
                self.counters.dhcp6_dropped.one();
                continue;
            };
            self.counters.dhcp6_received.one();
            let (link, bytes) = (self.link.clone(), message.to_vec());
            let datagram = Datagram6 { link, from, to: self.at, bytes };
            // Who waits for the owner does not keep the port from being opened anew.
            let (owner, socket) = (self.owner.clone(), Arc::downgrade(&self.socket));
            let counters = Arc::clone(&self.counters);
            tokio::spawn(async move {
                let (_place, _panics) = (place, PanicWatch(Arc::clone(&counters)));
                let Some(reply) = owner.dhcp6(datagram).await else { return };
                let Some(socket) = socket.upgrade() else { return counters.dhcp6_unsent.one() };
                match socket.send_to(&reply.bytes, SocketAddr::V6(reply.to)).await {
                    Ok(_) => counters.dhcp6_sent.one(),
                    Err(_) => counters.dhcp6_unsent.one(),
                }
            });
        }
    }

    /// An error instead of a message: that of a reply before, by which nothing is lost; or one that stays,
    /// which is not asked for without a pause, and told once.
    async fn deaf(&self, faults: &mut Faults, why: &io::Error) {
        self.counters.dhcp6_unheard.one();
        let Fault { pause, is_news } = faults.failed();
        if is_news {
            let (link, at) = (&self.link, self.at);
            let text = format!(
                "DHCPv6 to {at} on {link} is not heard: {why}. Machines that ask there get no answer; look \
                 whether {link} and its addresses are there (`ip -6 address show dev {link}`): it is tried \
                 again each second"
            );
            let what = Happening::Alarm { text };
            self.owner.tell(Event::new(self.owner.now(), None, Some(link.clone()), what));
        }
        tokio::time::sleep(pause).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::dhcp6::{Envelope, Packet, forwarded};

    #[test]
    fn however_many_solicit_there_is_room_for_who_requests() {
        let message = |kind| {
            let id = Some(vec![0, 3, 0, 1, 2, 0, 0, 0, 0, 1]);
            let server_id = id.clone().filter(|_| kind != Kind::Solicit);
            let packet = Packet { client_id: id, server_id, ..Packet::new(kind, [1, 2, 3]) };
            packet.encode().unwrap()
        };
        let relay = Envelope {
            hops: 0,
            link: "fd77::1".parse().unwrap(),
            peer: "fe80::1".parse().unwrap(),
            interface_id: None,
            link_layer: None,
        };
        let relayed = forwarded(&[relay], message(Kind::Solicit));
        let all = Arc::new(Semaphore::new(WAITING_MAX));
        let room = Room { all, beginning: Arc::new(Semaphore::new(BEGINNING_MAX)) };
        let mut places: Vec<Place> = (0..WAITING_MAX)
            .filter_map(|n| room.enter(if n % 2 == 0 { &relayed } else { &[1] }))
            .collect();
        assert_eq!(places.len(), BEGINNING_MAX);
        let request = message(Kind::Request);
        places.extend((0..WAITING_MAX).filter_map(|_| room.enter(&request)));
        assert_eq!(places.len(), WAITING_MAX);
        drop(places);
        assert!(room.enter(&relayed).is_some());
    }
}
