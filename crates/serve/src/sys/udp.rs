//! Datagrams of many clients on few UDP sockets: many in one call, and many out of one buffer
//! without copying them together first.
//!
//! In: sockets, addresses, bytes. Out: datagrams with their senders, how many went out, or what the
//! kernel said. Never: what the bytes mean.

use super::{length_of, set_int};
use socket2::{Domain, SockAddr, Socket, Type};
use std::io;
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::AsRawFd;
use std::time::Duration;

/// Datagrams taken in one call.
const TAKEN_MAX: usize = 64;
/// Datagrams sent in one call.
pub(crate) const PIECES_MAX: usize = 64;
/// Bytes in front of each piece.
pub(crate) const HEAD_BYTES: usize = 4;
/// The longest UDP datagram over IPv4, which also bounds what is sent to be cut by the kernel.
pub(crate) const DATAGRAM_BYTES_MAX: usize = 65_507;
/// Room for datagrams that wait in the kernel; many clients share a socket.
const BUFFER: i32 = 4 * 1024 * 1024;

/// Room for datagrams, used again for every call.
pub(crate) struct Letters {
    bytes: Vec<u8>,
    each: usize,
    came: Vec<(SocketAddr, usize)>,
}

impl Letters {
    /// For datagrams up to this length; longer ones are cut.
    pub(crate) fn new(each: usize) -> Self {
        Self { bytes: vec![0; TAKEN_MAX * each], each, came: Vec::with_capacity(TAKEN_MAX) }
    }

    /// What the last call took.
    pub(crate) fn each(&self) -> impl Iterator<Item = (SocketAddr, &[u8])> {
        self.bytes
            .chunks_exact(self.each)
            .zip(&self.came)
            .map(|(bytes, (from, length))| (*from, bytes.get(..*length).unwrap_or_default()))
    }

    /// Takes what is there, at most `wanted` and as many as there is room for; gives how many. To
    /// ask for more than are there costs more than a call of its own for each.
    pub(crate) fn take(&mut self, socket: &Socket, wanted: usize) -> io::Result<usize> {
        self.came.clear();
        let taken = if wanted <= 1 {
            self.take_one(socket, libc::MSG_DONTWAIT)
        } else {
            self.take_many(socket, wanted)
        };
        match taken {
            Err(cause) if cause.kind() == io::ErrorKind::WouldBlock => Ok(0),
            taken => taken,
        }
    }

    /// Waits for one datagram, no longer than [`patience`] said; gives how many came.
    pub(crate) fn wait_for_one(&mut self, socket: &Socket) -> usize {
        self.came.clear();
        self.take_one(socket, 0).unwrap_or(0)
    }

    fn take_one(&mut self, socket: &Socket, flags: i32) -> io::Result<usize> {
        let place = self.bytes.get_mut(..self.each).unwrap_or_default();
        // SAFETY: all zero is a valid sockaddr_in6.
        let mut from: libc::sockaddr_in6 = unsafe { mem::zeroed() };
        let mut length = length_of::<libc::sockaddr_in6>();
        // SAFETY: both pointers are to live memory of the lengths beside them.
        let got = unsafe {
            libc::recvfrom(
                socket.as_raw_fd(),
                place.as_mut_ptr().cast(),
                place.len(),
                flags,
                (&raw mut from).cast(),
                &raw mut length,
            )
        };
        let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        self.came.push((sender(&from), got));
        Ok(1)
    }

    fn take_many(&mut self, socket: &Socket, wanted: usize) -> io::Result<usize> {
        let wanted = wanted.min(TAKEN_MAX);
        // SAFETY: all zero is a valid sockaddr_in6, iovec and mmsghdr.
        let (mut froms, mut parts, mut heads): (
            [libc::sockaddr_in6; TAKEN_MAX],
            [libc::iovec; TAKEN_MAX],
            [libc::mmsghdr; TAKEN_MAX],
        ) = unsafe { mem::zeroed() };
        let places = self.bytes.chunks_exact_mut(self.each);
        let rooms = froms.iter_mut().zip(&mut parts).zip(places);
        for (head, ((from, part), place)) in heads.iter_mut().zip(rooms).take(wanted) {
            *part = libc::iovec { iov_base: place.as_mut_ptr().cast(), iov_len: place.len() };
            head.msg_hdr.msg_name = std::ptr::from_mut(from).cast();
            head.msg_hdr.msg_namelen = length_of::<libc::sockaddr_in6>();
            head.msg_hdr.msg_iov = part;
            head.msg_hdr.msg_iovlen = 1;
        }
        // SAFETY: the first `wanted` of `heads` point to a name and a part of their own, both live
        // locals, and the part to its own piece of `self.bytes`, which nobody touches meanwhile.
        let got = unsafe {
            let none = std::ptr::null_mut();
            let flags = libc::MSG_DONTWAIT;
            libc::recvmmsg(socket.as_raw_fd(), heads.as_mut_ptr(), wanted as u32, flags, none)
        };
        let got = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
        for (head, from) in heads.iter().zip(&froms).take(got) {
            self.came.push((sender(from), head.msg_len as usize));
        }
        Ok(got)
    }
}

/// Of either family: the shorter form of IPv4 stands at the beginning of the longer one.
fn sender(from: &libc::sockaddr_in6) -> SocketAddr {
    if i32::from(from.sin6_family) == libc::AF_INET6 {
        let ip = Ipv6Addr::from(from.sin6_addr.s6_addr);
        let port = u16::from_be(from.sin6_port);
        return SocketAddrV6::new(ip, port, 0, from.sin6_scope_id).into();
    }
    // SAFETY: a sockaddr_in is shorter than a sockaddr_in6 and no more aligned, and any bytes are one.
    let from = unsafe { &*std::ptr::from_ref(from).cast::<libc::sockaddr_in>() };
    let ip = Ipv4Addr::from(u32::from_be(from.sin_addr.s_addr));
    SocketAddrV4::new(ip, u16::from_be(from.sin_port)).into()
}

/// What goes to one client in one call: pieces of the same size, but for a shorter last one, each
/// with its own head in front.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pieces<'a> {
    pub(crate) heads: &'a [[u8; HEAD_BYTES]],
    pub(crate) bytes: &'a [u8],
    pub(crate) size: usize,
}

impl Pieces<'_> {
    fn count(&self) -> usize {
        self.heads.len().min(PIECES_MAX)
    }

    /// Head and bytes of each piece, side by side, as the kernel reads them.
    fn parts(&self) -> [libc::iovec; 2 * PIECES_MAX] {
        // SAFETY: all zero is a valid iovec.
        let mut parts: [libc::iovec; 2 * PIECES_MAX] = unsafe { mem::zeroed() };
        let mut rest = self.bytes;
        for (pair, head) in parts.chunks_exact_mut(2).zip(self.heads) {
            let (piece, behind) = rest.split_at(self.size.min(rest.len()));
            rest = behind;
            if let [front, back] = pair {
                *front = part(head);
                *back = part(piece);
            }
        }
        parts
    }
}

/// Only read from; the kernel's structure serves for both ways.
fn part(bytes: &[u8]) -> libc::iovec {
    libc::iovec { iov_base: bytes.as_ptr().cast_mut().cast(), iov_len: bytes.len() }
}

/// Sends one piece.
pub(crate) fn send_one(
    socket: &Socket,
    to: SocketAddr,
    head: &[u8; HEAD_BYTES],
    bytes: &[u8],
) -> io::Result<()> {
    let (mut parts, name) = ([part(head), part(bytes)], SockAddr::from(to));
    // SAFETY: all zero is a valid msghdr.
    let mut message: libc::msghdr = unsafe { mem::zeroed() };
    message.msg_name = name.as_ptr().cast_mut().cast();
    message.msg_namelen = name.len();
    message.msg_iov = parts.as_mut_ptr();
    message.msg_iovlen = parts.len();
    // SAFETY: every pointer in `message` is to a live local or to the arguments.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const message, libc::MSG_DONTWAIT) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sends all pieces as one, for the kernel or the card to cut them apart (UDP_SEGMENT).
pub(crate) fn send_together(
    socket: &Socket,
    to: SocketAddr,
    pieces: &Pieces<'_>,
) -> io::Result<()> {
    #[repr(align(8))]
    struct Control([u8; 24]);
    let mut control = Control([0; 24]);
    let (mut parts, name) = (pieces.parts(), SockAddr::from(to));
    // SAFETY: all zero is a valid msghdr.
    let mut head: libc::msghdr = unsafe { mem::zeroed() };
    head.msg_name = name.as_ptr().cast_mut().cast();
    head.msg_namelen = name.len();
    head.msg_iov = parts.as_mut_ptr();
    head.msg_iovlen = 2 * pieces.count();
    let each = u16::try_from(pieces.size + HEAD_BYTES).map_err(io::Error::other)?;
    head.msg_control = control.0.as_mut_ptr().cast();
    head.msg_controllen = control.0.len();
    // SAFETY: the control buffer is aligned and has room for one header and a u16: CMSG_SPACE(2) is
    // 24 bytes.
    unsafe {
        let message = libc::CMSG_FIRSTHDR(&raw const head);
        (*message).cmsg_level = libc::SOL_UDP;
        (*message).cmsg_type = libc::UDP_SEGMENT;
        (*message).cmsg_len = libc::CMSG_LEN(2) as usize;
        libc::CMSG_DATA(message).cast::<u16>().write_unaligned(each);
    }
    // SAFETY: every pointer in `head` is to a live local or to `pieces`, with its length beside it.
    let sent = unsafe { libc::sendmsg(socket.as_raw_fd(), &raw const head, libc::MSG_DONTWAIT) };
    if sent < 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Sends the pieces one by one in one call; gives how many went out, at least one.
pub(crate) fn send_apart(
    socket: &Socket,
    to: SocketAddr,
    pieces: &Pieces<'_>,
) -> io::Result<usize> {
    let (mut parts, name) = (pieces.parts(), SockAddr::from(to));
    // SAFETY: all zero is a valid mmsghdr.
    let mut heads: [libc::mmsghdr; PIECES_MAX] = unsafe { mem::zeroed() };
    for (head, pair) in heads.iter_mut().zip(parts.chunks_exact_mut(2)) {
        head.msg_hdr.msg_name = name.as_ptr().cast_mut().cast();
        head.msg_hdr.msg_namelen = name.len();
        head.msg_hdr.msg_iov = pair.as_mut_ptr();
        head.msg_hdr.msg_iovlen = pair.len();
    }
    let count = pieces.count() as u32;
    let flags = libc::MSG_DONTWAIT;
    // SAFETY: the first `count` of `heads` point to live locals and to `pieces`; sendmmsg writes
    // only to the lengths in `heads`.
    let sent = unsafe { libc::sendmmsg(socket.as_raw_fd(), heads.as_mut_ptr(), count, flags) };
    usize::try_from(sent).map_err(|_| io::Error::last_os_error())
}

/// Whether the kernel will not cut for us on this way, so that [`send_apart`] has to do.
pub(crate) fn cannot_cut(cause: &io::Error) -> bool {
    matches!(cause.raw_os_error(), Some(libc::EIO | libc::EINVAL | libc::EOPNOTSUPP))
}

/// Room for what waits in the kernel. Beyond the system's own limit only with CAP_NET_ADMIN;
/// without, as much as there is.
pub(crate) fn widen(socket: &Socket) -> io::Result<()> {
    for (force, usual) in
        [(libc::SO_RCVBUFFORCE, libc::SO_RCVBUF), (libc::SO_SNDBUFFORCE, libc::SO_SNDBUF)]
    {
        if set_int(socket, libc::SOL_SOCKET, force, BUFFER).is_err() {
            set_int(socket, libc::SOL_SOCKET, usual, BUFFER)?;
        }
    }
    Ok(())
}

/// How long [`Letters::wait_for_one`] waits at a socket. The kernel counts in ticks of 1 to 10 ms.
pub(crate) fn patience(socket: &Socket, time: Duration) -> io::Result<()> {
    socket.set_nonblocking(false)?;
    socket.set_read_timeout(Some(time))
}

/// Sends one short datagram, if it can be done at once.
pub(crate) fn say(socket: &Socket, to: SocketAddr, bytes: &[u8]) -> io::Result<usize> {
    socket.send_to_with_flags(bytes, &to.into(), libc::MSG_DONTWAIT)
}

/// Sockets that ask the kernel about the way to an address; nothing is sent.
pub(crate) struct Probes {
    v4: Socket,
    /// None where this host speaks no IPv6.
    v6: Option<Socket>,
}

impl Probes {
    pub(crate) fn new() -> io::Result<Self> {
        let v4 = Socket::new(Domain::IPV4, Type::DGRAM, None)?;
        Ok(Self { v4, v6: Socket::new(Domain::IPV6, Type::DGRAM, None).ok() })
    }

    /// The largest packet that goes to an address, as far as the kernel knows: of the route, or
    /// learned from routers on the way.
    pub(crate) fn path_mtu(&self, to: SocketAddr) -> Option<u32> {
        let (probe, level, name) = match to.ip() {
            IpAddr::V4(_) => (&self.v4, libc::IPPROTO_IP, libc::IP_MTU),
            IpAddr::V6(_) => (self.v6.as_ref()?, libc::IPPROTO_IPV6, libc::IPV6_MTU),
        };
        // Port 9 (discard): any would do.
        let mut to = to;
        to.set_port(9);
        probe.connect(&to.into()).ok()?;
        let (mut mtu, mut length) = (0_i32, length_of::<i32>());
        // SAFETY: both pointers are to live locals, and the length is that of the i32.
        let got = unsafe {
            let (fd, place) = (probe.as_raw_fd(), (&raw mut mtu).cast());
            libc::getsockopt(fd, level, name, place, &raw mut length)
        };
        if got == 0 { u32::try_from(mtu).ok() } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair() -> (Socket, Socket, SocketAddr) {
        let local = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 0);
        let [inward, outward] = [0, 1].map(|_| {
            let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).unwrap();
            socket.bind(&local.into()).unwrap();
            widen(&socket).unwrap();
            socket
        });
        let to = inward.local_addr().unwrap().as_socket().unwrap();
        (inward, outward, to)
    }

    fn all(socket: &Socket) -> Vec<Vec<u8>> {
        let mut letters = Letters::new(2000);
        let mut all = Vec::new();
        while letters.take(socket, 8).unwrap() > 0 {
            all.extend(letters.each().map(|(_, bytes)| bytes.to_vec()));
        }
        all
    }

    #[test]
    fn pieces_arrive_the_same_whether_the_kernel_cuts_them_or_not() {
        let (inward, outward, to) = pair();
        let bytes: Vec<u8> = (0..1400 * 31 + 7_u32).map(|n| (n % 251) as u8).collect();
        let heads: Vec<[u8; 4]> = (0..32_u32).map(u32::to_be_bytes).collect();
        let pieces = Pieces { heads: &heads, bytes: &bytes, size: 1400 };
        let expected: Vec<Vec<u8>> = bytes
            .chunks(1400)
            .zip(&heads)
            .map(|(piece, head)| [head.as_slice(), piece].concat())
            .collect();
        send_together(&outward, to, &pieces).unwrap();
        assert_eq!(all(&inward), expected);
        assert_eq!(send_apart(&outward, to, &pieces).unwrap(), 32);
        assert_eq!(all(&inward), expected);
    }

    #[test]
    fn an_empty_last_piece_is_a_head_alone() {
        let (inward, outward, to) = pair();
        let heads = [[0, 3, 0, 1], [0, 3, 0, 2]];
        let pieces = Pieces { heads: &heads, bytes: &[7; 8], size: 8 };
        let expected = [vec![0, 3, 0, 1, 7, 7, 7, 7, 7, 7, 7, 7], vec![0, 3, 0, 2]];
        send_together(&outward, to, &pieces).unwrap();
        assert_eq!(all(&inward), expected);
        send_apart(&outward, to, &pieces).unwrap();
        assert_eq!(all(&inward), expected);
    }

    #[test]
    fn a_socket_for_which_the_kernel_does_not_cut_says_so_and_can_still_send_one_by_one() {
        let (inward, outward, to) = pair();
        // Without checksums there is nothing for the kernel to complete in each piece.
        set_int(&outward, libc::SOL_SOCKET, libc::SO_NO_CHECK, 1).unwrap();
        let heads = [[0; 4]; 3];
        let pieces = Pieces { heads: &heads, bytes: &[1; 300], size: 100 };
        let refused = send_together(&outward, to, &pieces).unwrap_err();
        assert!(cannot_cut(&refused), "{refused}");
        assert_eq!(send_apart(&outward, to, &pieces).unwrap(), 3);
        assert_eq!(all(&inward).len(), 3);
    }

    #[test]
    fn a_burst_of_letters_is_taken_in_few_calls_with_their_senders() {
        let (inward, outward, to) = pair();
        let from = outward.local_addr().unwrap().as_socket().unwrap();
        for n in 0..200_u8 {
            outward.send_to(&[n, 1], &to.into()).unwrap();
        }
        let (mut letters, mut calls, mut next) = (Letters::new(1), 0, 0_u8);
        while letters.take(&inward, [1, 100][calls % 2]).unwrap() > 0 {
            calls += 1;
            for (sender, bytes) in letters.each() {
                assert_eq!((sender, bytes), (from, &[next][..]), "cut to the room there is");
                next += 1;
            }
        }
        assert_eq!(next, 200);
        assert_eq!(calls, 2 * 4, "one and 64, and one, ... ");
    }

    #[test]
    fn waiting_for_one_ends_with_it_or_when_patience_does() {
        let (inward, outward, to) = pair();
        patience(&inward, Duration::from_millis(20)).unwrap();
        let mut letters = Letters::new(10);
        let begun = std::time::Instant::now();
        assert_eq!(letters.wait_for_one(&inward), 0);
        assert!(begun.elapsed() >= Duration::from_millis(19));
        say(&outward, to, b"x").unwrap();
        assert_eq!(letters.wait_for_one(&inward), 1);
        assert_eq!(letters.each().count(), 1);
    }

    #[test]
    fn the_path_over_loopback_carries_the_largest_packet_there_is() {
        let probe = Probes::new().unwrap();
        for _ in 0..2 {
            assert_eq!(probe.path_mtu((Ipv4Addr::LOCALHOST, 9).into()), Some(65_535));
        }
    }
}
