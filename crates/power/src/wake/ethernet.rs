//! Magic packets without IP: Ethernet frames of type 0x0842.
//!
//! In: an interface's name, a packet. Out: one frame to everybody on the link. Never: a frame
//! received.

use super::WakeError;
use model::text::show;
use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, bind, send, socket};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

/// EtherType of Wake-on-LAN (IEEE's list).
const WAKE_ON_LAN: [u8; 2] = [0x08, 0x42];
/// ARPHRD_ETHER: other kinds of link have other heads.
const ETHERNET: u16 = 1;

/// A packet socket on one interface. To open it takes CAP_NET_RAW; to send by it, nothing.
#[derive(Debug)]
pub struct Ethernet {
    interface: String,
    source: [u8; 6],
    socket: OwnedFd,
}

impl Ethernet {
    /// Opens a socket on the named interface.
    ///
    /// # Errors
    /// When there is no such Ethernet interface, or CAP_NET_RAW is missing.
    pub fn open(interface: &str) -> Result<Self, WakeError> {
        let failed = |cause: nix::errno::Errno| {
            let way = format!("as a frame out of {}", show(interface.as_bytes()));
            WakeError::send(way, cause.into())
        };
        let none = || WakeError::NoInterface { interface: show(interface.as_bytes()) };
        let link = link(interface).map_err(failed)?.ok_or_else(none)?;
        let source = link.addr().ok_or_else(none)?;
        // Protocol 0: it takes nothing in, and the frames say themselves what they are.
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None).map_err(failed)?;
        bind(socket.as_raw_fd(), &link).map_err(failed)?;
        Ok(Self { interface: interface.to_owned(), source, socket })
    }

    /// The interface it was opened on.
    #[must_use]
    pub fn interface(&self) -> &str {
        &self.interface
    }

    pub(super) fn send(&self, packet: &[u8]) -> io::Result<()> {
        // To everybody: the switch may have forgotten where a sleeping machine is plugged in.
        let mut frame = vec![0xff; 6];
        frame.extend(self.source);
        frame.extend(WAKE_ON_LAN);
        frame.extend(packet);
        send(self.socket.as_raw_fd(), &frame, MsgFlags::empty())?;
        Ok(())
    }
}

/// The address of the interface on its link, with its number.
fn link(interface: &str) -> nix::Result<Option<LinkAddr>> {
    let mut all = getifaddrs()?.filter(|one| one.interface_name == interface);
    let found = all.find_map(|one| one.address?.as_link_addr().copied());
    Ok(found.filter(|link| link.hatype() == ETHERNET))
}
