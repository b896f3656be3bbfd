//! The socket of the clients of DHCPv6: one for all of them, since a client is told by its identifier.

use std::io::ErrorKind;
use std::net::{Ipv6Addr, SocketAddrV6, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::net::if_::if_nametoindex;
use wire::dhcp6::{ALL_SERVERS, CLIENT_PORT, Packet, SERVER_PORT};

use super::clients6::Clients6;
use super::{SETTLE, TURN};
use crate::rig::ns::{Link, Namespace, Pair};
use crate::rig::{Trouble, io};

/// Messages heard before it is looked who has something to say.
const AT_ONCE: usize = 64;

/// Lets the clients speak until each has confirmed what it has; also whether they all did.
pub(super) fn speak(
    at: &Namespace,
    mut clients: Clients6,
    begun: Instant,
    settle: &AtomicBool,
) -> Result<(Clients6, bool), Trouble> {
    at.inside(|| {
        let index = if_nametoindex(Link::INTERFACE)
            .map_err(|e| io(format!("looking for {}", Link::INTERFACE))(e.into()))?;
        let own: Ipv6Addr = Pair::CLIENT_LINK_LOCAL.parse().unwrap_or(Ipv6Addr::UNSPECIFIED);
        let socket = UdpSocket::bind(SocketAddrV6::new(own, CLIENT_PORT, 0, index))
            .map_err(io("opening port 546"))?;
        socket.set_read_timeout(Some(TURN)).map_err(io("setting up port 546"))?;
        let servers = SocketAddrV6::new(ALL_SERVERS, SERVER_PORT, 0, index);
        let (mut end, mut server): (_, Option<Vec<u8>>) = (None, None);
        loop {
            if settle.load(Ordering::Relaxed) && end.is_none() {
                clients.settle(begun.elapsed());
                end = Some(begun.elapsed() + SETTLE);
            }
            let mut says = Vec::new();
            for _ in 0..AT_ONCE {
                let Some(heard) = heard(&socket)? else { break };
                server = heard.server_id.clone().or(server);
                says.extend(clients.hear(begun.elapsed(), &heard));
            }
            says.extend(clients.speak(begun.elapsed(), server.as_deref()));
            for packet in says {
                // What is not sent is asked again.
                let _ = packet.encode().map(|bytes| socket.send_to(&bytes, servers));
            }
            let settled = clients.is_settled();
            if settled || end.is_some_and(|end: Duration| begun.elapsed() > end) {
                return Ok((clients, settled));
            }
        }
    })?
}

/// The next message of a server, if one comes in a moment.
fn heard(socket: &UdpSocket) -> Result<Option<Packet>, Trouble> {
    let mut bytes = [0; 2048];
    match socket.recv(&mut bytes) {
        Ok(length) => Ok(Packet::parse(bytes.get(..length).unwrap_or_default()).ok()),
        // While the server is away the kernel says so.
        Err(e)
            if matches!(
                e.kind(),
                ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::ConnectionRefused
            ) =>
        {
            Ok(None)
        }
        Err(e) => Err(io("hearing on port 546")(e)),
    }
}
