//! The DHCP ports, by packet sockets: so that we share port 67 with any other DHCP server of this
//! host, hear broadcasts on the interface they came in on, and reach clients without an address.
//!
//! ```text
//! kernel ─ filter ─▶ receive ─ Datagram ─▶ queue ─▶ owner.dhcp ─ Outgoing ─▶ send
//! ```
//!
//! In: packets to port 67 and 4011. Out: what the owner answers, by broadcast, by raw unicast, or
//! by the kernel's routes. Never: a look into the message; a receiver that waits for the owner.

use crate::count::Counters;
use crate::owner::Owner;
use crate::sys::{self, Mac};
use crate::{Limits, interfaces};
use engine::{Datagram, Destination, Outgoing};
use model::event::Happening;
use model::{Event, Now};
use socket2::Socket;
use std::collections::{BTreeMap, VecDeque};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use wire::udp4;

/// DHCP servers and relays.
pub(crate) const SERVER_PORT: u16 = 67;
/// PXE boot servers.
pub(crate) const BOOT_SERVER_PORT: u16 = 4011;
/// A longer packet is none for us. Jumbo frames fit.
const PACKET_MAX: usize = 9216;
/// So many packets are taken at one go before other tasks get their turn.
const BURST: usize = 64;
/// How often we look whether the interface was made anew.
const LOOK: Duration = Duration::from_secs(5);
/// How often one interface may complain that it cannot send.
const COMPLAIN: Duration = Duration::from_secs(60);

/// The packet sockets of all links, and the socket for routed replies.
pub(crate) struct Links {
    links: BTreeMap<String, Link>,
    routed: Socket,
    /// Tells the fragments of two packets apart (RFC 6864).
    id: AtomicU16,
}

struct Link {
    opened: RwLock<Arc<Opened>>,
    complained: Mutex<Option<Now>>,
}

struct Opened {
    index: u32,
    socket: AsyncFd<Socket>,
}

impl Opened {
    fn new(name: &str) -> io::Result<Self> {
        let index =
            interfaces::index(name).ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
        let socket = sys::packet_socket(index, [SERVER_PORT, BOOT_SERVER_PORT])?;
        Ok(Self { index, socket: sys::watched(socket)? })
    }
}

impl Links {
    /// Opens one packet socket on each interface; an error with the interface it is about.
    pub(crate) fn open(names: &[String]) -> Result<Self, (String, io::Error)> {
        let mut links = BTreeMap::new();
        for name in names {
            let opened = Opened::new(name).map_err(|e| (name.clone(), e))?;
            let link = Link { opened: RwLock::new(Arc::new(opened)), complained: Mutex::new(None) };
            links.insert(name.clone(), link);
        }
        let routed = sys::routed_socket().map_err(|e| (String::new(), e))?;
        Ok(Self { links, routed, id: AtomicU16::new(1) })
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.links.keys().cloned().collect()
    }

    /// Sends a reply where the engine wants it to go.
    fn send(&self, outgoing: &Outgoing) -> io::Result<()> {
        match outgoing.to {
            Destination::Broadcast { port } => {
                let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, port);
                self.send_on_link(outgoing, to, sys::BROADCAST_MAC)
            }
            Destination::Link { address, port, hardware } => match hardware.as_mac() {
                Some(mac) => self.send_on_link(outgoing, SocketAddrV4::new(address, port), mac),
                // No Ethernet address: everybody hears it, and whose xid it is takes it.
                None => {
                    let to = SocketAddrV4::new(Ipv4Addr::BROADCAST, port);
                    self.send_on_link(outgoing, to, sys::BROADCAST_MAC)
                }
            },
            Destination::Routed(to) => {
                let packet = self.packet(outgoing, to)?;
                sys::send_routed(&self.routed, *to.ip(), &packet)
            }
        }
    }

    fn send_on_link(&self, outgoing: &Outgoing, to: SocketAddrV4, mac: Mac) -> io::Result<()> {
        let packet = self.packet(outgoing, to)?;
        let Some(opened) = self.opened(&outgoing.link) else {
            return Err(io::Error::from_raw_os_error(libc::ENODEV));
        };
        sys::send_frame(opened.socket.get_ref(), opened.index, mac, &packet)
    }

    fn packet(&self, outgoing: &Outgoing, to: SocketAddrV4) -> io::Result<Vec<u8>> {
        debug_assert!(wire::dhcp4::Message::parse(&outgoing.bytes).is_ok(), "we sent nonsense");
        let id = self.id.fetch_add(1, Ordering::Relaxed);
        udp4::encode(outgoing.from, to, id, &outgoing.bytes)
            .ok_or_else(|| io::Error::from_raw_os_error(libc::EMSGSIZE))
    }

    fn opened(&self, name: &str) -> Option<Arc<Opened>> {
        let link = self.links.get(name)?;
        Some(Arc::clone(&link.opened.read().unwrap_or_else(PoisonError::into_inner)))
    }

    /// Opens the interface again if it is another one by now, as after `ip link del` and `add`.
    fn look(&self, name: &str) {
        let (Some(link), Some(index)) = (self.links.get(name), interfaces::index(name)) else {
            return;
        };
        if self.opened(name).is_some_and(|opened| opened.index == index) {
            return;
        }
        if let Ok(opened) = Opened::new(name) {
            *link.opened.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(opened);
        }
    }

    /// Whether this link has not complained for a while.
    fn may_complain(&self, name: &str, now: Now) -> bool {
        let Some(link) = self.links.get(name) else { return true };
        let mut last = link.complained.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_some_and(|last| now.since(last) < COMPLAIN) {
            return false;
        }
        *last = Some(now);
        true
    }
}

/// Messages between the receivers and the owner. Full: the oldest goes, since its sender has
/// asked again by then.
pub(crate) struct Queue {
    waiting: Mutex<VecDeque<Datagram>>,
    more: Notify,
    most: usize,
}

impl Queue {
    pub(crate) fn new(most: usize) -> Self {
        Self { waiting: Mutex::new(VecDeque::new()), more: Notify::new(), most }
    }

    /// Whether there was room.
    fn push(&self, datagram: Datagram) -> bool {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let room = waiting.len() < self.most;
        if !room {
            waiting.pop_front();
        }
        waiting.push_back(datagram);
        self.more.notify_one();
        room
    }

    async fn pop(&self) -> Datagram {
        loop {
            let first = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            match first {
                Some(datagram) => return datagram,
                None => self.more.notified().await,
            }
        }
    }
}

/// Receives on one link, for ever.
pub(crate) async fn receive(
    links: Arc<Links>,
    name: String,
    queue: Arc<Queue>,
    counters: Arc<Counters>,
) {
    let mut buffer = vec![0; PACKET_MAX];
    while let Some(opened) = links.opened(&name) {
        let ready = tokio::time::timeout(LOOK, opened.socket.readable()).await;
        let Ok(Ok(mut ready)) = ready else {
            links.look(&name);
            continue;
        };
        for _ in 0..BURST {
            match ready.try_io(|fd| sys::receive(fd.get_ref(), &mut buffer)) {
                Ok(Ok(received)) => {
                    let bytes = buffer.get(..received.length).unwrap_or_default();
                    match read(&name, bytes, received) {
                        Some(datagram) => {
                            counters.dhcp_received.one();
                            if !queue.push(datagram) {
                                counters.dhcp_overrun.one();
                            }
                        }
                        None => counters.dhcp_broken.one(),
                    }
                }
                // The interface went down or away. It says so once; wait for better days.
                Ok(Err(_)) => {
                    tokio::time::sleep(Duration::from_millis(200)).await;
                    links.look(&name);
                    break;
                }
                Err(_would_block) => break,
            }
        }
        tokio::task::yield_now().await;
    }
}

/// What the owner needs to know of a packet; nothing if it is none for it.
fn read(link: &str, bytes: &[u8], received: sys::Received) -> Option<Datagram> {
    let packet = udp4::parse(bytes).ok().filter(|_| !received.cut)?;
    if received.verify && !packet.verify_checksum() {
        return None;
    }
    Some(Datagram {
        link: link.to_owned(),
        from: packet.src,
        to: *packet.dst.ip(),
        port: packet.dst.port(),
        bytes: packet.payload.to_vec(),
    })
}

/// Asks the owner about each message, many at once since it waits for the disk, and sends what it
/// says.
pub(crate) async fn answer<O: Owner>(
    links: Arc<Links>,
    queue: Arc<Queue>,
    owner: O,
    limits: Limits,
    counters: Arc<Counters>,
) {
    let mut running = JoinSet::new();
    loop {
        while running.len() >= limits.dhcp_at_once {
            note(running.join_next().await, &counters);
        }
        let datagram = tokio::select! {
            datagram = queue.pop() => datagram,
            Some(ended) = running.join_next() => {
                note(Some(ended), &counters);
                continue;
            }
        };
        // Asked here, so that messages count in the order in which they came.
        let answer = owner.dhcp(datagram);
        let (links, owner, counters) = (Arc::clone(&links), owner.clone(), Arc::clone(&counters));
        running.spawn(async move {
            let Some(outgoing) = answer.await else { return };
            match links.send(&outgoing) {
                Ok(()) => counters.dhcp_sent.one(),
                Err(cause) => {
                    counters.dhcp_unsent.one();
                    complain(&owner, &links, &outgoing, &cause);
                }
            }
        });
    }
}

fn note(ended: Option<Result<(), tokio::task::JoinError>>, counters: &Counters) {
    if matches!(ended, Some(Err(e)) if e.is_panic()) {
        counters.panics.one();
    }
}

fn complain<O: Owner>(owner: &O, links: &Links, outgoing: &Outgoing, cause: &io::Error) {
    let at = owner.now();
    if !links.may_complain(&outgoing.link, at) {
        return;
    }
    let link = &outgoing.link;
    let to = match outgoing.to {
        Destination::Broadcast { .. } => "to all".to_owned(),
        Destination::Link { hardware, .. } => format!("to {hardware}"),
        Destination::Routed(to) => format!("to {to}"),
    };
    let text = format!(
        "a DHCP reply {to} could not leave {link}: {cause}; look at `ip address show {link}` and \
         `ip route`"
    );
    owner.tell(Event {
        at,
        machine: None,
        link: Some(link.clone()),
        what: Happening::Alarm { text },
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_full_queue_loses_the_oldest() {
        let queue = Queue::new(2);
        let datagram = |n: u8| Datagram {
            link: "lan".to_owned(),
            from: SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68),
            to: Ipv4Addr::BROADCAST,
            port: 67,
            bytes: vec![n],
        };
        assert!(queue.push(datagram(1)) && queue.push(datagram(2)));
        assert!(!queue.push(datagram(3)));
        assert_eq!(queue.pop().await.bytes, [2]);
        assert_eq!(queue.pop().await.bytes, [3]);
    }

    #[test]
    fn a_wrong_checksum_from_the_wire_is_dropped_and_an_unfinished_one_of_this_host_is_not() {
        let (from, to) = (SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68), "255.255.255.255:67");
        let mut packet = udp4::encode(from, to.parse().unwrap(), 1, b"hello").unwrap();
        let came = |verify| sys::Received { length: 0, cut: false, from: [0; 6], verify };
        assert!(read("lan", &packet, came(true)).is_some());
        *packet.last_mut().unwrap() ^= 1;
        assert_eq!(read("lan", &packet, came(true)), None);
        assert!(read("lan", &packet, came(false)).is_some());
    }
}
