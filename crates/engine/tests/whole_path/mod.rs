//! The whole way of DHCP with nothing but memory around it: a packet is received, decided, kept,
//! encoded and read again, over a life with crashes in it. The fuzzer and an ordinary test take
//! the same walk.

use engine::{Answer, BootDefaults, Check, Datagram, Engine, Settings};
use model::client::Arch;
use model::network::{Mode, Option82};
use model::{Change, HardwareAddress, Loader, LoaderKind, Network, Now};
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use wire::dhcp4::{Message, MessageType, Options, code};
use wire::udp4;

const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const OTHER_SUBNET: Ipv4Addr = Ipv4Addr::new(10, 1, 0, 1);

/// Takes bytes for a story: what sort of network, then what happens there. Panics where something
/// is promised twice, forgotten, or cannot be read back.
pub fn walk(story: &[u8]) {
    let mut left = Story(story);
    let Some(shape) = left.byte() else { return };
    let mut world = World::new(shape);
    for _ in 0..400 {
        if !world.step(&mut left) {
            break;
        }
    }
    world.after_a_crash();
}

/// The fuzzer's bytes, taken from the front.
struct Story<'a>(&'a [u8]);

impl<'a> Story<'a> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn word(&mut self) -> Option<u16> {
        Some(u16::from_be_bytes([self.byte()?, self.byte()?]))
    }

    fn some(&mut self, count: usize) -> &'a [u8] {
        let (some, rest) = self.0.split_at(count.min(self.0.len()));
        self.0 = rest;
        some
    }
}

struct World {
    settings: Settings,
    engine: Engine,
    /// The disk: what was kept, as it was written.
    disk: Vec<String>,
    now: Now,
    promised: BTreeMap<Ipv4Addr, (HardwareAddress, Now)>,
    last_offered: [Ipv4Addr; 8],
    last_check: Option<Check>,
}

fn settings(shape: u8) -> Settings {
    let bit = |n: u8| shape >> n & 1 == 1;
    let modes = [Mode::Dhcp, Mode::Dhcp, Mode::Proxy, Mode::Listen];
    let first = Network {
        pools: vec!["10.0.0.100-10.0.0.105".parse().expect("a pool")],
        router: Some(Ipv4Addr::new(10, 0, 0, 254)),
        relays: vec![Ipv4Addr::new(10, 0, 0, 9)],
        authoritative: bit(2),
        rapid_commit: bit(3),
        shared: bit(4).then(|| "one".to_owned()),
        option_82: if bit(5) { Option82::Trust } else { Option82::Ignore },
        lease: bit(6).then(|| Duration::from_secs(3600)),
        ..Network::new(
            "lan",
            modes[usize::from(shape & 3)],
            US,
            "10.0.0.0/24".parse().expect("a subnet"),
        )
    };
    let second = Network {
        interface: if first.shared.is_some() { "lan" } else { "other" }.to_owned(),
        server: OTHER_SUBNET,
        subnet: "10.1.0.0/24".parse().expect("a subnet"),
        pools: vec!["10.1.0.100-10.1.0.101".parse().expect("a pool")],
        router: None,
        relays: vec![],
        ..first.clone()
    };
    Settings {
        server_name: "lab".into(),
        networks: vec![first, second],
        http_port: 80,
        networks6: Vec::new(),
        tls_port: None,
        lease_history: Duration::from_secs(86_400),
        boot: BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    }
}

impl World {
    fn new(shape: u8) -> Self {
        let settings = settings(shape);
        let mut world = Self {
            engine: Engine::new(settings.clone()),
            settings,
            disk: Vec::new(),
            now: Now(1_000_000),
            promised: BTreeMap::new(),
            last_offered: [US; 8],
            last_check: None,
        };
        let loader = Change::Loader(Loader {
            name: "snponly-x64.efi".into(),
            kind: LoaderKind::Snponly,
            arch: Arch::X64Uefi,
            version: "1".into(),
            path: "/x".into(),
            sha256: model::Hash([1; 32]),
            size: 1,
            signers: vec![],
        });
        world.engine.apply(&loader);
        world.keep(&[loader]);
        world
    }

    /// One thing that happens; false at the end of the story.
    fn step(&mut self, story: &mut Story<'_>) -> bool {
        let Some(what) = story.byte() else { return false };
        match what % 16 {
            0..=2 => {
                let length = usize::from(story.word().unwrap_or(0)) % 2048;
                let bytes = story.some(length).to_vec();
                self.receive(bytes, what);
            }
            3..=11 => {
                let client = story.byte().unwrap_or(0);
                let message = self.message(story, what % 16 - 3, client);
                if let Ok(bytes) = message.encode(4096) {
                    self.receive(bytes, client);
                }
            }
            12 => self.now = self.now + Duration::from_secs(story.word().unwrap_or(0).into()),
            13 => self.crash(),
            14 => self.conflict(),
            _ => {
                let noted = self.engine.tidy(self.now);
                self.keep(&noted.changes);
            }
        }
        true
    }

    /// A message that makes sense so far, with any options behind it.
    fn message(&self, story: &mut Story<'_>, kind: u8, client: u8) -> Message {
        let kinds = [1, 1, 3, 3, 3, 3, 4, 7, 8];
        let kind = kinds[usize::from(kind)];
        let offered = self.last_offered[usize::from(client % 8)];
        let mut options = Options::new();
        options.push(code::MESSAGE_TYPE, [kind]);
        let mut ciaddr = Ipv4Addr::UNSPECIFIED;
        match (kind, client >> 5 & 3) {
            (3 | 4, 0 | 1) => {
                options.push(code::SERVER_ID, US.octets());
                options.push(code::REQUESTED_ADDRESS, offered.octets());
            }
            (3, 2) => options.push(code::REQUESTED_ADDRESS, offered.octets()),
            (3 | 7 | 8, _) => ciaddr = offered,
            _ => {}
        }
        for _ in 0..story.byte().unwrap_or(0) % 6 {
            let (Some(code), Some(length)) = (story.byte(), story.byte()) else { break };
            options.push(code, story.some(length.into()));
        }
        let relayed = client >> 7 == 1;
        let giaddr = if relayed { Ipv4Addr::new(10, 0, 0, 9) } else { Ipv4Addr::UNSPECIFIED };
        Message { ciaddr, giaddr, options, ..Message::request([0, 0, 0, 0, 0, client % 8], 7) }
    }

    /// Receive, decide, keep, encode, and read what goes out as a stranger would.
    fn receive(&mut self, bytes: Vec<u8>, turn: u8) {
        let request = Message::parse_request(&bytes).ok();
        let unspecified = Ipv4Addr::UNSPECIFIED;
        let ciaddr = request.as_ref().map_or(unspecified, |request| request.ciaddr);
        let giaddr = request.as_ref().map_or(unspecified, |request| request.giaddr);
        let unicast = ciaddr != unspecified || giaddr != unspecified;
        let from = SocketAddrV4::new(if giaddr == unspecified { ciaddr } else { giaddr }, 68);
        let to = SocketAddrV4::new(
            if unicast { US } else { Ipv4Addr::BROADCAST },
            if turn & 0x10 == 0x10 { 4011 } else { 67 },
        );
        let Some(packet) = udp4::encode(from, to, 1, &bytes) else { return };
        let packet = udp4::parse(&packet).expect("our own frame");
        let datagram = Datagram {
            link: "lan".into(),
            from: packet.src,
            to: *packet.dst.ip(),
            port: packet.dst.port(),
            bytes: packet.payload.to_vec(),
        };
        let told = self.engine.dhcp(self.now, &datagram);
        self.keep(&told.changes);
        self.note_ends(&told.changes);
        let Answer::Reply(outgoing) = told.answer else { return };
        let frame = udp4::encode(outgoing.from, from, 1, &outgoing.bytes).expect("a reply fits");
        let read = udp4::parse(&frame).expect("our own frame");
        assert!(read.verify_checksum());
        let reply = Message::parse(read.payload).expect("we read what we say");
        self.last_check = outgoing.check.or(self.last_check);
        self.heard(&reply, &told.changes);
    }

    /// RELEASE, DECLINE and a client's move end promises by themselves.
    fn note_ends(&mut self, changes: &[Change]) {
        for change in changes {
            if let Change::Lease(lease) = change
                && lease.state != model::lease::LeaseState::Bound
            {
                self.promised.remove(&lease.address);
            }
        }
    }

    fn heard(&mut self, reply: &Message, changes: &[Change]) {
        let kind = reply.options.message_type();
        let address = reply.yiaddr;
        if address.is_unspecified() {
            return;
        }
        assert!(address != US && address != OTHER_SUBNET);
        let client = HardwareAddress::new(reply.htype, reply.hardware_address());
        self.last_offered[usize::from(client.bytes().last().copied().unwrap_or(0) % 8)] = address;
        if matches!(kind, Some(Ok(MessageType::Offer))) {
            return;
        }
        let lease = changes.iter().rev().find_map(|change| match change {
            Change::Lease(lease) if lease.address == address => Some(lease),
            _ => None,
        });
        let lease = lease.expect("an address is promised that nobody keeps");
        let until = lease.until.unwrap_or(Now(u64::MAX));
        // Who has no hardware address is told apart by other means.
        if !client.bytes().is_empty()
            && let Some((before, end)) = self.promised.get(&address)
        {
            assert!(*before == client || *end <= self.now, "{address} is promised twice");
        }
        self.promised.insert(address, (client, until));
    }

    fn keep(&mut self, changes: &[Change]) {
        let written = changes.iter().map(serde_json::to_string);
        self.disk.extend(written.map(|text| text.expect("every fact can be written")));
    }

    fn crash(&mut self) {
        let mut engine = Engine::new(self.settings.clone());
        for line in &self.disk {
            let change: Change = serde_json::from_str(line).expect("what was written is read");
            engine.apply(&change);
        }
        assert!(engine.leases().eq(self.engine.leases()), "memory was ahead of the disk");
        self.engine = engine;
    }

    fn conflict(&mut self) {
        let Some(check) = self.last_check.take() else { return };
        let theirs = Some(HardwareAddress::mac([2, 0, 0, 0, 0, 99]));
        let noted = self.engine.conflict(self.now, "lan", &check, theirs);
        self.keep(&noted.changes);
    }

    /// Every promise that still runs is there.
    fn after_a_crash(&mut self) {
        self.crash();
        for (address, (client, until)) in &self.promised {
            if *until <= self.now {
                continue;
            }
            let found = self.engine.leases().find(|lease| lease.address == *address);
            let kept = found.is_some_and(|lease| lease.holds(self.now));
            let theirs = found.is_some_and(|lease| lease.hardware == *client);
            assert!(kept && (theirs || client.bytes().is_empty()), "{address} was forgotten");
        }
    }
}
