//! The DHCP ports, by packet sockets: so that we share port 67 with any other DHCP server of this
//! host, hear broadcasts on the interface they came in on, and reach clients without an address.
//!
//! ```text
//! kernel ─ filter ─▶ receive ─ all that waits ─▶ owner.dhcp ─ replies ─▶ answer ─▶ send
//!                      │                                       └─ with a check ─▶ conflict
//!                      └─ what other servers say ─▶ owner.overhear
//! ```
//!
//! In: packets to port 67 and 4011, and replies to clients (68). Out: what the owner answers, by
//! broadcast, by raw unicast, or by the kernel's routes. Never: a look into the message beyond its
//! first byte, which tells requests from replies; a receiver that waits for the owner.

use crate::count::Counters;
use crate::interfaces;
use crate::owner::Owner;
use crate::sys;
use engine::{Datagram, Outgoing, Overheard};
use model::{HardwareAddress, Now};
use site::{Heard, Ready, Replies};
use socket2::Socket;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::AtomicU16;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;
use tokio::time::Instant;
use wire::udp4;

mod send;

/// DHCP servers and relays.
pub(crate) const SERVER_PORT: u16 = 67;
/// PXE boot servers.
pub(crate) const BOOT_SERVER_PORT: u16 = 4011;
/// DHCP clients: replies of others come there.
const CLIENT_PORT: u16 = 68;
/// The first byte of a reply (BOOTREPLY, RFC 2131, 2).
const REPLY: u8 = 2;
/// Replies of others that are looked at on one link in a second. A rack that boots beside another
/// server gets some hundred.
const OVERHEARD_PER_S: u32 = 1000;
/// A longer packet is none for us. Jumbo frames fit.
const PACKET_MAX: usize = 9216;
/// So many replies are sent before those behind them are looked at.
const ANSWERS: usize = 256;
/// How often we look whether the interface was made anew.
const LOOK: Duration = Duration::from_secs(5);
/// How often one interface may complain that it cannot send.
const COMPLAIN: Duration = Duration::from_secs(60);

/// The packet sockets of all links, and the socket for routed replies.
pub(crate) struct Links {
    links: BTreeMap<String, Link>,
    routed: AsyncFd<Socket>,
    /// Tells the fragments of two packets apart (RFC 6864).
    id: AtomicU16,
}

struct Link {
    takes: sys::Takes,
    opened: RwLock<Arc<Opened>>,
    complained: Mutex<Option<Now>>,
}

struct Opened {
    index: u32,
    mac: Option<HardwareAddress>,
    takes: sys::Takes,
    socket: AsyncFd<Socket>,
}

impl Opened {
    fn new(name: &str, takes: sys::Takes) -> io::Result<Self> {
        let index =
            interfaces::index(name).ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
        let ports = [SERVER_PORT, BOOT_SERVER_PORT, CLIENT_PORT];
        let socket = sys::packet_socket(index, ports, takes)?;
        let mac = interfaces::named(name)?.and_then(|interface| interface.mac);
        Ok(Self { index, mac, takes, socket: sys::watched(socket)? })
    }
}

impl Links {
    /// Opens one packet socket on each interface; an error with the interface it is about. On
    /// those that are `listening` it takes what is for others, too.
    pub(crate) fn open(
        names: &[String],
        listening: &BTreeSet<String>,
    ) -> Result<Self, (String, io::Error)> {
        let mut links = BTreeMap::new();
        for name in names {
            let takes = match listening.contains(name) {
                true => sys::Takes::Everything,
                false => sys::Takes::OurOwn,
            };
            let opened = Opened::new(name, takes).map_err(|e| (name.clone(), e))?;
            let opened = RwLock::new(Arc::new(opened));
            let link = Link { takes, opened, complained: Mutex::new(None) };
            links.insert(name.clone(), link);
        }
        let routed = sys::routed_socket().and_then(sys::watched).map_err(|e| (String::new(), e))?;
        Ok(Self { links, routed, id: AtomicU16::new(1) })
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.links.keys().cloned().collect()
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
        if let Ok(opened) = Opened::new(name, link.takes) {
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

/// Receives on one link, for ever: all that waits is handed to the owner at once.
pub(crate) async fn receive<O: Owner>(
    links: Arc<Links>,
    name: String,
    owner: O,
    replies: Replies,
    counters: Arc<Counters>,
) {
    let mut buffers = sys::Buffers::new(PACKET_MAX);
    let mut pace = Pace::default();
    while let Some(opened) = links.opened(&name) {
        let ready = tokio::time::timeout(LOOK, opened.socket.readable()).await;
        let Ok(Ok(mut ready)) = ready else {
            links.look(&name);
            continue;
        };
        match ready.try_io(|fd| sys::receive_many(fd.get_ref(), &mut buffers)) {
            Ok(Ok(got)) => {
                if got < sys::MANY {
                    // Nothing was left; what comes later wakes us again.
                    ready.clear_ready();
                }
                let taken = take(&name, &buffers, &opened);
                let whole = taken.heard.len().saturating_add(taken.overheard.len());
                counters.dhcp_received.add(taken.heard.len() as u64);
                counters.dhcp_broken.add(got.saturating_sub(whole + taken.nothing) as u64);
                if !taken.heard.is_empty() {
                    owner.dhcp(taken.heard, &replies);
                }
                hand_over(taken.overheard, &mut pace, &owner, &counters);
                tokio::task::yield_now().await;
            }
            // The interface went down or away. It says so once; wait for better days.
            Ok(Err(_)) => {
                tokio::time::sleep(Duration::from_millis(200)).await;
                links.look(&name);
            }
            Err(_would_block) => {}
        }
    }
}

/// What came in one call.
#[derive(Default)]
struct Taken {
    heard: Vec<Heard>,
    overheard: Vec<Overheard>,
    /// Whole packets that are neither.
    nothing: usize,
}

/// Sorts requests from replies.
fn take(link: &str, buffers: &sys::Buffers, opened: &Opened) -> Taken {
    let ours = opened.mac;
    let mut taken = Taken::default();
    for (bytes, came) in buffers.packets() {
        let Some(datagram) = read(link, bytes, came) else { continue };
        let mac = HardwareAddress::mac(came.from);
        let to_client = datagram.port == CLIENT_PORT;
        // What this host asks for itself, a probe of ours say, is shown to us where we listen.
        let own_question = opened.takes == sys::Takes::Everything && ours == Some(mac);
        match datagram.bytes.first() {
            Some(&REPLY) => {
                let Datagram { link, from, to, bytes, .. } = datagram;
                taken.overheard.push(Overheard { link, from, to, mac, ours, bytes });
            }
            _ if to_client || own_question => taken.nothing += 1,
            _ => taken.heard.push(Heard::from(datagram)),
        }
    }
    taken
}

/// Counts what others say on one link.
#[derive(Default)]
pub(crate) struct Pace {
    began: Now,
    count: u32,
}

impl Pace {
    /// How many more may be looked at in this second.
    pub(crate) fn admits(&mut self, now: Now, more: usize) -> usize {
        if now.since(self.began) >= Duration::from_secs(1) {
            *self = Self { began: now, count: 0 };
        }
        let left = OVERHEARD_PER_S.saturating_sub(self.count) as usize;
        let admitted = left.min(more);
        self.count = self.count.saturating_add(u32::try_from(admitted).unwrap_or(u32::MAX));
        admitted
    }
}

fn hand_over<O: Owner>(
    mut overheard: Vec<Overheard>,
    pace: &mut Pace,
    owner: &O,
    counters: &Counters,
) {
    if overheard.is_empty() {
        return;
    }
    let came = overheard.len();
    overheard.truncate(pace.admits(owner.now(), came));
    let taken = if overheard.is_empty() { 0 } else { owner.overhear(overheard) };
    counters.dhcp_unheard.add(came.saturating_sub(taken) as u64);
    counters.dhcp_overheard.add(taken as u64);
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

/// Replies that wait on purpose. One more leaves at once.
const SLOW_MAX: usize = 256;

/// Replies that wait on purpose, by the moment when they leave.
#[derive(Default)]
struct Slow(Vec<(Instant, Outgoing)>);

impl Slow {
    /// Keeps a reply that has to wait; gives back one that leaves now.
    fn keep(&mut self, now: Instant, outgoing: Outgoing) -> Option<Outgoing> {
        match outgoing.delay.filter(|_| self.0.len() < SLOW_MAX) {
            Some(delay) => {
                self.0.push((now + delay, outgoing));
                None
            }
            None => Some(outgoing),
        }
    }

    /// Until the first may leave; for ever, if none waits.
    async fn due(&self) {
        match self.0.iter().map(|(at, _)| *at).min() {
            Some(at) => tokio::time::sleep_until(at).await,
            None => std::future::pending().await,
        }
    }

    /// Those that have waited for long enough.
    fn over(&mut self, now: Instant) -> Vec<Outgoing> {
        self.0.extract_if(.., |(at, _)| *at <= now).map(|(_, outgoing)| outgoing).collect()
    }
}

/// Sends what the owner says, for ever: all that waits at once. What has something to be found out
/// first goes to `checked`, and nobody behind it waits.
pub(crate) async fn answer<O: Owner>(
    links: Arc<Links>,
    mut replies: mpsc::Receiver<Ready>,
    checked: mpsc::Sender<Ready>,
    owner: O,
    counters: Arc<Counters>,
) {
    let mut batch = Vec::new();
    let mut slow = Slow::default();
    loop {
        let mut leaving = tokio::select! {
            some = replies.recv_many(&mut batch, ANSWERS) => match some {
                0 => return,
                _ => Vec::with_capacity(batch.len()),
            },
            () = slow.due() => slow.over(Instant::now()),
        };
        for ready in batch.drain(..) {
            if ready.outgoing.check.is_none() {
                leaving.extend(slow.keep(Instant::now(), ready.outgoing));
            } else if let Err(full) = checked.try_send(ready) {
                counters.dhcp_unprobed.one();
                leaving.push(full.into_inner().outgoing);
            }
        }
        links.send(leaving, &owner, &counters).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, SocketAddrV4};

    #[test]
    fn what_others_say_is_limited_by_the_second() {
        let mut pace = Pace::default();
        assert_eq!(pace.admits(Now(5000), 700), 700);
        assert_eq!(pace.admits(Now(5500), 700), 300);
        assert_eq!(pace.admits(Now(5999), 64), 0);
        assert_eq!(pace.admits(Now(6000), 64), 64, "a new second");
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
