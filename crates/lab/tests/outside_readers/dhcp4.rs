//! DHCPv4: random networks, machines and messages.

use engine::{Answer, Command as Ask, Datagram, Engine, Outgoing, Settings};
use lab::sim::chance::Chance;
use model::lease::ReservedFor;
use model::network::{Mode, Option82, PxeReply};
use model::{Change, DhcpOption, HardwareAddress, Network, Now, Reservation};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use wire::dhcp4::{Message, MessageType, Options, code};
use wire::udp4;

use super::judge;

/// Messages to one world before the next is made.
const MESSAGES: u64 = 60;

#[test]
fn tshark_and_scapy_find_nothing_malformed_in_what_any_world_says() {
    judge(world, &["-d", "udp.port==4011,dhcp"], "dhcp", SCAPY);
}

/// A world, some messages to it, and what it says.
fn world(chance: &mut Chance, packets: &mut Vec<Vec<u8>>) {
    let mut engine = random_engine(chance);
    let mut now = Now(chance.below(1 << 31));
    let mut offered: Vec<Message> = Vec::new();
    for _ in 0..MESSAGES {
        now = now + Duration::from_millis(chance.below(100_000));
        let message = random_message(chance, &offered);
        let datagram = random_datagram(chance, &message);
        let told = engine.dhcp(now, &datagram);
        let Answer::Reply(outgoing) = told.answer else { continue };
        let reply = Message::parse(&outgoing.bytes).expect("we read what we say");
        assert!(outgoing.bytes.len() >= 300 && outgoing.bytes.len() <= 9216);
        assert_eq!(reply.xid, message_xid(&datagram), "an answer to what was asked");
        offered.push(reply);
        offered.truncate(8);
        packets.push(packet(&outgoing));
    }
}

fn message_xid(datagram: &Datagram) -> u32 {
    let bytes = datagram.bytes.get(4..8).and_then(|b| <[u8; 4]>::try_from(b).ok());
    u32::from_be_bytes(bytes.unwrap_or_default())
}

fn packet(outgoing: &Outgoing) -> Vec<u8> {
    let to = match outgoing.to {
        engine::Destination::Broadcast { port } => SocketAddrV4::new(Ipv4Addr::BROADCAST, port),
        engine::Destination::Link { address, port, .. } => SocketAddrV4::new(address, port),
        engine::Destination::Routed(to) => to,
    };
    udp4::encode(outgoing.from, to, 1, &outgoing.bytes).expect("it fits")
}

fn random_engine(chance: &mut Chance) -> Engine {
    let mode = *chance.one_of(&[Mode::Dhcp, Mode::Dhcp, Mode::Dhcp, Mode::Proxy]).unwrap();
    let networks = (0..1 + chance.below(2)).map(|n| random_network(chance, mode, n)).collect();
    let mut engine = Engine::new(Settings {
        server_name: "lab".into(),
        networks,
        http_port: *chance.one_of(&[80, 8080]).unwrap(),
        networks6: Vec::new(),
        tls_port: None,
        lease_history: Duration::from_secs(86_400),
        boot: engine::BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    });
    for last in 0..chance.below(6) {
        let hardware = mac(last);
        let mut machine = model::Machine::new(hardware, Now(0));
        machine.options = (0..chance.below(3)).map(|_| random_option(chance)).collect();
        engine.apply(&Change::Machine(machine));
        let reservation = Reservation {
            address: Ipv4Addr::new(10, 0, 0, 20 + u8::try_from(last).unwrap()),
            holder: ReservedFor::Mac(hardware),
            host_name: chance.percent(50).then(|| "box".to_owned()),
            since: Now(0),
        };
        if let Ok(decided) = engine.command(Now(0), Ask::AddReservation(reservation)) {
            decided.changes.iter().for_each(|change| engine.apply(change));
        }
    }
    for (name, kind, arch) in [
        ("undionly.kpxe", model::LoaderKind::Undionly, model::Arch::X86Bios),
        ("snponly-x64.efi", model::LoaderKind::Snponly, model::Arch::X64Uefi),
        ("ipxe-arm64.efi", model::LoaderKind::Snponly, model::Arch::Arm64Uefi),
    ] {
        engine.apply(&crate::loader(name, kind, arch));
    }
    engine
}

fn random_network(chance: &mut Chance, mode: Mode, n: u64) -> Network {
    let third = u8::try_from(n).unwrap();
    let subnet = format!("10.0.{third}.0/24").parse().unwrap();
    let address = |last| Ipv4Addr::new(10, 0, third, last);
    let some = |chance: &mut Chance| -> Vec<Ipv4Addr> {
        (0..chance.below(4)).map(|n| address(2 + u8::try_from(n).unwrap())).collect()
    };
    let mut network = Network::new("lan", mode, address(1), subnet);
    if mode == Mode::Dhcp {
        let size = u8::try_from(chance.below(100)).unwrap();
        network.pools =
            vec![format!("10.0.{third}.100-10.0.{third}.{}", 100 + size).parse().unwrap()];
    }
    network.router = chance.percent(60).then(|| address(254));
    network.dns = some(chance);
    network.domain = chance.percent(50).then(|| "lab.example.org".to_owned());
    network.lease = chance.percent(80).then(|| Duration::from_secs(600 + chance.below(1 << 20)));
    network.relays = some(chance);
    network.authoritative = chance.percent(50);
    network.pxe_reply = if chance.percent(20) { PxeReply::Plain } else { PxeReply::Full };
    network.shared = chance.percent(70).then(|| "floor".to_owned());
    network.rapid_commit = chance.percent(30);
    network.option_82 = *chance.one_of(Option82::ALL).unwrap();
    network.options = (0..chance.below(5)).map(|_| random_option(chance)).collect();
    network
}

/// Options whose value any reader takes for what it is.
fn random_option(chance: &mut Chance) -> DhcpOption {
    let text = "x".repeat(1 + usize::try_from(chance.below(300)).unwrap()).into_bytes();
    let (code, value) = match chance.below(7) {
        0 => (42, vec![10, 0, 0, 9, 10, 0, 0, 10]),
        1 => (26, vec![5, 220]),
        2 => (17, text),
        3 => (2, vec![0, 0, 14, 16]),
        4 => (224, text),
        5 => (33, vec![10, 9, 0, 0, 10, 0, 0, 9]),
        _ => (19, vec![1]),
    };
    DhcpOption { code, value, always: chance.percent(70) }
}

fn mac(last: u64) -> HardwareAddress {
    HardwareAddress::mac([0x52, 0x54, 0, 0, 0, u8::try_from(last % 256).unwrap()])
}

fn random_message(chance: &mut Chance, heard: &[Message]) -> Message {
    let mut options = Options::new();
    let kind = *chance
        .one_of(&[
            MessageType::Discover,
            MessageType::Discover,
            MessageType::Request,
            MessageType::Request,
            MessageType::Inform,
            MessageType::Release,
            MessageType::Decline,
        ])
        .unwrap();
    if chance.percent(95) {
        options.push(code::MESSAGE_TYPE, [kind.number()]);
    }
    let client = chance.below(20);
    let mut chaddr = [0; 16];
    chaddr[..6].copy_from_slice(mac(client).bytes());
    let heard = chance.one_of(heard).filter(|_| kind != MessageType::Discover);
    let mut ciaddr = Ipv4Addr::UNSPECIFIED;
    match heard {
        Some(heard) if chance.percent(60) => {
            chaddr = heard.chaddr;
            options.push(code::REQUESTED_ADDRESS, heard.yiaddr.octets());
            options.echo(&heard.options, code::SERVER_ID);
        }
        Some(heard) => {
            chaddr = heard.chaddr;
            ciaddr = heard.yiaddr;
        }
        None => {}
    }
    said_of_itself(chance, &mut options);
    let relayed = chance.percent(20);
    let giaddr = Ipv4Addr::new(10, 0, 0, 2 + u8::try_from(chance.below(3)).unwrap());
    if chance.percent(if relayed { 60 } else { 10 }) {
        let id = vec![b'p'; usize::try_from(1 + chance.below(40)).unwrap()];
        let sub = [vec![1, u8::try_from(id.len()).unwrap()], id, vec![2, 1, 9]].concat();
        options.push(code::RELAY_AGENT, sub);
    }
    Message {
        flags: if chance.percent(30) { 0x8000 } else { 0 },
        ciaddr,
        giaddr: if relayed { giaddr } else { Ipv4Addr::UNSPECIFIED },
        chaddr,
        options,
        ..Message::request([0; 6], u32::try_from(chance.below(1 << 31)).unwrap())
    }
}

fn said_of_itself(chance: &mut Chance, options: &mut Options) {
    if chance.percent(60) {
        let arch = *chance.one_of(&[0_u16, 6, 7, 9, 11, 16, 19, 27, 99]).unwrap();
        let class = if matches!(arch, 16 | 19) { "HTTPClient" } else { "PXEClient" };
        let class = format!("{class}:Arch:{arch:05}:UNDI:003016");
        options.push(code::VENDOR_CLASS, class.into_bytes());
        options.push(code::CLIENT_ARCH, arch.to_be_bytes());
        options.push(code::CLIENT_MACHINE_ID, [vec![0], vec![3; 16]].concat());
    }
    if chance.percent(25) {
        options.push(code::USER_CLASS, *b"iPXE");
        options.push(code::IPXE_ENCAPSULATED, [19, 1, 1, 39, 1, 1]);
    }
    if chance.percent(60) {
        let list = (0..chance.below(30)).map(|_| u8::try_from(1 + chance.below(253)).unwrap());
        let list: Vec<u8> = list.collect();
        options.push(code::PARAMETER_LIST, list);
    }
    if chance.percent(40) {
        options.push(
            code::CLIENT_ID,
            [vec![1], vec![7; usize::try_from(1 + chance.below(20)).unwrap()]].concat(),
        );
    }
    if chance.percent(40) {
        let size = 300 + u16::try_from(chance.below(2000)).unwrap();
        options.push(code::MAX_MESSAGE_SIZE, size.to_be_bytes());
    }
    if chance.percent(15) {
        options.push(code::RAPID_COMMIT, []);
    }
    if chance.percent(20) {
        options.push(code::LEASE_TIME, u32::try_from(chance.below(1 << 31)).unwrap().to_be_bytes());
    }
    if chance.percent(10) {
        options.push(code::SUBNET_SELECTION, [10, 0, 0, 0]);
    }
    if chance.percent(20) {
        options.push(code::HOST_NAME, *b"my-host\0");
    }
}

fn random_datagram(chance: &mut Chance, message: &Message) -> Datagram {
    let mut bytes = message.encode(4096).expect("a message of ours fits");
    // What a relay put in goes back as it came, damaged or not: that is not ours to be judged by.
    let relayed = |bytes: &[u8]| {
        Message::parse_request(bytes).is_ok_and(|m| m.options.contains(code::RELAY_AGENT))
    };
    if chance.percent(15) && !relayed(&bytes) {
        let whole = bytes.clone();
        for _ in 0..1 + chance.below(4) {
            // Behind the fixed fields: what is damaged there is another message altogether.
            let at = 240 + usize::try_from(chance.below((bytes.len() - 240) as u64)).unwrap();
            bytes[at] = u8::try_from(chance.below(256)).unwrap();
        }
        if relayed(&bytes) {
            bytes = whole;
        }
    }
    let unicast = !message.giaddr.is_unspecified() || !message.ciaddr.is_unspecified();
    let source = if message.giaddr.is_unspecified() { message.ciaddr } else { message.giaddr };
    Datagram {
        link: "lan".into(),
        from: SocketAddrV4::new(source, if message.giaddr.is_unspecified() { 68 } else { 67 }),
        to: if unicast { Ipv4Addr::new(10, 0, 0, 1) } else { Ipv4Addr::BROADCAST },
        port: if chance.percent(15) { 4011 } else { 67 },
        bytes,
    }
}

/// Scapy reads every option by itself; what it cannot read stays raw bytes.
const SCAPY: &str = r#"
from scapy.layers.inet import IP, UDP
from scapy.layers.dhcp import BOOTP, DHCP

def judge(data):
    # Only ports 67 and 68 are DHCP's to scapy; we also speak from and to others.
    p = BOOTP(bytes(IP(data)[UDP].payload))
    said = []
    if DHCP not in p:
        # A BOOTP reply has no message type, but a vendor area all the same.
        said.append("no DHCP in it")
    else:
        options = p[DHCP].options
        if "end" not in options:
            said.append("no end option")
        for option in options:
            if isinstance(option, tuple) and option[0] == "error":
                said.append("option %r cannot be read" % (option,))
        if Raw in p:
            said.append("bytes that are no option: %r" % bytes(p[Raw])[:40])
    return said
"#;
