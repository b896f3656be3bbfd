//! An address that somebody uses already, on a real link and behind a router.

mod support;

use engine::{Check, Datagram, Destination, Outgoing};
use model::HardwareAddress;
use serve::Limits;
use socket2::{Domain, Protocol, Socket, Type};
use std::net::{Ipv4Addr, SocketAddrV4, UdpSocket};
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::{Duration, Instant};
use support::{House, SERVER, Server, Store, World, able, eventually, inside, run};
use wire::dhcp4::{Message, MessageType, Options, code};

/// The squatter is the kernel on the machine's side.
const SQUATTER: [u8; 6] = [0x52, 0x54, 0, 0, 0, 9];
const WAIT: Duration = Duration::from_millis(500);

fn discover(client: u8) -> Message {
    let mac = [0x52, 0x54, 0, 0, 1, client];
    let mut options = Options::new();
    options.push(code::MESSAGE_TYPE, [MessageType::Discover.number()]);
    Message { flags: 0x8000, options, ..Message::request(mac, client.into()) }
}

/// A house that offers what is said for a client and how often it was decided; checked, if so.
fn house(
    on_link: bool,
    offer: impl Fn(u8, u8) -> (Ipv4Addr, bool) + Send + Sync + 'static,
) -> House {
    let decided: Vec<AtomicU8> = (0..=u8::MAX).map(|_| AtomicU8::new(0)).collect();
    House::new(move |datagram: &Datagram| {
        let request = Message::parse_request(&datagram.bytes).ok()?;
        let client = u8::try_from(request.xid).ok()?;
        let times = decided[usize::from(client)].fetch_add(1, Ordering::Relaxed);
        let (address, checked) = offer(client, times);
        let mut reply = Message::reply_to(&request);
        reply.yiaddr = address;
        reply.options.push(code::MESSAGE_TYPE, [MessageType::Offer.number()]);
        reply.options.push(code::SERVER_ID, SERVER.octets());
        let hardware = HardwareAddress::mac([0x52, 0x54, 0, 0, 1, client]);
        Some(Outgoing {
            link: datagram.link.clone(),
            from: SocketAddrV4::new(SERVER, 67),
            to: Destination::Broadcast { port: 68 },
            bytes: reply.encode(1472).unwrap(),
            delay: None,
            check: checked.then_some(Check { address, hardware, wait: WAIT, on_link }),
        })
    })
}

fn port_68(world: &World) -> UdpSocket {
    inside(&world.there, || {
        let socket = Socket::new(Domain::IPV4, Type::DGRAM, Some(Protocol::UDP)).unwrap();
        socket.set_broadcast(true).unwrap();
        socket.bind_device(Some(b"nic")).unwrap();
        socket.bind(&SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 68).into()).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        socket.into()
    })
}

fn shout(socket: &UdpSocket, client: u8) {
    let all = SocketAddrV4::new(Ipv4Addr::BROADCAST, 67);
    socket.send_to(&discover(client).encode(1472).unwrap(), all).unwrap();
}

/// The next offer: for whom, and which address.
fn offered(socket: &UdpSocket) -> (u32, Ipv4Addr) {
    let mut buffer = [0; 2048];
    let (length, _) = socket.recv_from(&mut buffer).unwrap();
    let message = Message::parse(&buffer[..length]).unwrap();
    (message.xid, message.yiaddr)
}

const fn lan(last: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 77, 0, last)
}

#[test]
fn a_used_address_is_not_offered_and_nobody_else_waits() {
    if !able(&[]) {
        return;
    }
    let world = World::new();
    run("ip", &["-n", &world.there, "address", "add", "10.77.0.150/24", "dev", "nic"]);
    let house = house(true, |client, times| match (client, times) {
        (1, 0) => (lan(150), true),
        (1, _) => (lan(151), true),
        (client, _) => (lan(100 + client), false),
    });
    let server = Server::start(&world, &house, &Store::default(), Limits::default());
    let socket = port_68(&world);
    let start = Instant::now();
    shout(&socket, 1);
    for client in 2..30 {
        shout(&socket, client);
    }
    for client in 2..30_u8 {
        assert_eq!(offered(&socket), (client.into(), lan(100 + client)));
    }
    let others = start.elapsed();
    assert_eq!(offered(&socket), (1, lan(151)), "without having asked again");
    assert!(others < start.elapsed() && start.elapsed() >= WAIT, "{others:?}");
    assert_eq!(house.conflicts(), [(lan(150), Some(HardwareAddress::mac(SQUATTER)))]);
    let counts = server.counts();
    assert_eq!((counts.dhcp_probed, counts.dhcp_conflicts, counts.dhcp_unprobed), (2, 1, 0));
}

#[test]
fn who_answers_late_is_still_told_of() {
    if !able(&[]) {
        return;
    }
    let (world, house) = (World::new(), house(true, |_, _| (lan(150), true)));
    let _server = Server::start(&world, &house, &Store::default(), Limits::default());
    let socket = port_68(&world);
    shout(&socket, 1);
    assert_eq!(offered(&socket), (1, lan(150)));
    // The squatter wakes up and is asked by us for another reason: its answer is heard as well.
    run("ip", &["-n", &world.there, "address", "add", "10.77.0.150/24", "dev", "nic"]);
    let ask = inside(&world.here, || UdpSocket::bind((SERVER, 0)).unwrap());
    ask.send_to(b"x", (lan(150), 9)).unwrap();
    assert!(eventually(|| (!house.conflicts().is_empty()).then_some(())).is_some());
    assert_eq!(house.heard().len(), 1, "its offer has left");
}

#[test]
fn behind_a_relay_an_echo_tells() {
    if !able(&[]) {
        return;
    }
    let world = World::new();
    run("ip", &["-n", &world.there, "address", "add", "10.80.0.50/32", "dev", "lo"]);
    let via = ["route", "add", "10.80.0.0/24", "via", "10.77.0.9"];
    run("ip", &[&["-n", world.here.as_str()], &via[..]].concat());
    let far = |last| Ipv4Addr::new(10, 80, 0, last);
    let house = house(false, move |_, times| (far(50 + times), true));
    let _server = Server::start(&world, &house, &Store::default(), Limits::default());
    let socket = port_68(&world);
    shout(&socket, 1);
    assert_eq!(offered(&socket), (1, far(51)));
    assert_eq!(house.conflicts(), [(far(50), None)]);
}
