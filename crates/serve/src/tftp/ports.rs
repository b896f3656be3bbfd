//! The UDP ports: 69, where requests come in, and those that transfers go out from.
//!
//! In: addresses, pieces to send. Out: bound sockets; whether pieces went out. Never: a port that
//! somebody could know beforehand, unless the operator wants it so.

use super::Place;
use super::burst::Burst;
use crate::sys::udp::{self, Pieces};
use crate::{Limits, sys};
use model::Now;
use socket2::{Domain, Socket, Type};
use std::collections::VecDeque;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// Ports that the transfers of one address share.
const POOL: usize = 16;
/// Tries to find a free port in the operator's range before it is gone through one by one.
const RANDOM_TRIES: usize = 64;
/// A port that was used is given back after so long without a transfer, and another one taken.
const RENEW_AFTER: Duration = Duration::from_secs(60);

/// A number nobody can guess.
pub(super) fn chance() -> u64 {
    RandomState::new().build_hasher().finish()
}

/// A UDP socket on one of our addresses.
pub(super) fn bind(address: IpAddr, port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address((address, port).into()), Type::DGRAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    sys::let_fragment(&socket, address)?;
    udp::widen(&socket)?;
    udp::patience(&socket, super::hall::FOCUS)?;
    socket.bind(&SocketAddr::new(address, port).into())?;
    Ok(socket)
}

/// The ports for transfers on one address; none if all go out from port 69.
pub(super) fn pool(address: IpAddr, limits: &Limits) -> io::Result<Vec<Socket>> {
    if limits.tftp_single_port {
        return Ok(Vec::new());
    }
    let mut ports = Vec::new();
    let mut last = None;
    for _ in 0..POOL {
        match one(address, limits) {
            Ok(socket) => ports.push(socket),
            // A small range is soon used up.
            Err(cause) => last = Some(cause),
        }
        if last.is_some() {
            break;
        }
    }
    match last {
        Some(cause) if ports.is_empty() => Err(cause),
        _ => Ok(ports),
    }
}

/// One more port for transfers.
fn one(address: IpAddr, limits: &Limits) -> io::Result<Socket> {
    let Some((first, last)) = limits.tftp_ports else { return bind(address, 0) };
    let count = usize::from(last.saturating_sub(first)) + 1;
    let start = usize::try_from(chance() % count as u64).unwrap_or_default();
    let random = (0..RANDOM_TRIES).map(|_| usize::try_from(chance()).unwrap_or_default() % count);
    let in_turn = (0..count).map(|n| (start + n) % count);
    let mut refused = io::ErrorKind::AddrInUse.into();
    for n in random.chain(in_turn) {
        let port = first.saturating_add(u16::try_from(n).unwrap_or_default());
        match bind(address, port) {
            Ok(socket) => return Ok(socket),
            Err(cause) if cause.kind() == io::ErrorKind::AddrInUse => refused = cause,
            Err(cause) => return Err(cause),
        }
    }
    Err(refused)
}

/// An open port and what it is for.
pub(super) struct Port {
    pub(super) socket: Socket,
    pub(super) place: Arc<Place>,
    /// Requests come here. In single-port mode everything does.
    pub(super) front: bool,
    /// The ports that transfers asked for here go out from.
    pub(super) doors: Range<usize>,
    pub(super) transfers: usize,
    /// Clients whose blocks the kernel has no room for at the moment.
    pub(super) full: VecDeque<SocketAddr>,
    /// The kernel cuts large pieces for us.
    cuts: bool,
    /// When the last transfer at it ended; none if there was none yet.
    pub(super) left: Option<Now>,
}

/// What became of a burst.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Sent {
    /// It is out, or lost like any datagram: the timer of the transfer sees to that.
    All,
    /// So many blocks of it are out, then the kernel had no more room.
    Some(usize),
}

impl Port {
    /// Where requests come in, with the ports for what they ask for.
    pub(super) fn front(socket: Socket, place: Arc<Place>, doors: Range<usize>) -> Self {
        Self { front: true, doors, ..Self::back(socket, place) }
    }

    /// For transfers alone.
    pub(super) fn back(socket: Socket, place: Arc<Place>) -> Self {
        let full = VecDeque::new();
        Self {
            socket,
            place,
            front: false,
            doors: 0..0,
            transfers: 0,
            full,
            cuts: true,
            left: None,
        }
    }

    /// Sends one short datagram. What the system will not send is lost.
    pub(super) fn say(&self, to: SocketAddr, bytes: &[u8]) {
        let _ = udp::say(&self.socket, to, bytes);
    }

    /// Sends a burst with blocks of `size` bytes.
    pub(super) fn send(
        &mut self,
        to: SocketAddr,
        burst: &Burst,
        bytes: &[u8],
        size: usize,
    ) -> Sent {
        let sent = match &burst.heads[..] {
            [head] => udp::send_one(&self.socket, to, head, bytes),
            heads if self.cuts => {
                udp::send_together(&self.socket, to, &Pieces { heads, bytes, size })
            }
            _ => return self.send_apart(to, burst, bytes, size),
        };
        match sent {
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => Sent::Some(0),
            Err(cause) if udp::cannot_cut(&cause) && burst.heads.len() > 1 => {
                self.cuts = false;
                self.send_apart(to, burst, bytes, size)
            }
            Ok(()) | Err(_) => Sent::All,
        }
    }

    fn send_apart(&self, to: SocketAddr, burst: &Burst, bytes: &[u8], size: usize) -> Sent {
        let mut out = 0;
        while let Some(heads @ [_, ..]) = burst.heads.get(out..) {
            let bytes = bytes.get(out * size..).unwrap_or_default();
            match udp::send_apart(&self.socket, to, &Pieces { heads, bytes, size }) {
                Ok(sent) => out += sent.max(1),
                Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => return Sent::Some(out),
                Err(_) => return Sent::All,
            }
        }
        Sent::All
    }

    /// Takes a fresh port if this one has been in use and nobody needs it any more.
    pub(super) fn renewed(&self, now: Now, limits: &Limits) -> Option<Socket> {
        let quiet = now.since(self.left?) >= RENEW_AFTER;
        // Without a free one the old one stays.
        let due = quiet && !self.front && self.transfers == 0;
        if due { one(self.place.server, limits).ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::tftp::Policy;

    const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

    fn port(socket: Socket) -> Port {
        let (link, served) = ("lo".to_owned(), super::super::Served::default());
        let place = Place { link, server: HERE, policy: Policy::default(), served };
        Port::back(socket, Arc::new(place))
    }

    fn number(socket: &Socket) -> u16 {
        socket.local_addr().unwrap().as_socket_ipv4().unwrap().port()
    }

    #[test]
    fn a_range_is_kept_to_and_a_small_one_is_used_up() {
        let (first, last) = (41_000, 41_004);
        let limits = Limits { tftp_ports: Some((first, last)), ..Limits::default() };
        let taken = bind(HERE, 41_002).unwrap();
        let ports = pool(HERE, &limits).unwrap();
        let mut numbers: Vec<u16> = ports.iter().map(number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, [41_000, 41_001, 41_003, 41_004]);
        assert!(pool(HERE, &limits).is_err(), "nothing is left");
        drop(taken);
        assert_eq!(pool(HERE, &limits).unwrap().len(), 1);
    }

    #[test]
    fn a_port_is_renewed_a_minute_after_its_last_transfer() {
        let limits = Limits::default();
        let mut port = port(one(HERE, &limits).unwrap());
        assert!(port.renewed(Now(1_000_000), &limits).is_none(), "nobody knows it");
        port.left = Some(Now(1_000_000));
        assert!(port.renewed(Now(1_059_999), &limits).is_none());
        port.transfers = 1;
        assert!(port.renewed(Now(1_060_000), &limits).is_none());
        port.transfers = 0;
        let fresh = port.renewed(Now(1_060_000), &limits).unwrap();
        assert_ne!(number(&fresh), number(&port.socket));
    }

    #[test]
    fn a_burst_arrives_the_same_when_the_kernel_does_not_cut() {
        burst_arrives_at(HERE);
    }

    #[test]
    fn a_burst_arrives_over_ipv6_too() {
        let here = IpAddr::V6(std::net::Ipv6Addr::LOCALHOST);
        // Some hosts have no IPv6 at all.
        if bind(here, 0).is_ok() {
            burst_arrives_at(here);
        }
    }

    fn burst_arrives_at(here: IpAddr) {
        for cuts in [true, false] {
            let inward = bind(here, 0).unwrap();
            let to = inward.local_addr().unwrap().as_socket().unwrap();
            let mut port = port(bind(here, 0).unwrap());
            port.cuts = cuts;
            let mut burst = Burst::default();
            for n in 0..44_u8 {
                assert!(burst.push([0, 3, 0, n], u64::from(n) * 100, 100));
            }
            let bytes: Vec<u8> = (0..4400_u32).map(|n| (n / 100) as u8).collect();
            assert_eq!(port.send(to, &burst, &bytes, 100), Sent::All);
            for n in 0..44 {
                let mut buffer = [0; 200];
                let length = io::Read::read(&mut &inward, &mut buffer).unwrap();
                assert_eq!((length, &buffer[3..5]), (104, &[n, n][..]));
            }
        }
    }
}
