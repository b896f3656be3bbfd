//! The few system calls that neither the standard library nor Tokio has. The only `unsafe` of this
//! crate is here.
//!
//! In: sockets, addresses, bytes. Out: what the kernel said. Never: what the bytes mean.
#![expect(unsafe_code, reason = "packet sockets and sendmmsg have no safe interface")]

mod disk;
mod many;
mod out;
pub(crate) mod udp;
pub(crate) use disk::block_reads;
pub(crate) use many::{Buffers, MANY, Parcel, receive as receive_many, send as send_parcels};
pub(crate) use out::{is_over, unacknowledged};

use socket2::{Domain, Protocol, SockAddr, SockAddrStorage, SockFilter, Socket, Type};
use std::io;
use std::mem;
use std::net::IpAddr;
use std::os::fd::AsRawFd;
use tokio::io::unix::AsyncFd;

/// An Ethernet address.
pub(crate) type Mac = [u8; 6];

/// To everybody on the link.
pub(crate) const BROADCAST_MAC: Mac = [0xff; 6];

/// Room for some thousand DHCP messages in the kernel.
const RECEIVE_BUFFER: i32 = 4 * 1024 * 1024;

/// What a packet socket received.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Received {
    /// Bytes put into the buffer.
    pub(crate) length: usize,
    /// The packet was longer than the buffer.
    pub(crate) cut: bool,
    /// The frame's sender.
    pub(crate) from: Mac,
    /// Nobody has checked the UDP checksum yet, and it should be right: the packet came over a
    /// wire. Between sockets of one host the kernel leaves it out.
    pub(crate) verify: bool,
}

// Classic BPF, as in linux/filter.h: operation, size, addressing.
const LOAD_WORD: u16 = 0x20;
const LOAD_HALF: u16 = 0x28;
const LOAD_BYTE: u16 = 0x30;
const LOAD_HALF_AT_X: u16 = 0x48;
const LOAD_BYTE_AT_X: u16 = 0x50;
const LOAD_X_HEADER_LENGTH: u16 = 0xb1;
const JUMP_EQUAL: u16 = 0x15;
const JUMP_AT_LEAST: u16 = 0x35;
const JUMP_ANY_BIT: u16 = 0x45;
const RETURN: u16 = 0x06;

/// Where BPF finds out how a packet came: SKF_AD_OFF + SKF_AD_PKTTYPE.
const PACKET_TYPE: u32 = 0xffff_f004;
/// Where BPF finds the protocol of a packet (EtherType): SKF_AD_OFF + SKF_AD_PROTOCOL.
const PACKET_PROTOCOL: u32 = 0xffff_f000;
/// Packet types from this on are for other hosts, or our own on their way out.
const PACKET_OTHERHOST: u32 = 3;
/// Packet types from this on never were on a wire.
const PACKET_LOOPBACK: u32 = 5;
/// Where the kernel keeps, for filters, the tag of a VLAN that a frame came with. Who wants all protocols sees what is of
/// the VLANs of an interface as well, each of which is another link.
const PACKET_TAG: u32 = 0xffff_f02c;
/// The number of a VLAN in it; zero is a priority alone (IEEE 802.1Q, 9.6).
const VLAN: u32 = 0x0fff;
/// ICMPv6, as the next header of IPv6 has it.
const ICMP_6: u32 = 58;
/// Its type (RFC 4861, 4.2).
const ROUTER_ADVERTISEMENT: u32 = 134;

/// What a packet socket takes.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Takes {
    /// What is for this host, or for all.
    OurOwn,
    /// Also what is for others, as far as it comes by (on a bridge of this host, at a mirroring port
    /// of a switch), and what this host sends itself: the other server may be a program beside us.
    Everything,
}

/// Lets whole UDP datagrams to one of three ports pass; written for packets that begin with their
/// IPv4 header.
fn udp_to(ports: [u16; 3], takes: Takes) -> [SockFilter; 17] {
    let op = SockFilter::new;
    let not_this = match takes {
        Takes::OurOwn => PACKET_OTHERHOST,
        Takes::Everything => PACKET_LOOPBACK,
    };
    [
        op(LOAD_HALF, 0, 0, PACKET_PROTOCOL),
        op(JUMP_EQUAL, 0, 13, libc::ETH_P_IP as u32),
        op(LOAD_HALF, 0, 0, PACKET_TAG),
        op(JUMP_ANY_BIT, 11, 0, VLAN),
        op(LOAD_WORD, 0, 0, PACKET_TYPE),
        op(JUMP_AT_LEAST, 9, 0, not_this),
        op(LOAD_BYTE, 0, 0, 9),
        op(JUMP_EQUAL, 0, 7, 17),
        op(LOAD_HALF, 0, 0, 6),
        op(JUMP_ANY_BIT, 5, 0, 0x3fff),
        op(LOAD_X_HEADER_LENGTH, 0, 0, 0),
        op(LOAD_HALF_AT_X, 0, 0, 2),
        op(JUMP_EQUAL, 3, 0, u32::from(ports[0])),
        op(JUMP_EQUAL, 2, 0, u32::from(ports[1])),
        op(JUMP_EQUAL, 1, 0, u32::from(ports[2])),
        op(RETURN, 0, 0, 0),
        op(RETURN, 0, 0, 0x4_0000),
    ]
}

/// A packet socket on one interface, for UDP to `ports`. It takes no port, so any other server of
/// this host keeps its own; the firewall of this host does not see what it sends and receives.
pub(crate) fn packet_socket(index: u32, ports: [u16; 3], takes: Takes) -> io::Result<Socket> {
    // Protocol 0: nothing arrives before the filter is in place and the interface is named.
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, None)?;
    socket.attach_filter(&udp_to(ports, takes))?;
    if takes == Takes::Everything {
        take_everything(&socket, index)?;
    }
    set_int(&socket, libc::SOL_PACKET, libc::PACKET_AUXDATA, 1)?;
    // A rack that is switched on at once speaks faster than we are scheduled. Beyond the system's
    // own limit only with CAP_NET_ADMIN; without, as much as there is.
    if set_int(&socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, RECEIVE_BUFFER).is_err() {
        set_int(&socket, libc::SOL_SOCKET, libc::SO_RCVBUF, RECEIVE_BUFFER)?;
    }
    socket.set_nonblocking(true)?;
    // What this host sends is shown to those alone that want all protocols.
    let protocol = match takes {
        Takes::OurOwn => libc::ETH_P_IP,
        Takes::Everything => libc::ETH_P_ALL,
    };
    socket.bind(&link_address(index, protocol as u16, [0; 6])?)?;
    Ok(socket)
}

/// Whether the kernel holds its clock for synchronised, as NTP clients tell it (adjtimex(2));
/// `None` if it does not say.
pub fn clock_synchronised() -> Option<bool> {
    // SAFETY: `timex` is plain numbers, for which all zeros are a value; with `modes` zero the call
    // only reads.
    let state = unsafe {
        let mut asked: libc::timex = mem::zeroed();
        libc::adjtimex(&raw mut asked)
    };
    (state >= 0).then_some(state != libc::TIME_ERROR)
}

/// A packet socket on one interface for UDP of IPv6 to one of two ports, and for router advertisements: what is for
/// others and what this host sends, too, as [`Takes::Everything`]. It takes no port. Written for packets that begin
/// with their IPv6 header.
pub(crate) fn listening_socket_6(index: u32, ports: [u16; 2]) -> io::Result<Socket> {
    const UDP: u32 = 17;
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, None)?;
    let op = SockFilter::new;
    socket.attach_filter(&[
        op(LOAD_HALF, 0, 0, PACKET_PROTOCOL),
        op(JUMP_EQUAL, 0, 12, libc::ETH_P_IPV6 as u32),
        op(LOAD_WORD, 0, 0, PACKET_TYPE),
        op(JUMP_AT_LEAST, 10, 0, PACKET_LOOPBACK),
        op(LOAD_HALF, 0, 0, PACKET_TAG),
        op(JUMP_ANY_BIT, 8, 0, VLAN),
        op(LOAD_BYTE, 0, 0, 6),
        op(JUMP_EQUAL, 0, 2, ICMP_6),
        op(LOAD_BYTE, 0, 0, 40),
        op(JUMP_EQUAL, 5, 4, ROUTER_ADVERTISEMENT),
        op(JUMP_EQUAL, 0, 3, UDP),
        op(LOAD_HALF, 0, 0, 42),
        op(JUMP_EQUAL, 2, 0, u32::from(ports[0])),
        op(JUMP_EQUAL, 1, 0, u32::from(ports[1])),
        op(RETURN, 0, 0, 0),
        op(RETURN, 0, 0, 0x4_0000),
    ])?;
    take_everything(&socket, index)?;
    if set_int(&socket, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, RECEIVE_BUFFER).is_err() {
        set_int(&socket, libc::SOL_SOCKET, libc::SO_RCVBUF, RECEIVE_BUFFER)?;
    }
    socket.set_nonblocking(true)?;
    // What this host sends is shown to those alone that want all protocols.
    socket.bind(&link_address(index, libc::ETH_P_ALL as u16, [0; 6])?)?;
    Ok(socket)
}

/// A packet socket on one interface for what routers and DHCPv6 servers say to hosts: router
/// advertisements, and UDP to `port`; written for packets that begin with their IPv6 header.
pub(crate) fn packet_socket_6(index: u32, port: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, None)?;
    let op = SockFilter::new;
    socket.attach_filter(&[
        op(LOAD_WORD, 0, 0, PACKET_TYPE),
        op(JUMP_AT_LEAST, 6, 0, PACKET_OTHERHOST),
        op(LOAD_BYTE, 0, 0, 6),
        op(JUMP_EQUAL, 0, 2, ICMP_6),
        op(LOAD_BYTE, 0, 0, 40),
        op(JUMP_EQUAL, 3, 2, ROUTER_ADVERTISEMENT),
        op(LOAD_HALF, 0, 0, 42),
        op(JUMP_EQUAL, 1, 0, u32::from(port)),
        op(RETURN, 0, 0, 0),
        op(RETURN, 0, 0, 0x4_0000),
    ])?;
    socket.set_nonblocking(true)?;
    socket.bind(&link_address(index, libc::ETH_P_IPV6 as u16, [0; 6])?)?;
    Ok(socket)
}

/// Sends one IPv6 packet to a link-layer address.
pub(crate) fn send_frame_6(socket: &Socket, index: u32, to: Mac, packet: &[u8]) -> io::Result<()> {
    socket.send_to(packet, &link_address(index, libc::ETH_P_IPV6 as u16, to)?).map(|_| ())
}

/// A packet socket for ARP replies to this host on one interface.
pub(crate) fn arp_socket(index: u32) -> io::Result<Socket> {
    let socket = Socket::new(Domain::PACKET, Type::DGRAM, None)?;
    let op = SockFilter::new;
    socket.attach_filter(&[
        op(LOAD_WORD, 0, 0, PACKET_TYPE),
        op(JUMP_AT_LEAST, 3, 0, PACKET_OTHERHOST),
        op(LOAD_HALF, 0, 0, 6),
        op(JUMP_EQUAL, 0, 1, 2),
        op(RETURN, 0, 0, 0x4_0000),
        op(RETURN, 0, 0, 0),
    ])?;
    socket.set_nonblocking(true)?;
    socket.bind(&link_address(index, libc::ETH_P_ARP as u16, [0; 6])?)?;
    Ok(socket)
}

/// Sends one ARP message to everybody on the link.
pub(crate) fn send_arp(socket: &Socket, index: u32, message: &[u8]) -> io::Result<()> {
    let all = link_address(index, libc::ETH_P_ARP as u16, BROADCAST_MAC)?;
    socket.send_to(message, &all).map(|_| ())
}

/// A raw socket for ICMP echoes of ours; answers that carry another number stay outside.
pub(crate) fn echo_socket(id: u16) -> io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::from(libc::SOCK_RAW), Some(Protocol::ICMPV4))?;
    let op = SockFilter::new;
    socket.attach_filter(&[
        op(LOAD_X_HEADER_LENGTH, 0, 0, 0),
        op(LOAD_BYTE_AT_X, 0, 0, 0),
        op(JUMP_EQUAL, 0, 3, 0),
        op(LOAD_HALF_AT_X, 0, 0, 4),
        op(JUMP_EQUAL, 0, 1, u32::from(id)),
        op(RETURN, 0, 0, 0x4_0000),
        op(RETURN, 0, 0, 0),
    ])?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Lets Tokio tell when a socket is ready.
pub(crate) fn watched(socket: Socket) -> io::Result<AsyncFd<Socket>> {
    // SAFETY: a Socket owns its descriptor, and nobody here closes or replaces it while the
    // AsyncFd has it.
    Ok(unsafe { AsyncFd::register(socket) }?)
}

/// The socket for replies that the kernel routes: whole IPv4 packets, no port needed.
pub(crate) fn routed_socket() -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::IPV4,
        Type::from(libc::SOCK_RAW),
        Some(Protocol::from(libc::IPPROTO_RAW)),
    )?;
    socket.set_nonblocking(true)?;
    Ok(socket)
}

/// Makes a UDP socket let routers fragment (IP_PMTUDISC_DONT): PXE ROMs are known that drop
/// packets with "don't fragment".
pub(crate) fn let_fragment(socket: &Socket, at: IpAddr) -> io::Result<()> {
    let (level, name) = match at {
        IpAddr::V4(_) => (libc::IPPROTO_IP, libc::IP_MTU_DISCOVER),
        IpAddr::V6(_) => (libc::IPPROTO_IPV6, libc::IPV6_MTU_DISCOVER),
    };
    set_int(socket, level, name, libc::IP_PMTUDISC_DONT)
}

/// Makes a socket swallow what arrives without keeping it.
pub(crate) fn swallow_all(socket: &Socket) -> io::Result<()> {
    socket.attach_filter(&[SockFilter::new(RETURN, 0, 0, 0)])
}

/// Sends one IPv4 packet to a link-layer address.
pub(crate) fn send_frame(socket: &Socket, index: u32, to: Mac, packet: &[u8]) -> io::Result<()> {
    socket.send_to(packet, &link_address(index, libc::ETH_P_IP as u16, to)?).map(|_| ())
}

fn link_address(index: u32, protocol: u16, mac: Mac) -> io::Result<SockAddr> {
    let mut address = [0; 8];
    address[..6].copy_from_slice(&mac);
    let link = libc::sockaddr_ll {
        sll_family: libc::AF_PACKET as u16,
        sll_protocol: protocol.to_be(),
        sll_ifindex: i32::try_from(index).map_err(io::Error::other)?,
        sll_hatype: 0,
        sll_pkttype: 0,
        sll_halen: 6,
        sll_addr: address,
    };
    let mut storage = SockAddrStorage::zeroed();
    // SAFETY: sockaddr_ll is one of the address types that the storage is made to hold: plain
    // data, smaller than it and no stricter aligned.
    unsafe { *storage.view_as::<libc::sockaddr_ll>() = link };
    // SAFETY: the storage was just filled with a valid address of this length.
    Ok(unsafe { SockAddr::new(storage, length_of::<libc::sockaddr_ll>()) })
}

/// Receives one packet, beginning with its IPv4 header.
pub(crate) fn receive(socket: &Socket, buffer: &mut [u8]) -> io::Result<Received> {
    #[repr(align(8))]
    struct Control([u8; 64]);
    let mut control = Control([0; 64]);
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    // SAFETY: all zero is a valid sockaddr_ll and a valid msghdr.
    let (mut from, mut head): (libc::sockaddr_ll, libc::msghdr) = unsafe { mem::zeroed() };
    head.msg_name = (&raw mut from).cast();
    head.msg_namelen = length_of::<libc::sockaddr_ll>();
    head.msg_iov = &raw mut part;
    head.msg_iovlen = 1;
    head.msg_control = control.0.as_mut_ptr().cast();
    head.msg_controllen = control.0.len();

    // SAFETY: every pointer in `head` points to a live local with the length given beside it.
    let got = unsafe { libc::recvmsg(socket.as_raw_fd(), &raw mut head, 0) };
    let length = usize::try_from(got).map_err(|_| io::Error::last_os_error())?;
    Ok(received(&head, &from, length))
}

/// What the kernel said of a packet; `head` and its control buffer as recvmsg left them.
fn received(head: &libc::msghdr, from: &libc::sockaddr_ll, length: usize) -> Received {
    let [a, b, c, d, e, f, ..] = from.sll_addr;
    let known = libc::TP_STATUS_CSUMNOTREADY | libc::TP_STATUS_CSUM_VALID;
    Received {
        length,
        cut: head.msg_flags & libc::MSG_TRUNC != 0,
        from: [a, b, c, d, e, f],
        verify: auxiliary_status(head) & known == 0,
    }
}

/// The status word that PACKET_AUXDATA adds to a received packet; 0 if there is none.
fn auxiliary_status(head: &libc::msghdr) -> u32 {
    // SAFETY: recvmsg filled `head` and its control buffer, which the caller keeps alive and which
    // is aligned for cmsghdr; the macros stay inside the length it gave.
    let mut next = unsafe { libc::CMSG_FIRSTHDR(head) };
    while !next.is_null() {
        // SAFETY: not null, so it points to a whole header inside the control buffer.
        let message = unsafe { &*next };
        if (message.cmsg_level, message.cmsg_type) == (libc::SOL_PACKET, libc::PACKET_AUXDATA) {
            // SAFETY: data of this type is a tpacket_auxdata; read without regard to alignment.
            let data =
                unsafe { libc::CMSG_DATA(next).cast::<libc::tpacket_auxdata>().read_unaligned() };
            return data.tp_status;
        }
        // SAFETY: as for CMSG_FIRSTHDR.
        next = unsafe { libc::CMSG_NXTHDR(head, next) };
    }
    0
}

/// The largest packet of an interface.
pub(crate) fn mtu(name: &str) -> Option<u32> {
    let socket = Socket::new(Domain::IPV4, Type::DGRAM, None).ok()?;
    // SAFETY: all zero is a valid ifreq.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    if name.len() >= request.ifr_name.len() {
        return None;
    }
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from.cast_signed();
    }
    // SAFETY: the request is a live ifreq with a closed name; this one writes to its union only.
    if unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFMTU, &raw mut request) } != 0 {
        return None;
    }
    // SAFETY: SIOCGIFMTU fills this member, and any four bytes are an int.
    u32::try_from(unsafe { request.ifr_ifru.ifru_mtu }).ok()
}

/// Makes the interface hand up what is for others, for as long as the socket is open.
fn take_everything(socket: &Socket, index: u32) -> io::Result<()> {
    let wish = libc::packet_mreq {
        mr_ifindex: i32::try_from(index).map_err(io::Error::other)?,
        mr_type: libc::PACKET_MR_PROMISC as u16,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    // SAFETY: the pointer is to a live packet_mreq, and the length is that of one.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            libc::SOL_PACKET,
            libc::PACKET_ADD_MEMBERSHIP,
            (&raw const wish).cast(),
            length_of::<libc::packet_mreq>(),
        )
    };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

fn set_int(socket: &Socket, level: i32, name: i32, value: i32) -> io::Result<()> {
    // SAFETY: the pointer is to a live i32, and the length is that of an i32.
    let set = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            length_of::<i32>(),
        )
    };
    if set == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

const fn length_of<T>() -> libc::socklen_t {
    size_of::<T>() as libc::socklen_t
}
