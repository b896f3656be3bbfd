//! DHCP through packet sockets: what is heard, what is sent where, and who else is left in peace.

mod support;

use engine::{Datagram, Destination, Outgoing};
use model::HardwareAddress;
use model::network::Mode;
use serve::Limits;
use serve::holder::{Transport, holders};
use serve::probe::probe;
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::time::{Duration, Instant};
use support::{
    CLIENT, House, SERVER, Server, Store, World, able, eventually, inside, network, run,
};
use wire::dhcp4::{Message, MessageType, Options, code};

const MAC: [u8; 6] = [0x52, 0x54, 0, 0, 0, 9];
const GIVEN: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 150);

/// A server of one address, which sends where it is told.
fn giver(to: impl Fn(&Datagram) -> Destination + Send + Sync + 'static) -> House {
    House::new(move |datagram| {
        let request = Message::parse_request(&datagram.bytes).ok()?;
        let kind = request.options.get(code::MESSAGE_TYPE)?[0];
        let answer = match MessageType::try_from(kind).ok()? {
            MessageType::Discover => MessageType::Offer,
            MessageType::Request | MessageType::Inform => MessageType::Ack,
            _ => return None,
        };
        let mut reply = Message::reply_to(&request);
        reply.yiaddr = GIVEN;
        reply.options.push(code::MESSAGE_TYPE, [answer.number()]);
        reply.options.push(code::SERVER_ID, SERVER.octets());
        reply.options.push(code::LEASE_TIME, 600_u32.to_be_bytes());
        reply.options.push(code::SUBNET_MASK, [255, 255, 255, 0]);
        Some(Outgoing {
            link: datagram.link.clone(),
            from: SocketAddrV4::new(SERVER, datagram.port),
            to: to(datagram),
            bytes: reply.encode(1472).unwrap(),
            delay: None,
            check: None,
        })
    })
}

fn message(kind: MessageType, xid: u32) -> Message {
    let mut options = Options::new();
    options.push(code::MESSAGE_TYPE, [kind.number()]);
    Message { flags: 0x8000, options, ..Message::request(MAC, xid) }
}

/// A client's socket on port 68 (or another), able to shout.
fn client(world: &World, port: u16) -> UdpSocket {
    inside(&world.there, || {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
        socket.set_broadcast(true).unwrap();
        socket.set_reuse_address(true).unwrap();
        socket.bind_device(Some(b"nic")).unwrap();
        socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, port).into()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket.into()
    })
}

fn shout(socket: &UdpSocket, message: &Message) {
    let all = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);
    socket.send_to(&message.encode(1472).unwrap(), all).unwrap();
}

fn answer(socket: &UdpSocket, xid: u32) -> Option<(Message, SocketAddrV4)> {
    let mut buffer = [0; 2048];
    loop {
        let (length, from) = socket.recv_from(&mut buffer).ok()?;
        let Ok(message) = Message::parse(&buffer[..length]) else { continue };
        if message.xid == xid {
            let std::net::SocketAddr::V4(from) = from else { panic!("{from}") };
            return Some((message, from));
        }
    }
}

#[test]
fn a_broadcast_is_heard_with_its_addresses_and_answered_by_broadcast() {
    if !able(&[]) {
        return;
    }
    let (world, house) = (World::new(), giver(|_| Destination::Broadcast { port: 68 }));
    let _server = Server::start(&world, &house, &Store::default(), Limits::default());
    let socket = client(&world, 68);
    shout(&socket, &message(MessageType::Discover, 7));
    let (offer, from) = answer(&socket, 7).unwrap();
    assert_eq!((offer.yiaddr, from), (GIVEN, SocketAddrV4::new(SERVER, 67)));
    let heard = house.heard();
    let [datagram] = heard.as_slice() else { panic!("{heard:?}") };
    assert_eq!(datagram.link, "lan");
    assert_eq!(datagram.from, SocketAddrV4::new(CLIENT, 68));
    assert_eq!((datagram.to, datagram.port), (Ipv4Addr::BROADCAST, 67));
}

#[test]
fn a_client_without_an_address_gets_its_offer_by_raw_unicast() {
    if !able(&["busybox"]) {
        return;
    }
    let mac = HardwareAddress::mac(MAC);
    let house = giver(move |_| Destination::Link { address: GIVEN, port: 68, hardware: mac });
    let world = World::new();
    let _server = Server::start(&world, &house, &Store::default(), Limits::default());
    run("ip", &["-n", &world.there, "address", "flush", "dev", "nic"]);
    let args = ["udhcpc", "-i", "nic", "-s", "/bin/true", "-n", "-q", "-f", "-t", "3", "-T", "2"];
    let output = world.there("busybox", &args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("lease of 10.77.0.150 obtained"), "{said}");
}

#[test]
fn a_reply_to_another_network_goes_by_the_routes() {
    if !able(&[]) {
        return;
    }
    let relay = SocketAddrV4::new(Ipv4Addr::new(10, 80, 0, 1), 67);
    let (world, house) = (World::new(), giver(move |_| Destination::Routed(relay)));
    run("ip", &["-n", &world.there, "address", "add", "10.80.0.1/24", "dev", "lo"]);
    let via = ["route", "add", "10.80.0.0/24", "via", "10.77.0.9"];
    run("ip", &[&["-n", world.here.as_str()], &via[..]].concat());
    let _server = Server::start(&world, &house, &Store::default(), Limits::default());
    let socket = inside(&world.there, || UdpSocket::bind(relay).unwrap());
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let request = message(MessageType::Discover, 8).encode(1472).unwrap();
    socket.send_to(&request, SocketAddrV4::new(SERVER, 67)).unwrap();
    let (_, from) = answer(&socket, 8).unwrap();
    assert_eq!(from, SocketAddrV4::new(SERVER, 67));
}

#[test]
fn a_boot_server_is_asked_on_4011_and_answers_from_there() {
    if !able(&[]) {
        return;
    }
    let (world, house) = (World::new(), giver(|datagram| Destination::Routed(datagram.from)));
    let _server = Server::start(&world, &house, &Store::default(), Limits::default());
    let socket = world.udp(4011);
    let request = message(MessageType::Request, 9).encode(1472).unwrap();
    socket.send_to(&request, SocketAddrV4::new(SERVER, 4011)).unwrap();
    let (_, from) = answer(&socket, 9).unwrap();
    assert_eq!(from, SocketAddrV4::new(SERVER, 4011));
}

#[test]
fn where_we_give_addresses_no_port_looks_closed() {
    if !able(&[]) {
        return;
    }
    let (world, house) = (World::new(), House::new(|_| None));
    let server = Server::start(&world, &house, &Store::default(), Limits::default());
    assert_eq!(server.running.as_ref().unwrap().findings(), []);
    let refused = |port: u16| {
        let socket = world.udp(0);
        socket.connect((SERVER, port)).unwrap();
        socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
        let _ = socket.send(b"x");
        socket.recv(&mut [0; 9]).unwrap_err().kind() == std::io::ErrorKind::ConnectionRefused
    };
    assert!(refused(70), "the test can tell");
    assert!(!refused(67) && !refused(4011));
}

#[test]
fn what_is_no_whole_datagram_never_reaches_the_owner() {
    if !able(&[]) {
        return;
    }
    let (world, house) = (World::new(), House::new(|_| None));
    let server = Server::start(&world, &house, &Store::default(), Limits::default());
    let socket = client(&world, 68);
    let all = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);
    // Garbage is the owner's to count; fragments, other ports and other addresses are nobody's.
    socket.send_to(b"default send string", all).unwrap();
    socket.send_to(&[0; 3000], all).unwrap();
    socket.send_to(b"x", SocketAddrV4::new(Ipv4Addr::BROADCAST, 68)).unwrap();
    socket.send_to(b"", all).unwrap();
    let heard = eventually(|| Some(house.heard()).filter(|heard| heard.len() >= 2)).unwrap();
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(house.heard().len(), 2, "{heard:?}");
    assert_eq!(heard[0].bytes, b"default send string");
    assert_eq!(heard[1].bytes, b"");
    assert_eq!(server.counts().dhcp_received, 2);
}

#[test]
fn an_owner_that_does_not_answer_does_not_stop_the_receiver() {
    if !able(&[]) {
        return;
    }
    let (world, house) = (World::new(), House::new(|_| None));
    let server = Server::start(&world, &house, &Store::default(), Limits::default());
    let socket = client(&world, 68);
    house.stall();
    for xid in 0..500 {
        shout(&socket, &message(MessageType::Discover, xid));
    }
    let all = eventually(|| (server.counts().dhcp_received == 500).then_some(()));
    let counts = server.counts();
    assert!(all.is_some(), "{counts:?}");
    assert_eq!(house.heard().len(), 500);
    assert_eq!(counts.dhcp_sent, 0);
}

/// dnsmasq as a plain DHCP server, its leases in `folder`.
fn dnsmasq(
    world: &World,
    ns: &str,
    interface: &str,
    folder: &str,
    more: &[&str],
) -> support::Guard {
    let leases = format!("--dhcp-leasefile={folder}/leases");
    let pid = format!("--pid-file={folder}/pid");
    let interface = format!("--interface={interface}");
    let fixed = [
        "--keep-in-foreground",
        "--conf-file=/dev/null",
        "--port=0",
        "--user=root",
        "--no-ping",
        interface.as_str(),
        leases.as_str(),
        pid.as_str(),
    ];
    let guard = world.spawn(ns, "dnsmasq", &[&fixed[..], more].concat());
    let up = eventually(|| {
        inside(ns, || holders(Transport::Udp, 67).into_iter().find(|h| h.process.is_some()))
    });
    assert!(up.is_some(), "dnsmasq does not start");
    guard
}

const RANGE: &str = "--dhcp-range=10.77.0.200,10.77.0.210,255.255.255.0,1h";

/// Both answer a broadcast, and what a client sends to dnsmasq alone reaches dnsmasq.
fn both_are_heard(world: &World, house: &House) {
    let socket = client(world, 68);
    shout(&socket, &message(MessageType::Discover, 77));
    let mut from = Vec::new();
    while from.len() < 2 {
        let (offer, _) = answer(&socket, 77).expect("both answer");
        from.push(offer.yiaddr);
    }
    from.sort();
    assert_eq!(from[0], GIVEN);
    assert!(from[1] >= Ipv4Addr::new(10, 77, 0, 200), "{from:?}");
    assert!(!house.heard().is_empty());

    let mut inform = message(MessageType::Inform, 78);
    inform.ciaddr = CLIENT;
    inform.flags = 0;
    let bytes = inform.encode(1472).unwrap();
    socket.send_to(&bytes, SocketAddrV4::new(SERVER, 67)).unwrap();
    let mut seen = Vec::new();
    while let Some((ack, _)) = answer(&socket, 78) {
        seen.push(ack.yiaddr);
        if ack.yiaddr.is_unspecified() {
            return;
        }
    }
    panic!("dnsmasq does not hear unicast any more, only we do: {seen:?}");
}

#[test]
fn a_dhcp_server_of_the_same_host_keeps_port_67_and_hears_everything() {
    if !able(&["dnsmasq"]) {
        return;
    }
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let folder = folder.path().to_str().unwrap();
    let _other = dnsmasq(&world, &world.here, "lan", folder, &[RANGE]);
    let house = giver(|_| Destination::Broadcast { port: 68 });
    let proxy = [network(Mode::Proxy)];
    let server =
        Server::try_start(&world.here, &house, &Store::default(), &proxy, Limits::default());
    let server = server.unwrap();
    both_are_heard(&world, &house);
    drop(server);
    its_socket_is_gone(&world, 4011);

    // In `dhcp` mode the same host has two that give addresses: said, and still nobody is robbed.
    let house = giver(|_| Destination::Broadcast { port: 68 });
    let server = Server::start(&world, &house, &Store::default(), Limits::default());
    both_are_heard(&world, &house);
    let findings = server.running.as_ref().unwrap().findings();
    let [finding] = findings else { panic!("{findings:?}") };
    assert!(finding.text.contains("UDP port 67 is also held by dnsmasq (process "), "{finding}");
}

/// A socket goes with the last thread that reads from it, a moment after its server.
fn its_socket_is_gone(world: &World, port: u16) {
    let open = || {
        let sockets = inside(&world.here, || std::fs::read_to_string("/proc/thread-self/net/udp"));
        sockets.unwrap().contains(&format!(":{port:04X} "))
    };
    let begun = Instant::now();
    while open() {
        assert!(begun.elapsed() < Duration::from_secs(10), "port {port} is still held");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_dhcp_server_of_the_same_host_can_start_after_us() {
    if !able(&["dnsmasq"]) {
        return;
    }
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let house = giver(|_| Destination::Broadcast { port: 68 });
    let proxy = [network(Mode::Proxy)];
    let server =
        Server::try_start(&world.here, &house, &Store::default(), &proxy, Limits::default());
    let _server = server.unwrap();
    let _other = dnsmasq(&world, &world.here, "lan", folder.path().to_str().unwrap(), &[RANGE]);
    both_are_heard(&world, &house);
}

#[test]
fn a_probe_finds_a_dhcp_server_and_takes_no_lease() {
    if !able(&["dnsmasq"]) {
        return;
    }
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let folder = folder.path().to_str().unwrap();
    let look = || {
        inside(&world.here, || {
            let runtime =
                tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(probe("lan", Duration::from_secs(2))).unwrap()
        })
    };
    assert_eq!(look(), []);

    let other = dnsmasq(&world, &world.there, "nic", folder, &[RANGE]);
    let found = look();
    let [server] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(server.server, CLIENT);
    assert_eq!(server.mac, HardwareAddress::mac(MAC));
    assert!(server.offers_address && !server.is_pxe);
    let leases = std::fs::read_to_string(format!("{folder}/leases")).unwrap_or_default();
    assert_eq!(leases, "");
    drop(other);

    let proxy =
        ["--dhcp-range=10.77.0.0,proxy", "--pxe-service=X86-64_EFI,boot,x.efi", "--enable-tftp"];
    let _other = dnsmasq(&world, &world.there, "nic", folder, &proxy);
    let found = look();
    let [server] = found.as_slice() else { panic!("{found:?}") };
    assert!(!server.offers_address && server.is_pxe, "{server:?}");
}

#[test]
fn an_interface_that_is_made_anew_is_heard_again() {
    if !able(&[]) {
        return;
    }
    let (world, house) = (World::new(), giver(|_| Destination::Broadcast { port: 68 }));
    let _server = Server::start(&world, &house, &Store::default(), Limits::default());
    run("ip", &["-n", &world.here, "link", "del", "lan"]);
    std::thread::sleep(Duration::from_millis(500));
    world.cable();
    let socket = client(&world, 68);
    socket.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
    let offered = eventually(|| {
        shout(&socket, &message(MessageType::Discover, 5));
        answer(&socket, 5)
    });
    assert!(offered.is_some());
}

#[test]
fn what_cannot_be_opened_is_said_in_words() {
    if !able(&["dnsmasq"]) {
        return;
    }
    let (world, house, store) = (World::new(), House::new(|_| None), Store::default());
    let start = |networks: &[model::Network]| {
        Server::try_start(&world.here, &house, &store, networks, Limits::default())
            .err()
            .expect("an error")
    };
    let mut other = network(Mode::Dhcp);
    other.interface = "lan7".to_owned();
    let error = start(&[other]);
    assert_eq!(error.text, "there is no interface lan7");
    assert_eq!(error.hint, "this host has lan, lo");

    let mut other = network(Mode::Dhcp);
    other.server = Ipv4Addr::new(10, 77, 0, 2);
    let text = start(&[other]).text;
    let expected = "UDP port 69 on 10.77.0.2 (lan) cannot be opened: lan does not have the address";
    assert!(text.starts_with(expected), "{text}");

    let taken = inside(&world.here, || std::net::TcpListener::bind("0.0.0.0:80").unwrap());
    let error = start(&[network(Mode::Proxy)]);
    // The holder is this very test, which is passed over like ourselves.
    let expected = "TCP port 80 on 10.77.0.1 (lan) is in use by somebody we cannot see";
    assert_eq!(error.text, expected);
    drop(taken);

    let other = ["-k", "-C", "/dev/null", "-p", "0", "-u", "root", "-x", "", "--bind-interfaces"];
    let tftp = ["--enable-tftp", "--listen-address=10.77.0.1"];
    let other = world.spawn(&world.here, "dnsmasq", &[&other[..], &tftp[..]].concat());
    let up = eventually(|| inside(&world.here, || holders(Transport::Udp, 69).pop()));
    assert!(up.is_some());
    let text = start(&[network(Mode::Proxy)]).text;
    let expected = "UDP port 69 on 10.77.0.1 (lan) is in use by dnsmasq (process ";
    assert!(text.starts_with(expected), "{text}");
    drop(other);

    let off = network(Mode::Off);
    let server = Server::try_start(&world.here, &house, &store, &[off], Limits::default());
    let server = server.unwrap();
    assert!(server.running.as_ref().unwrap().http_addresses().is_empty());
}
