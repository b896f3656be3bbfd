//! DHCPv6 on UDP 547: two sockets for each link, one for what goes to all servers and one for what
//! relays send us.
//!
//! In: datagrams. Out: the owner's answers, from the socket that heard the question. Never: a wait
//! for the owner in the task that hears; more questions at once than [`WAITING_MAX`].

use crate::count::{Counters, PanicWatch};
use crate::interfaces;
use crate::owner::Owner;
use engine::Datagram6;
use model::Network6;
use socket2::{Domain, Socket, Type};
use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6, UdpSocket};
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use wire::dhcp6::{ALL_SERVERS, SERVER_PORT};

/// Messages of one link that wait for the owner. What comes beyond that is dropped: its client asks
/// again, and waits longer each time.
const WAITING_MAX: usize = 1024;
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
        let room = Arc::new(Semaphore::new(WAITING_MAX));
        for (socket, at) in self.sockets {
            let socket = Arc::new(tokio::net::UdpSocket::from_std(socket)?);
            let ear = Ear {
                link: self.link.clone(),
                at,
                socket,
                owner: owner.clone(),
                counters: Arc::clone(counters),
                room: Arc::clone(&room),
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
    room: Arc<Semaphore>,
}

impl<O: Owner> Ear<O> {
    async fn hear(self) {
        let mut bytes = vec![0; DATAGRAM_BYTES_MAX + 1];
        loop {
            let Ok((length, SocketAddr::V6(from))) = self.socket.recv_from(&mut bytes).await else {
                // An ICMP error of a reply before; nothing is lost by it.
                tokio::task::yield_now().await;
                continue;
            };
            if length > DATAGRAM_BYTES_MAX {
                self.counters.dhcp6_broken.one();
                continue;
            }
            let Ok(permit) = Arc::clone(&self.room).try_acquire_owned() else {
                self.counters.dhcp6_dropped.one();
                continue;
            };
            self.counters.dhcp6_received.one();
            let datagram = Datagram6 {
                link: self.link.clone(),
                from,
                to: self.at,
                bytes: bytes.get(..length).unwrap_or_default().to_vec(),
            };
            // Who waits for the owner does not keep the port from being opened anew.
            let (owner, socket) = (self.owner.clone(), Arc::downgrade(&self.socket));
            let counters = Arc::clone(&self.counters);
            tokio::spawn(async move {
                let (_permit, _panics) = (permit, PanicWatch(Arc::clone(&counters)));
                let Some(reply) = owner.dhcp6(datagram).await else { return };
                let Some(socket) = socket.upgrade() else { return counters.dhcp6_unsent.one() };
                match socket.send_to(&reply.bytes, SocketAddr::V6(reply.to)).await {
                    Ok(_) => counters.dhcp6_sent.one(),
                    Err(_) => counters.dhcp6_unsent.one(),
                }
            });
        }
    }
}
