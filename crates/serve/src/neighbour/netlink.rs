//! The kernel's table of IPv6 neighbours: one entry, asked for by rtnetlink(7), which no file shows.

use model::HardwareAddress;
use nix::net::if_::if_nametoindex;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};
use std::net::Ipv6Addr;
use std::os::fd::AsRawFd;

/// `RTM_NEWNEIGH` and `RTM_GETNEIGH` of `linux/rtnetlink.h`.
const NEW: u16 = 28;
const GET: u16 = 30;
/// `NLM_F_REQUEST`.
const REQUEST: u16 = 1;
/// Lengths of `struct nlmsghdr` and `struct ndmsg`.
const HEADER: usize = 16;
const NEIGHBOUR: usize = 12;
/// `NDA_DST` and `NDA_LLADDR` of `linux/neighbour.h`.
const DESTINATION: u16 = 1;
const LINK_ADDRESS: u16 = 2;
/// `NUD_INCOMPLETE` and `NUD_FAILED`: nobody has answered for it.
const UNKNOWN: u16 = 0x01 | 0x20;
/// An entry with all that the kernel adds to it is below 200 bytes.
const ENTRY_MAX: usize = 1024;

/// The MAC of an IPv6 neighbour on this link, if the kernel knows it. It answers within the call.
pub(super) fn of(peer: Ipv6Addr, link: &str) -> Option<HardwareAddress> {
    let index = if_nametoindex(link).ok()?;
    let (family, kind) = (AddressFamily::Netlink, SockType::Raw);
    let line = socket(family, kind, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute).ok()?;
    send(line.as_raw_fd(), &question(peer, index), MsgFlags::empty()).ok()?;
    let mut buffer = [0; ENTRY_MAX];
    let length = recv(line.as_raw_fd(), &mut buffer, MsgFlags::MSG_DONTWAIT).ok()?;
    mac_in(buffer.get(..length)?)
}

/// One entry is asked for by its address and interface (Linux 5.0 and later).
fn question(peer: Ipv6Addr, index: u32) -> Vec<u8> {
    let attribute = 4 + peer.octets().len();
    let length = HEADER + NEIGHBOUR + attribute;
    let mut message = Vec::with_capacity(length);
    message.extend((length as u32).to_ne_bytes());
    message.extend(GET.to_ne_bytes());
    message.extend(REQUEST.to_ne_bytes());
    // Sequence number and sender: there is one question on this socket.
    message.extend([0; 8]);
    message.extend([libc::AF_INET6 as u8, 0, 0, 0]);
    message.extend(index.to_ne_bytes());
    // State, flags and type.
    message.extend([0; 4]);
    message.extend((attribute as u16).to_ne_bytes());
    message.extend(DESTINATION.to_ne_bytes());
    message.extend(peer.octets());
    message
}

fn mac_in(answer: &[u8]) -> Option<HardwareAddress> {
    let number = |at: usize| answer.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes);
    if number(4)? != NEW || number(HEADER + 8)? & UNKNOWN != 0 {
        return None;
    }
    let mut at = HEADER + NEIGHBOUR;
    loop {
        let (length, kind) = (usize::from(number(at)?), number(at + 2)?);
        if kind == LINK_ADDRESS {
            let mac: [u8; 6] = answer.get(at + 4..at + length)?.try_into().ok()?;
            return Some(HardwareAddress::mac(mac));
        }
        // Attributes begin at multiples of four, and an empty one would be read for ever.
        at += length.max(4).next_multiple_of(4);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(kind: u16, state: u16, attributes: &[(u16, &[u8])]) -> Vec<u8> {
        let mut bytes = vec![0; HEADER + NEIGHBOUR];
        bytes[4..6].copy_from_slice(&kind.to_ne_bytes());
        bytes[HEADER + 8..HEADER + 10].copy_from_slice(&state.to_ne_bytes());
        for (kind, value) in attributes {
            bytes.extend((4 + value.len() as u16).to_ne_bytes());
            bytes.extend(kind.to_ne_bytes());
            bytes.extend(*value);
            bytes.resize(bytes.len().next_multiple_of(4), 0);
        }
        bytes
    }

    #[test]
    fn the_card_is_read_from_an_entry_that_somebody_answered_for() {
        let mac = [0x52, 0x54, 0, 0x77, 0, 1];
        let attributes: &[(u16, &[u8])] = &[(DESTINATION, &[0; 16]), (LINK_ADDRESS, &mac)];
        let whole = entry(NEW, 2, attributes);
        assert_eq!(mac_in(&whole), Some(HardwareAddress::mac(mac)));
        assert_eq!(mac_in(&entry(NEW, 0x20, attributes)), None);
        assert_eq!(mac_in(&entry(2, 2, attributes)), None);
        assert_eq!(mac_in(&entry(NEW, 2, &attributes[..1])), None);
        assert_eq!(mac_in(&entry(NEW, 2, &[(LINK_ADDRESS, &mac[..3])])), None);
        for length in 0..whole.len() {
            // Cut anywhere, it is no other card.
            assert!(mac_in(&whole[..length]).is_none_or(|read| read == HardwareAddress::mac(mac)));
        }
    }

    #[test]
    fn the_kernel_understands_the_question() {
        assert_eq!(of("fd77::dead".parse().unwrap(), "lo"), None);
        assert_eq!(of("fd77::dead".parse().unwrap(), "no such link"), None);
    }
}
