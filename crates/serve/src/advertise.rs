//! Router advertisements (RFC 4861, 6.2), where they are to come from us: so that machines ask for
//! addresses, and know which are on their link.
//!
//! In: hosts' solicitations. Out: what [`engine::dhcp6::advertisement`] says, when
//! [`engine::dhcp6::Timetable`] says. Never: that we are a router.

use crate::faults::Faults;
use crate::probe::chance;
use crate::{interfaces, sys};
use engine::dhcp6::{DNS_S, Timetable};
use model::{Network6, Now};
use socket2::{Domain, Protocol, Socket, Type};
use std::io::{self, Read};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep_until};
use wire::ip6::{ALL_ROUTERS, HOP_LIMIT_MAX};
use wire::ndp::is_router_solicitation;

/// All hosts of a link.
const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
/// The socket of one network.
pub(crate) struct Opened {
    socket: Socket,
    message: Vec<u8>,
    to: SocketAddrV6,
}

impl Opened {
    /// # Errors
    ///
    /// When raw sockets are not allowed, or the interface speaks no IPv6.
    pub(crate) fn new(network: &Network6) -> io::Result<Self> {
        let found = interfaces::named(&network.interface)?;
        let found = found.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
        let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6))?;
        socket.bind_device(Some(network.interface.as_bytes()))?;
        socket.set_nonblocking(true)?;
        socket.set_multicast_if_v6(found.index)?;
        socket.set_multicast_hops_v6(u32::from(HOP_LIMIT_MAX))?;
        socket.set_unicast_hops_v6(u32::from(HOP_LIMIT_MAX))?;
        // Else this host would take itself for a router of its own.
        socket.set_multicast_loop_v6(false)?;
        socket.join_multicast_v6(&ALL_ROUTERS, found.index)?;
        let mac = found.mac.and_then(|mac| mac.as_mac());
        let says = engine::dhcp6::advertisement(network, mac);
        let to = SocketAddrV6::new(ALL_NODES, 0, 0, found.index);
        Ok(Self { socket, message: says.encode(DNS_S), to })
    }

    /// Advertises for as long as it is polled.
    ///
    /// # Errors
    ///
    /// When the runtime does not take the socket.
    pub(crate) fn run(self) -> io::Result<impl Future<Output = ()> + Send + 'static> {
        let socket: AsyncFd<Socket> = sys::watched(self.socket)?;
        let (message, to) = (self.message, self.to);
        Ok(async move {
            let begun = Instant::now();
            let now = || Now(u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX));
            let mut timetable = Timetable::new(now());
            let (mut faults, mut pause) = (Faults::default(), Duration::ZERO);
            loop {
                let next = begun + Duration::from_millis(timetable.next().0);
                tokio::select! {
                    () = sleep_until(next) => {
                        // A link that is down now may be up later.
                        let _ = socket.get_ref().send_to(&message, &to.into());
                        timetable.sent(now(), chance());
                    }
                    heard = solicited(&socket, pause) => {
                        if matches!(heard, Ok(true)) {
                            timetable.asked(now(), chance());
                        }
                        pause = match heard {
                            Ok(_) => {
                                faults.worked();
                                Duration::ZERO
                            }
                            Err(_) => faults.failed().pause,
                        };
                    }
                }
            }
        })
    }
}

/// Waits for one message, after a pause; whether it is a host's question for routers.
async fn solicited(socket: &AsyncFd<Socket>, pause: Duration) -> io::Result<bool> {
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
    let mut bytes = [0; 256];
    let mut ready = socket.readable().await?;
    match ready.try_io(|socket| socket.get_ref().read(&mut bytes)) {
        Ok(length) => Ok(is_router_solicitation(bytes.get(..length?).unwrap_or_default())),
        Err(_would_block) => Ok(false),
    }
}
