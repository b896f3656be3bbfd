//! Replies on their way out: many in one system call, by the socket that each of them needs.
//!
//! In: replies. Out: packets. Never: a reply that waits for another one's fault; one that cannot
//! be sent is counted, told of now and then, and passed over.

use super::{Links, Opened};
use crate::count::Counters;
use crate::owner::Owner;
use crate::sys::{self, Mac, Parcel};
use engine::{Destination, Outgoing};
use model::Event;
use model::event::Happening;
use socket2::Socket;
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep, timeout_at};
use wire::udp4;

/// So long the replies of one batch wait for room in a full socket or interface. Longer, and their
/// machines have asked again.
const ROOM_WAIT: Duration = Duration::from_millis(50);
/// How often we look whether a full interface has room again: it does not tell.
const ROOM_LOOK: Duration = Duration::from_millis(2);

/// Replies that one socket sends.
struct Group {
    by: Way,
    parcels: Vec<Parcel>,
    /// Whom each parcel is for.
    replies: Vec<Outgoing>,
}

/// A socket.
enum Way {
    Link(Arc<Opened>),
    Routed,
}

impl Way {
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Link(a), Self::Link(b)) => Arc::ptr_eq(a, b),
            (Self::Routed, Self::Routed) => true,
            _ => false,
        }
    }
}

impl Links {
    /// Sends replies where the engine wants them to go.
    pub(crate) async fn send<O: Owner>(
        &self,
        replies: impl IntoIterator<Item = Outgoing>,
        owner: &O,
        counters: &Counters,
    ) {
        let mut groups: Vec<Group> = Vec::new();
        for reply in replies {
            let (by, parcel) = match self.parcel(&reply) {
                Ok(addressed) => addressed,
                Err(cause) => {
                    self.unsent(&reply, &cause, owner, counters);
                    continue;
                }
            };
            match groups.iter_mut().find(|group| group.by.is(&by)) {
                Some(group) => {
                    group.parcels.push(parcel);
                    group.replies.push(reply);
                }
                None => groups.push(Group { by, parcels: vec![parcel], replies: vec![reply] }),
            }
        }
        for group in groups {
            self.send_group(&group, owner, counters).await;
        }
    }

    async fn send_group<O: Owner>(&self, group: &Group, owner: &O, counters: &Counters) {
        let socket = match &group.by {
            Way::Link(opened) => &opened.socket,
            Way::Routed => &self.routed,
        };
        let until = Instant::now() + ROOM_WAIT;
        let mut gone = 0;
        while let Some(rest) = group.parcels.get(gone..).filter(|rest| !rest.is_empty()) {
            match send_some(socket, rest, until).await {
                Ok(sent) => {
                    counters.dhcp_sent.add(sent as u64);
                    gone += sent;
                }
                Err(cause) => {
                    // The first of the rest is at fault; those behind it may be fine.
                    if let Some(reply) = group.replies.get(gone) {
                        self.unsent(reply, &cause, owner, counters);
                    }
                    gone += 1;
                }
            }
        }
    }

    /// The packet of a reply, and the socket that sends it.
    fn parcel(&self, reply: &Outgoing) -> io::Result<(Way, Parcel)> {
        let all = |port| (SocketAddrV4::new(Ipv4Addr::BROADCAST, port), sys::BROADCAST_MAC);
        let (to, mac): (SocketAddrV4, Mac) = match reply.to {
            Destination::Broadcast { port } => all(port),
            Destination::Link { address, port, hardware } => match hardware.as_mac() {
                Some(mac) => (SocketAddrV4::new(address, port), mac),
                // No Ethernet address: everybody hears it, and whose xid it is takes it.
                None => all(port),
            },
            Destination::Routed(to) => {
                let packet = self.packet(reply, to)?;
                return Ok((Way::Routed, Parcel::routed(*to.ip(), packet)));
            }
        };
        let packet = self.packet(reply, to)?;
        let Some(opened) = self.opened(&reply.link) else {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        };
        let parcel = Parcel::on_link(opened.index, mac, packet)?;
        Ok((Way::Link(opened), parcel))
    }

    fn packet(&self, reply: &Outgoing, to: SocketAddrV4) -> io::Result<Vec<u8>> {
        debug_assert!(wire::dhcp4::Message::parse(&reply.bytes).is_ok(), "we sent nonsense");
        let id = self.id.fetch_add(1, Ordering::Relaxed);
        udp4::encode(reply.from, to, id, &reply.bytes)
            .ok_or_else(|| io::Error::from_raw_os_error(libc::EMSGSIZE))
    }

    /// Counts a reply that could not leave, and tells of it if its link was quiet for a while.
    fn unsent<O: Owner>(
        &self,
        reply: &Outgoing,
        cause: &io::Error,
        owner: &O,
        counters: &Counters,
    ) {
        counters.dhcp_unsent.one();
        let at = owner.now();
        if !self.may_complain(&reply.link, at) {
            return;
        }
        let link = &reply.link;
        let to = match reply.to {
            Destination::Broadcast { .. } => "to all".to_owned(),
            Destination::Link { hardware, .. } => format!("to {hardware}"),
            Destination::Routed(to) => format!("to {to}"),
        };
        let text = format!(
            "a DHCP reply {to} could not leave {link}: {cause}; look at `ip address show {link}` \
             and `ip route`"
        );
        owner.tell(Event::new(at, None, Some(link.clone()), Happening::Alarm { text }));
    }
}

/// Sends at least the first of `parcels`. A full socket or interface is waited for until the moment
/// has come; an error is about the first of them.
async fn send_some(
    socket: &AsyncFd<Socket>,
    parcels: &[Parcel],
    until: Instant,
) -> io::Result<usize> {
    loop {
        let sending = socket.async_io(Interest::WRITABLE, |s| sys::send_parcels(s, parcels));
        let sent = timeout_at(until, sending).await;
        match sent.unwrap_or_else(|_| Err(io::ErrorKind::WouldBlock.into())) {
            // The queue of the interface is full.
            Err(e) if e.raw_os_error() == Some(libc::ENOBUFS) && Instant::now() < until => {
                sleep(ROOM_LOOK).await;
            }
            other => return other,
        }
    }
}
