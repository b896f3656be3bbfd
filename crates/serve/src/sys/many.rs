//! Many packets in one system call: recvmmsg and sendmmsg on packet and raw sockets.
//!
//! In: sockets, addresses, packets. Out: packets with what the kernel said of each, or how many
//! went out. Never: what the bytes mean.

use super::{Mac, Received, link_address, received};
use socket2::{SockAddr, Socket};
use std::io;
use std::mem;
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::os::fd::AsRawFd;

/// Packets taken or sent in one call.
pub(crate) const MANY: usize = 64;

/// Room for auxiliary data: PACKET_AUXDATA takes 40 bytes with its header.
#[derive(Clone, Copy)]
#[repr(align(8))]
struct Control([u8; 64]);

/// Room for [`MANY`] packets, used again for every call.
pub(crate) struct Buffers {
    bytes: Vec<u8>,
    each: usize,
    came: Vec<Received>,
}

impl Buffers {
    /// For packets up to this length.
    pub(crate) fn new(each: usize) -> Self {
        Self { bytes: vec![0; MANY * each], each, came: Vec::with_capacity(MANY) }
    }

    /// What the last call took.
    pub(crate) fn packets(&self) -> impl Iterator<Item = (&[u8], Received)> {
        self.bytes
            .chunks_exact(self.each)
            .zip(&self.came)
            .map(|(bytes, came)| (bytes.get(..came.length).unwrap_or_default(), *came))
    }
}

/// Takes all packets that are there, at most [`MANY`]; gives how many.
pub(crate) fn receive(socket: &Socket, buffers: &mut Buffers) -> io::Result<usize> {
    buffers.came.clear();
    let mut controls = [Control([0; 64]); MANY];
    // SAFETY: all zero is a valid sockaddr_ll, iovec and mmsghdr.
    let (mut froms, mut parts, mut heads): (
        [libc::sockaddr_ll; MANY],
        [libc::iovec; MANY],
        [libc::mmsghdr; MANY],
    ) = unsafe { mem::zeroed() };
    let places = buffers.bytes.chunks_exact_mut(buffers.each);
    let rooms = froms.iter_mut().zip(&mut controls).zip(&mut parts).zip(places);
    for (head, (((from, control), part), place)) in heads.iter_mut().zip(rooms) {
        *part = libc::iovec { iov_base: place.as_mut_ptr().cast(), iov_len: place.len() };
        let head = &mut head.msg_hdr;
        head.msg_name = std::ptr::from_mut(from).cast();
        head.msg_namelen = super::length_of::<libc::sockaddr_ll>();
        head.msg_iov = part;
        head.msg_iovlen = 1;
        head.msg_control = control.0.as_mut_ptr().cast();
        head.msg_controllen = control.0.len();
    }
    // SAFETY: `heads` has MANY entries; each points to a name, a part and a control buffer of its
    // own, all live locals, and the part to its own piece of `buffers.bytes`, which nobody else
    // touches during the call.
    let got = unsafe {
        let none = std::ptr::null_mut();
        libc::recvmmsg(socket.as_raw_fd(), heads.as_mut_ptr(), MANY as u32, 0, none)
    };
    let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
    for (head, from) in heads.iter().zip(&froms).take(got) {
        buffers.came.push(received(&head.msg_hdr, from, head.msg_len as usize));
    }
    Ok(got)
}

/// One packet and the address it goes to, as the kernel reads it.
pub(crate) struct Parcel {
    to: SockAddr,
    packet: Vec<u8>,
}

impl Parcel {
    /// To a link-layer address, by a packet socket.
    pub(crate) fn on_link(index: u32, to: Mac, packet: Vec<u8>) -> io::Result<Self> {
        Ok(Self { to: link_address(index, libc::ETH_P_IP as u16, to)?, packet })
    }

    /// By a UDP socket.
    pub(crate) fn to(to: SocketAddr, bytes: Vec<u8>) -> Self {
        Self { to: to.into(), packet: bytes }
    }

    /// By the kernel's routes, by the raw socket.
    pub(crate) fn routed(to: Ipv4Addr, packet: Vec<u8>) -> Self {
        Self { to: SocketAddrV4::new(to, 0).into(), packet }
    }
}

/// Sends the first of `parcels`, at most [`MANY`]; gives how many went out, at least one. An error
/// is about the first of them: the kernel stops at one that it cannot send.
pub(crate) fn send(socket: &Socket, parcels: &[Parcel]) -> io::Result<usize> {
    // SAFETY: all zero is a valid iovec and mmsghdr.
    let (mut parts, mut heads): ([libc::iovec; MANY], [libc::mmsghdr; MANY]) =
        unsafe { mem::zeroed() };
    for ((head, part), parcel) in heads.iter_mut().zip(&mut parts).zip(parcels) {
        // Only read from; the kernel's structure serves for both ways.
        let base = parcel.packet.as_ptr().cast_mut().cast();
        *part = libc::iovec { iov_base: base, iov_len: parcel.packet.len() };
        head.msg_hdr.msg_name = parcel.to.as_ptr().cast_mut().cast();
        head.msg_hdr.msg_namelen = parcel.to.len();
        head.msg_hdr.msg_iov = part;
        head.msg_hdr.msg_iovlen = 1;
    }
    let count = u32::try_from(parcels.len().min(MANY)).unwrap_or_default();
    // SAFETY: the first `count` of `heads` point to `parts` and `parcels`, which outlive the call;
    // sendmmsg writes only to the lengths in `heads`.
    let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), heads.as_mut_ptr(), count, 0) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Type};

    #[test]
    fn many_go_out_and_come_in_and_a_cut_one_says_so() {
        let inward = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        inward.bind(&SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        inward.set_nonblocking(true).unwrap();
        let to = inward.local_addr().unwrap();
        let outward = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        let parcel = |length: usize| Parcel { to: to.clone(), packet: vec![7; length] };
        let parcels: Vec<Parcel> = (0..100).map(parcel).collect();
        assert_eq!(send(&outward, &parcels).unwrap(), MANY);
        assert_eq!(send(&outward, &parcels[MANY..]).unwrap(), 100 - MANY);

        let mut buffers = Buffers::new(50);
        let mut lengths = Vec::new();
        let mut cut = 0;
        while let Ok(got) = receive(&inward, &mut buffers) {
            assert_eq!(buffers.packets().count(), got);
            lengths.extend(buffers.packets().map(|(bytes, _)| bytes.len()));
            cut += buffers.packets().filter(|(_, came)| came.cut).count();
        }
        assert_eq!(lengths, (0..100).map(|n| n.min(50)).collect::<Vec<usize>>());
        assert_eq!(cut, 49);
    }

    #[test]
    fn the_first_that_cannot_be_sent_stops_the_call_and_is_the_one_of_the_error() {
        let outward = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
        let to = |port| SockAddr::from(SocketAddrV4::new(Ipv4Addr::LOCALHOST, port));
        let parcel = |port| Parcel { to: to(port), packet: vec![1] };
        // Port 0 is nobody's.
        let parcels = [parcel(9), parcel(0), parcel(9)];
        assert_eq!(send(&outward, &parcels).unwrap(), 1);
        assert!(send(&outward, &parcels[1..]).is_err());
        assert_eq!(send(&outward, &parcels[2..]).unwrap(), 1);
    }
}
