//! DHCPv6: random networks, reservations and messages, bent ones and such in envelopes of relays.

use engine::{Answer, Datagram6, Engine, Outgoing6, Settings};
use lab::sim::chance::Chance;
use model::lease::{Reservation6, ReservedFor6};
use model::network::HttpBoot;
use model::{Change, HardwareAddress, Network6, Now};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::time::Duration;
use wire::dhcp6::{
    ALL_SERVERS, Association, Envelope, Given, Heard, Kind, Packet, code, duid, forwarded,
};

use super::judge;

/// Messages to one world before the next is made.
const MESSAGES: u64 = 60;
/// Clients of a world.
const CLIENTS: u64 = 20;

/// Every option is one that scapy knows, and nothing is left over.
const SCAPY: &str = r#"
from scapy.layers.inet6 import IPv6
from scapy.layers.dhcp6 import *

def layers(p):
    while p is not None and p.name != "NoPayload":
        yield p
        p = p.payload

def judge(data):
    p = IPv6(data)
    said = []
    seen = [l for l in layers(p)]
    if not any(l.name.startswith("DHCPv6") for l in seen):
        said.append("no DHCPv6 in it")
    inner = []
    for l in seen:
        if isinstance(l, DHCP6OptRelayMsg):
            said.extend(judge_message(l.message))
        if isinstance(l, DHCP6OptIA_NA):
            inner.extend(l.ianaopts)
    for l in seen + inner:
        if isinstance(l, (Raw, Padding, DHCP6OptUnknown)):
            said.append("bytes that are no option: %r" % bytes(l)[:40])
    return said

def judge_message(message):
    said = []
    for l in layers(message):
        if isinstance(l, DHCP6OptRelayMsg):
            said.extend(judge_message(l.message))
        if isinstance(l, (Raw, Padding, DHCP6OptUnknown)):
            said.append("bytes that are no option: %r" % bytes(l)[:40])
    return said
"#;

#[test]
fn tshark_and_scapy_find_nothing_malformed_in_what_any_world_says_over_dhcpv6() {
    judge(world, &[], "dhcpv6", SCAPY);
}

/// A world, some messages to it, and what it says.
fn world(chance: &mut Chance, packets: &mut Vec<Vec<u8>>) {
    let mut engine = random_engine(chance);
    let mut now = Now(chance.below(1 << 31));
    let mut told: Vec<Packet> = Vec::new();
    for _ in 0..MESSAGES {
        now = now + Duration::from_millis(chance.below(100_000));
        let datagram = random_datagram(chance, &told);
        let Answer::Reply(outgoing) = engine.dhcp6(now, &datagram).answer else { continue };
        if let Ok(reply) = Packet::parse(&outgoing.bytes) {
            told.insert(0, reply);
            told.truncate(8);
        }
        packets.push(packet(&outgoing));
    }
}

/// With its IPv6 and UDP headers.
fn packet(outgoing: &Outgoing6) -> Vec<u8> {
    let (from, to) = (ip("fd77::1"), *outgoing.to.ip());
    let length = u16::try_from(8 + outgoing.bytes.len()).unwrap();
    let mut udp = Vec::new();
    for word in [547, outgoing.to.port(), length, 0] {
        udp.extend(word.to_be_bytes());
    }
    udp.extend(&outgoing.bytes);
    let sum =
        checksum(&[&from.octets(), &to.octets(), &[0, 0], &length.to_be_bytes(), &[0, 17], &udp]);
    udp[6..8].copy_from_slice(&sum.to_be_bytes());
    let mut packet = vec![0x60, 0, 0, 0];
    packet.extend(length.to_be_bytes());
    packet.extend([17, 64]);
    packet.extend(from.octets());
    packet.extend(to.octets());
    packet.extend(udp);
    packet
}

fn checksum(parts: &[&[u8]]) -> u16 {
    let mut bytes = parts.concat();
    if bytes.len() % 2 == 1 {
        bytes.push(0);
    }
    let words = bytes.chunks_exact(2).map(|two| u32::from(u16::from_be_bytes([two[0], two[1]])));
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    match !u16::try_from(sum).unwrap() {
        0 => 0xffff,
        sum => sum,
    }
}

fn ip(text: &str) -> Ipv6Addr {
    text.parse().unwrap()
}

fn random_engine(chance: &mut Chance) -> Engine {
    let networks6 = (0..1 + chance.below(2)).map(|n| random_network(chance, n)).collect();
    let mut engine = Engine::new(Settings {
        server_name: "lab".into(),
        networks: Vec::new(),
        networks6,
        http_port: *chance.one_of(&[80, 8080]).unwrap(),
        tls_port: chance.percent(50).then_some(443),
        lease_history: Duration::from_secs(86_400),
        boot: engine::BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    });
    for last in 0..chance.below(6) {
        let holder = match chance.below(2) {
            0 => ReservedFor6::Mac(HardwareAddress::mac(mac(last))),
            _ => ReservedFor6::Duid(random_duid(chance, last)),
        };
        engine.apply(&Change::Reservation6(Reservation6 {
            address: Ipv6Addr::from(u128::from(ip("fd77::10")) + u128::from(last)),
            holder,
            host_name: chance.percent(50).then(|| "box".to_owned()),
            since: Now(0),
        }));
        let machine = model::Machine::new(HardwareAddress::mac(mac(last)), Now(0));
        engine.apply(&Change::Machine(machine));
    }
    for (name, kind, arch) in [
        ("snponly-x64.efi", model::LoaderKind::Snponly, model::Arch::X64Uefi),
        ("ipxe-arm64.efi", model::LoaderKind::Snponly, model::Arch::Arm64Uefi),
    ] {
        engine.apply(&crate::loader(name, kind, arch));
    }
    engine
}

fn random_network(chance: &mut Chance, n: u64) -> Network6 {
    let prefix = format!("fd77:0:0:{n}::");
    let address = |last: u64| ip(&format!("{prefix}{last:x}"));
    let subnet = format!("{prefix}/64").parse().unwrap();
    let size = chance.below(30);
    let pool = format!("{prefix}100-{prefix}{:x}", 0x100 + size).parse().unwrap();
    Network6 {
        pools: if chance.percent(90) { vec![pool] } else { Vec::new() },
        dns: (0..chance.below(4)).map(|n| address(0x50 + n)).collect(),
        domain: chance.percent(50).then(|| "lab.example.org".to_owned()),
        lease: chance.percent(80).then(|| Duration::from_secs(600 + chance.below(1 << 33))),
        relays: if chance.percent(50) { vec![ip("fd90::1")] } else { Vec::new() },
        rapid_commit: chance.percent(50),
        http_boot: if chance.percent(50) { HttpBoot::Http } else { HttpBoot::Https },
        ..Network6::new("lan", address(1), subnet)
    }
}

fn mac(last: u64) -> [u8; 6] {
    [0x52, 0x54, 0, 0, 0, u8::try_from(last % 256).unwrap()]
}

fn random_duid(chance: &mut Chance, client: u64) -> Vec<u8> {
    let mac = mac(client);
    match chance.below(4) {
        0 => [&[0, 1, 0, 1, 1, 2, 3, 4][..], &mac].concat(),
        1 => [&[0, 2, 0, 0, 0, 9][..], &mac].concat(),
        2 => [&[0, 4][..], &[0; 10], &mac].concat(),
        _ => duid::of_mac(mac),
    }
}

fn random_packet(chance: &mut Chance, told: &[Packet]) -> Packet {
    let kinds: Vec<Kind> = [Kind::Solicit, Kind::Request, Kind::Request, Kind::Renew]
        .into_iter()
        .chain(Kind::ALL)
        .collect();
    let kind = *chance.one_of(&kinds).unwrap();
    let xid = chance.below(1 << 24).to_be_bytes();
    let mut packet = Packet::new(kind, [xid[5], xid[6], xid[7]]);
    let before = chance.one_of(told).filter(|_| kind != Kind::Solicit).cloned();
    let names_server = matches!(kind, Kind::Request | Kind::Renew | Kind::Release | Kind::Decline);
    match before {
        Some(before) => {
            packet.client_id = before.client_id;
            packet.server_id = before.server_id.filter(|_| names_server);
            packet.associations = before.associations;
        }
        None => {
            let client = chance.below(CLIENTS);
            packet.client_id = Some(random_duid(chance, client));
            packet.associations =
                (0..chance.below(4)).map(|n| random_association(chance, n)).collect();
        }
    }
    for association in &mut packet.associations {
        association.status = None;
    }
    said_of_itself(chance, &mut packet);
    packet
}

fn random_association(chance: &mut Chance, n: u64) -> Association {
    let address = |last| Ipv6Addr::from(u128::from(ip("fd77::100")) + u128::from(last));
    let addresses = (0..chance.below(3)).map(|_| Given {
        address: address(chance.below(40)),
        preferred_s: 0,
        valid_s: u32::try_from(chance.below(1 << 31)).unwrap(),
    });
    let addresses = addresses.collect();
    Association { iaid: u32::try_from(n).unwrap(), addresses, ..Association::default() }
}

fn said_of_itself(chance: &mut Chance, packet: &mut Packet) {
    if chance.percent(60) {
        let arch = *chance.one_of(&[0_u16, 6, 7, 9, 11, 16, 19, 27, 99]).unwrap();
        let class = if matches!(arch, 16 | 19) { "HTTPClient" } else { "PXEClient" };
        let class = format!("{class}:Arch:{arch:05}:UNDI:003016");
        packet.vendor_classes = vec![(343, vec![class.into_bytes()])];
        packet.archs = if chance.percent(80) { vec![arch] } else { Vec::new() };
        packet.ndi = Some([1, 3, 16]);
    }
    if chance.percent(25) {
        packet.user_classes = vec![b"iPXE".to_vec()];
    }
    packet.wanted =
        (0..chance.below(20)).map(|_| u16::try_from(chance.below(100)).unwrap()).collect();
    if chance.percent(70) {
        packet.wanted.extend([code::BOOT_FILE_URL, code::DNS, code::DOMAINS, code::VENDOR_CLASS]);
    }
    packet.rapid_commit = packet.kind == Kind::Solicit && chance.percent(40);
    packet.elapsed = Some(u16::try_from(chance.below(60_000)).unwrap());
    packet.name = chance.percent(30).then(|| b"my-host".to_vec());
}

fn random_datagram(chance: &mut Chance, told: &[Packet]) -> Datagram6 {
    let packet = random_packet(chance, told);
    let mut bytes = packet.encode().expect("a message of ours fits");
    if chance.percent(15) {
        let whole = bytes.clone();
        for _ in 0..1 + chance.below(4) {
            let at = 4 + usize::try_from(chance.below(bytes.len() as u64 - 4)).unwrap();
            bytes[at] = u8::try_from(chance.below(256)).unwrap();
        }
        // Its identifier goes back as it came, damaged or not: that is not ours to be judged by.
        if Heard::parse(&bytes).is_ok_and(|heard| heard.packet.client_id != packet.client_id) {
            bytes = whole;
        }
    }
    let mut from =
        SocketAddrV6::new(duid::address_of(ip("fe80::"), mac(chance.below(9))), 546, 0, 2);
    let mut to = if chance.percent(95) { ALL_SERVERS } else { ip("fd77::1") };
    if chance.percent(30) {
        let relays = random_relays(chance);
        bytes = forwarded(&relays, bytes);
        from = SocketAddrV6::new(ip("fd90::1"), 547, 0, 0);
        to = ip("fd77::1");
    }
    Datagram6 { link: "lan".into(), from, to, bytes }
}

/// The nearest to us first.
fn random_relays(chance: &mut Chance) -> Vec<Envelope> {
    let count = u8::try_from(1 + chance.below(8)).unwrap();
    (0..count)
        .map(|n| Envelope {
            hops: count - 1 - n,
            link: *chance.one_of(&[ip("fd90::1"), ip("fd77::1"), ip("::")]).unwrap(),
            peer: ip("fe80::7"),
            interface_id: chance
                .percent(50)
                .then(|| vec![b'p'; usize::try_from(1 + chance.below(60)).unwrap()]),
            link_layer: chance.percent(30).then(|| (1, mac(3).to_vec())),
        })
        .collect()
}
