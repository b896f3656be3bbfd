//! Frames made by hand, and what must hold for any bytes.

pub mod walk;

use capture::{Interface, LinkType, Packet, Writer};

/// 2026-01-01, in nanoseconds.
pub const START_NS: u64 = 1_767_225_600_000_000_000;

/// Ethernet around an Ethernet type and what is behind it.
pub fn ethernet(tags: &[u8], inside: &[u8]) -> Vec<u8> {
    let addresses = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    [&addresses, tags, inside].concat()
}

/// An IPv4 packet. `place`: flags and offset of a fragment.
pub fn ipv4(protocol: u8, id: u16, place: u16, inside: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x45, 0];
    packet.extend(u16::try_from(20 + inside.len()).unwrap().to_be_bytes());
    packet.extend(id.to_be_bytes());
    packet.extend(place.to_be_bytes());
    packet.extend([64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    packet.extend(inside);
    packet
}

/// An IPv6 packet.
pub fn ipv6(next: u8, inside: &[u8]) -> Vec<u8> {
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(u16::try_from(inside.len()).unwrap().to_be_bytes());
    packet.extend([next, 64]);
    for last in [1, 2] {
        packet.extend([0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
    }
    packet.extend(inside);
    packet
}

/// A UDP datagram to port 67.
pub fn udp(payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0, 68, 0, 67];
    bytes.extend(u16::try_from(8 + payload.len()).unwrap().to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(payload);
    bytes
}

/// A TCP segment to port 80.
pub fn tcp(number: u32, flags: u8, payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x80, 0, 0, 80];
    bytes.extend(number.to_be_bytes());
    bytes.extend([0, 0, 0, 0, 0x50, flags, 0xff, 0xff, 0, 0, 0, 0]);
    bytes.extend(payload);
    bytes
}

pub const IPV4: [u8; 2] = [8, 0];
pub const IPV6: [u8; 2] = [0x86, 0xdd];

/// One frame of every kind that is read, with the payload it carries where it is whole.
pub fn frames() -> Vec<(LinkType, Vec<u8>)> {
    let ether = LinkType::Ethernet;
    let long: Vec<u8> = (0..64).collect();
    let whole = udp(&long);
    let fragment = |more: bool, from: usize, to: usize| {
        let place = u16::try_from(from / 8).unwrap() | if more { 0x2000 } else { 0 };
        ethernet(&IPV4, &ipv4(17, 7, place, &whole[from..to]))
    };
    let part6 = |more: u8, from: usize, to: usize| {
        let place = u16::try_from(from).unwrap().to_be_bytes();
        let head = [17, 0, place[0], place[1] | more, 0, 0, 0, 9];
        ethernet(&IPV6, &ipv6(44, &[&head, &whole[from..to]].concat()))
    };
    let cooked = [&[0, 0, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0][..], &IPV4].concat();
    let cooked2 = [&IPV4[..], &[0, 0, 0, 0, 0, 3, 0, 1, 0, 6, 2, 0, 0, 0, 0, 1, 0, 0]].concat();
    let arp = [&[0, 1, 8, 0, 6, 4, 0, 2, 2, 0, 0, 0, 0, 1, 10, 0, 0, 1][..], &[0; 10]].concat();
    vec![
        (ether, ethernet(&IPV4, &ipv4(17, 1, 0, &udp(b"plain")))),
        (ether, ethernet(&[0x81, 0, 0, 5, 8, 0], &ipv4(17, 2, 0, &udp(b"tagged")))),
        (
            ether,
            ethernet(&[0x88, 0xa8, 0, 9, 0x81, 0, 0, 5, 8, 0], &ipv4(17, 3, 0, &udp(b"twice"))),
        ),
        (ether, ethernet(&[8, 6], &arp)),
        (ether, fragment(true, 32, 64)),
        (ether, fragment(false, 64, 72)),
        (ether, fragment(true, 0, 32)),
        (ether, ethernet(&IPV6, &ipv6(17, &udp(b"six")))),
        (
            ether,
            ethernet(&IPV6, &ipv6(0, &[&[17, 0, 1, 4, 0, 0, 0, 0][..], &udp(b"hop")].concat())),
        ),
        (ether, part6(1, 0, 32)),
        (ether, part6(0, 32, 72)),
        (LinkType::LinuxCooked, [&cooked[..], &ipv4(17, 4, 0, &udp(b"cooked"))].concat()),
        (LinkType::LinuxCooked2, [&cooked2[..], &ipv4(17, 5, 0, &udp(b"cooked2"))].concat()),
        (LinkType::RawIp, ipv4(17, 6, 0, &udp(b"raw"))),
        (LinkType::RawIp, ipv6(17, &udp(b"raw six"))),
        (LinkType::Ipv4, ipv4(17, 8, 0, &udp(b"four"))),
        (LinkType::Ipv6, ipv6(17, &udp(b"only six"))),
        (ether, ethernet(&IPV4, &ipv4(6, 20, 0, &tcp(99, 2, b"")))),
        (ether, ethernet(&IPV4, &ipv4(6, 21, 0, &tcp(115, 0x10, b"HTTP/1.1\r\n\r\n")))),
        (ether, ethernet(&IPV4, &ipv4(6, 22, 0, &tcp(100, 0x10, b"GET /boot.ipxe ")))),
        (ether, ethernet(&IPV4, &ipv4(6, 23, 0, &tcp(127, 0x11, b"")))),
    ]
}

/// What [`frames`] carry, in the order in which it is complete.
pub fn carried() -> Vec<Vec<u8>> {
    let long: Vec<u8> = (0..64).collect();
    let texts: [&[u8]; 16] = [
        b"plain",
        b"tagged",
        b"twice",
        &long,
        b"six",
        b"hop",
        &long,
        b"cooked",
        b"cooked2",
        b"raw",
        b"raw six",
        b"four",
        b"only six",
        b"GET /boot.ipxe ",
        b"HTTP/1.1\r\n\r\n",
        b"",
    ];
    let mut all: Vec<Vec<u8>> = texts.iter().map(|text| text.to_vec()).collect();
    // Both segments come into order with the first.
    let [.., request, head, _] = all.as_mut_slice() else { unreachable!("there are sixteen") };
    request.append(head);
    all.retain(|text| !text.is_empty());
    all
}

/// A file of these frames, one interface for each kind of link, some of them with comments.
pub fn file() -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), "test").unwrap();
    let mut links: Vec<LinkType> = Vec::new();
    for (n, (link, bytes)) in frames().into_iter().enumerate() {
        let interface = links.iter().position(|known| *known == link).unwrap_or_else(|| {
            links.push(link);
            let name = Some(format!("lan{}", links.len()));
            writer.interface(&Interface { name, link }).unwrap()
        });
        let comments = if n % 3 == 0 { vec![format!("packet {n}")] } else { Vec::new() };
        let at_ns = START_NS + n as u64 * 1_000_001;
        let wire_len = u32::try_from(bytes.len()).unwrap();
        writer.packet(&Packet { at_ns, interface, link, wire_len, bytes, comments }).unwrap();
    }
    writer.finish().unwrap()
}
