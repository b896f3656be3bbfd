//! What is said over IPv6 and is not for us: routers and DHCPv6 servers are heard where we answer and where we only
//! listen; what we say ourselves, and what came from afar, is not.

mod support;

use engine::Listened6;
use model::network::Mode;
use model::{HardwareAddress, Network6};
use serve::{Limits, Ports};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::time::Duration;
use support::{House, Server, Store, World, able, eventually, inside, run};
use wire::dhcp6::{CLIENT_PORT, Kind, Packet};
use wire::ndp::{self, Prefix, RouterAdvertisement};

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const US: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1);
const THEM: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);
const THEIR_MAC: [u8; 6] = [0x52, 0x54, 0, 0, 0, 9];

fn their_mac() -> HardwareAddress {
    HardwareAddress::mac(THEIR_MAC)
}

struct Stage {
    world: World,
    house: House,
    running: Server,
}

/// A link without IPv4 that is served, or listened to.
fn stage(mode: Mode) -> Stage {
    let (world, house) = (World::new(), House::new(|_| None));
    world.with_ipv6();
    let lan = Network6::new("lan", "fd77::1".parse().unwrap(), "fd77::/64".parse().unwrap());
    let networks = serve::Networks { v4: &[], v6: &[Network6 { mode, ..lan }] };
    let ports = Ports { http: 80, tls: None, syslog: None, dns: None, publish: Vec::new() };
    let with = (ports, Limits::default());
    let running = Server::try_start_both(&world.here, &house, &Store::default(), networks, with);
    Stage { running: running.unwrap(), world, house }
}

/// Has a router say, at `ns`, that machines make themselves addresses of `fd99::/64`.
fn advertises(ns: &str, link: &str, from: Ipv6Addr, hops: u32) -> Vec<u8> {
    let prefix = Prefix {
        address: "fd99::".parse().unwrap(),
        length: 64,
        on_link: true,
        autonomous: true,
        valid_s: 600,
    };
    let says = RouterAdvertisement {
        lifetime_s: 1800,
        prefixes: vec![prefix],
        ..RouterAdvertisement::default()
    };
    let bytes = says.encode(600);
    inside(ns, || {
        let index = nix::net::if_::if_nametoindex(link).unwrap();
        let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6)).unwrap();
        socket.set_multicast_hops_v6(hops).unwrap();
        socket.set_multicast_if_v6(index).unwrap();
        socket.bind(&SockAddr::from(SocketAddrV6::new(from, 0, 0, index))).unwrap();
        let to = SockAddr::from(SocketAddrV6::new(ALL_NODES, 0, 0, index));
        socket.send_to(&bytes, &to).unwrap();
    });
    bytes
}

/// Has a DHCPv6 server say something to all.
fn says(ns: &str, link: &str, from: Ipv6Addr) -> Vec<u8> {
    let bytes = Packet::new(Kind::Advertise, [1, 2, 3]).encode().unwrap();
    inside(ns, || {
        let index = nix::net::if_::if_nametoindex(link).unwrap();
        let socket = Socket::new(Domain::IPV6, Type::DGRAM, None).unwrap();
        socket.set_multicast_if_v6(index).unwrap();
        socket.bind(&SockAddr::from(SocketAddrV6::new(from, 0, 0, index))).unwrap();
        let to = SockAddr::from(SocketAddrV6::new(ALL_NODES, CLIENT_PORT, 0, index));
        socket.send_to(&bytes, &to).unwrap();
    });
    bytes
}

/// Routers that were heard: their addresses, their cards, and what they said.
fn routers(house: &House) -> Vec<(Ipv6Addr, HardwareAddress, Vec<u8>)> {
    let all = house.listened6().into_iter().filter_map(|heard| match heard {
        Listened6::Advertised(said) => {
            assert_eq!(said.link, "lan");
            // The kernel made the checksum.
            let without = [&said.bytes[..2], &[0, 0], &said.bytes[4..]].concat();
            Some((said.from, said.mac, without))
        }
        _ => None,
    });
    all.collect()
}

fn servers(house: &House) -> Vec<(Ipv6Addr, HardwareAddress, Vec<u8>)> {
    let all = house.listened6().into_iter().filter_map(|heard| match heard {
        Listened6::Said(said) => Some((*said.from.ip(), said.mac, said.bytes)),
        _ => None,
    });
    all.collect()
}

#[test]
fn routers_and_servers_are_heard_where_we_answer_and_where_we_only_listen() {
    if !able(&[]) {
        return;
    }
    for mode in [Mode::Dhcp, Mode::Listen] {
        let Stage { world, house, running } = stage(mode);
        let there = &world.there;
        // A router elsewhere, whose word somebody handed on.
        let _ = advertises(there, "nic", THEM, 64);
        let router = advertises(there, "nic", THEM, 255);
        let server = says(there, "nic", THEM);
        let both =
            || Some(()).filter(|()| !servers(&house).is_empty() && !routers(&house).is_empty());
        eventually(both).unwrap_or_else(|| panic!("{mode}: {:?}", house.listened6()));
        assert_eq!(routers(&house), [(THEM, their_mac(), router)], "{mode}");
        assert_eq!(servers(&house), [(THEM, their_mac(), server)], "{mode}");
        let counted = || Some(running.counts()).filter(|counts| counts.dhcp_overheard == 2);
        assert!(eventually(counted).is_some(), "{mode}: {:?}", running.counts());
    }
}

#[test]
fn what_this_host_says_is_heard_only_where_it_may_be_of_another_program() {
    if !able(&[]) {
        return;
    }
    for mode in [Mode::Dhcp, Mode::Listen] {
        let Stage { world, house, running } = stage(mode);
        let _ = advertises(&world.here, "lan", US, 255);
        let _ = says(&world.here, "lan", US);
        // What comes after it is heard after it.
        let _ = advertises(&world.there, "nic", THEM, 255);
        let heard = || Some(()).filter(|()| routers(&house).iter().any(|(from, ..)| *from == THEM));
        eventually(heard).unwrap_or_else(|| panic!("{mode}: {:?}", house.listened6()));
        let expected = usize::from(mode == Mode::Listen);
        let ours = routers(&house).iter().filter(|(from, ..)| *from == US).count();
        assert_eq!((ours, servers(&house).len()), (expected, expected), "{mode}");
        drop(running);
    }
}

#[test]
fn an_interface_that_is_made_anew_is_heard_again() {
    if !able(&[]) {
        return;
    }
    let Stage { world, house, running } = stage(Mode::Listen);
    run("ip", &["-n", &world.here, "link", "delete", "lan"]);
    world.cable();
    run("ip", &["-n", &world.there, "address", "add", "fe80::9/64", "dev", "nic", "nodad"]);
    let heard = || {
        let _ = advertises(&world.there, "nic", THEM, 255);
        std::thread::sleep(Duration::from_millis(200));
        (!routers(&house).is_empty()).then_some(())
    };
    assert!(eventually(heard).is_some(), "{:?}", house.listened6());
    drop(running);
}

/// Three advertisements: of VLAN 10, with a priority alone, and plain; each says another time.
const TAGGED: &str = r#"
from scapy.all import Dot1Q, Ether, ICMPv6ND_RA, IPv6, sendp
def says(lifetime_s, *tag):
    frame = Ether(src="52:54:00:00:00:09", dst="33:33:00:00:00:01")
    for one in tag:
        frame = frame / one
    packet = IPv6(src="fe80::9", dst="ff02::1", hlim=255) / ICMPv6ND_RA(routerlifetime=lifetime_s)
    sendp(frame / packet, iface="nic", verbose=False)
says(10, Dot1Q(vlan=10))
says(20, Dot1Q(vlan=0, prio=5))
says(30)
"#;

#[test]
fn a_vlan_of_the_interface_is_another_link() {
    if !able(&["/usr/bin/python3"]) {
        return;
    }
    for mode in [Mode::Dhcp, Mode::Listen] {
        let Stage { world, house, running } = stage(mode);
        let sent = world.there("/usr/bin/python3", &["-c", TAGGED]);
        assert!(sent.status.success(), "{}", String::from_utf8_lossy(&sent.stderr));
        let times = || -> Vec<u16> {
            let all = routers(&house).into_iter();
            all.map(|(.., bytes)| ndp::router_advertisement(&bytes).unwrap().lifetime_s).collect()
        };
        let plain = eventually(|| Some(times()).filter(|times| times.contains(&30)));
        assert_eq!(plain, Some(vec![20, 30]), "{mode}: {:?}", times());
        drop(running);
    }
}
