//! After a restore the server knows less than was promised: random clients, a backup, a while without
//! one, the restore, and clients that answer for the addresses they hold. Whatever happens, nobody is
//! given an address whose holder answers.

use engine::{Answer, Datagram, Engine, Outgoing, Settings, Told};
use model::network::Mode;
use model::{Change, HardwareAddress, Lease, Network, Now, Why};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use wire::dhcp4::{Message, MessageType, Options, code};

const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const CLIENTS: u8 = 9;
const HOUR: u64 = 3_600_000;

#[derive(Clone, Debug)]
enum Step {
    /// DISCOVER, probe, REQUEST.
    Lease(u8),
    /// DISCOVER and probe alone.
    Discover(u8),
    /// REQUEST for the last offer, however old.
    Select(u8),
    Renew(u8),
    /// Switched off and on: INIT-REBOOT, then all of it if that is refused.
    Reboot(u8),
    /// Switched off: it answers nobody.
    Off(u8),
    Release(u8),
    Bootp(u8),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    let client = || 0..CLIENTS;
    prop_oneof![
        6 => client().prop_map(Step::Lease),
        2 => client().prop_map(Step::Discover),
        2 => client().prop_map(Step::Select),
        5 => client().prop_map(Step::Renew),
        3 => client().prop_map(Step::Reboot),
        1 => client().prop_map(Step::Off),
        2 => client().prop_map(Step::Release),
        1 => client().prop_map(Step::Bootp),
        4 => prop_oneof![0_u64..60_000, 0_u64..HOUR].prop_map(Step::Wait),
    ]
}

struct World {
    engine: Engine,
    network: Network,
    now: Now,
    kept: Vec<Change>,
    /// What each client was promised, by its own memory.
    held: BTreeMap<u8, (Ipv4Addr, Now)>,
    offers: BTreeMap<u8, Ipv4Addr>,
    /// Who uses what he holds, and so answers for it.
    up: [bool; CLIENTS as usize],
}

fn hardware(client: u8) -> HardwareAddress {
    HardwareAddress::mac([2, 0, 0, 0, 0, client])
}

fn settings(network: &Network) -> Settings {
    Settings {
        server_name: "test".into(),
        networks: vec![network.clone()],
        http_port: 80,
        networks6: Vec::new(),
        tls_port: None,
        lease_history: Duration::from_secs(86_400),
        boot: engine::BootDefaults::default(),
        defaults: Default::default(),
        key: Default::default(),
    }
}

fn message(client: u8, kind: MessageType) -> Message {
    let mut options = Options::new();
    options.push(code::MESSAGE_TYPE, [kind.number()]);
    Message { options, ..Message::request([2, 0, 0, 0, 0, client], client.into()) }
}

impl World {
    fn new(probe: Option<Duration>, authoritative: bool, rapid_commit: bool) -> Self {
        let network = Network {
            pools: vec!["10.0.0.10-10.0.0.13".parse().unwrap()],
            lease: Some(Duration::from_secs(3600)),
            authoritative,
            probe,
            rapid_commit,
            ..Network::new("lan", Mode::Dhcp, US, "10.0.0.0/24".parse().unwrap())
        };
        Self {
            engine: Engine::new(settings(&network)),
            network,
            now: Now(1_000_000),
            kept: Vec::new(),
            held: BTreeMap::new(),
            offers: BTreeMap::new(),
            up: [true; CLIENTS as usize],
        }
    }

    /// Whoever holds an address in the time of his lease, and is up.
    fn answers_for(&self, address: Ipv4Addr, but: u8) -> Option<u8> {
        let mut all = self.held.iter().filter(|(who, _)| **who != but);
        let holds = |(who, (at, until)): &(&u8, &(Ipv4Addr, Now))| {
            *at == address && *until > self.now && self.up[usize::from(**who)]
        };
        all.find(holds).map(|(who, _)| *who)
    }

    fn decide(&mut self, message: &Message, from: Ipv4Addr) -> Told<Outgoing> {
        let datagram = Datagram {
            link: "lan".into(),
            from: SocketAddrV4::new(from, 68),
            to: if from.is_unspecified() { Ipv4Addr::BROADCAST } else { US },
            port: 67,
            bytes: message.encode(1472).unwrap(),
        };
        let told = self.engine.dhcp(self.now, &datagram);
        self.kept.extend(told.changes.clone());
        told
    }

    /// The reply that leaves, after whatever had to be found out first.
    fn say(&mut self, client: u8, message: &Message, from: Ipv4Addr) -> Option<Message> {
        for _ in 0..20 {
            let told = self.decide(message, from);
            let Answer::Reply(outgoing) = told.answer else { return None };
            let theirs = outgoing.check.and_then(|check| {
                self.answers_for(check.address, client).map(|theirs| (check, theirs))
            });
            let Some((check, theirs)) = theirs else {
                return Some(self.hear(client, &Message::parse(&outgoing.bytes).unwrap()));
            };
            let noted = self.engine.conflict(self.now, "lan", &check, Some(hardware(theirs)));
            assert!(!noted.changes.is_empty(), "{} would be offered for ever", check.address);
            self.kept.extend(noted.changes);
        }
        panic!("no address in twenty tries");
    }

    fn hear(&mut self, client: u8, reply: &Message) -> Message {
        let kind = reply.options.message_type().and_then(Result::ok);
        match kind {
            Some(MessageType::Offer) => {
                self.offers.insert(client, reply.yiaddr);
            }
            Some(MessageType::Nak) => {
                self.held.remove(&client);
            }
            _ => {
                let other = self.answers_for(reply.yiaddr, client);
                assert_eq!(other, None, "{} was given to {client}, too", reply.yiaddr);
                let length = reply.options.u32(code::LEASE_TIME).unwrap_or(7 * 86_400);
                let until = self.now + Duration::from_secs(length.into());
                self.held.insert(client, (reply.yiaddr, until));
                self.up[usize::from(client)] = true;
            }
        }
        reply.clone()
    }

    fn lease(&mut self, client: u8) -> Option<Ipv4Addr> {
        let discover = message(client, MessageType::Discover);
        let offer = self.say(client, &discover, Ipv4Addr::UNSPECIFIED)?;
        if offer.options.message_type() == Some(Ok(MessageType::Ack)) {
            return Some(offer.yiaddr);
        }
        self.select(client)
    }

    fn select(&mut self, client: u8) -> Option<Ipv4Addr> {
        let offered = self.offers.remove(&client)?;
        let mut request = message(client, MessageType::Request);
        request.options.push(code::SERVER_ID, US.octets());
        request.options.push(code::REQUESTED_ADDRESS, offered.octets());
        let ack = self.say(client, &request, Ipv4Addr::UNSPECIFIED)?;
        Some(ack.yiaddr).filter(|address| *address == offered)
    }

    fn holds(&self, client: u8) -> Option<Ipv4Addr> {
        self.held.get(&client).filter(|(_, until)| *until > self.now).map(|(at, _)| *at)
    }

    fn renew(&mut self, client: u8) -> Option<Message> {
        let address = self.holds(client).filter(|_| self.up[usize::from(client)])?;
        let mut request = message(client, MessageType::Request);
        request.ciaddr = address;
        self.say(client, &request, address)
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Lease(client) => drop(self.lease(client)),
            Step::Discover(client) => {
                let discover = message(client, MessageType::Discover);
                self.say(client, &discover, Ipv4Addr::UNSPECIFIED);
            }
            Step::Select(client) => drop(self.select(client)),
            Step::Renew(client) => drop(self.renew(client)),
            Step::Reboot(client) => {
                self.up[usize::from(client)] = false;
                if let Some(address) = self.holds(client) {
                    let mut request = message(client, MessageType::Request);
                    request.options.push(code::REQUESTED_ADDRESS, address.octets());
                    self.say(client, &request, Ipv4Addr::UNSPECIFIED);
                }
                if !self.up[usize::from(client)] {
                    self.held.remove(&client);
                    self.lease(client);
                }
            }
            Step::Off(client) => self.up[usize::from(client)] = false,
            Step::Release(client) => {
                let Some((address, _)) = self.held.remove(&client) else { return };
                let mut release = message(client, MessageType::Release);
                release.options.push(code::SERVER_ID, US.octets());
                release.ciaddr = address;
                self.say(client, &release, address);
            }
            Step::Bootp(client) => {
                let bare = Message::request([2, 0, 0, 0, 0, client], 1);
                self.say(client, &bare, Ipv4Addr::UNSPECIFIED);
            }
            Step::Wait(ms) => self.now = self.now + Duration::from_millis(ms),
        }
    }

    /// The state of a moment comes back; leases have what they had left of their time then.
    fn restore(&mut self, kept: &[Change], at: Now) {
        let passed = self.now.since(at);
        self.engine = Engine::new(settings(&self.network));
        for change in kept {
            let change = match change.clone() {
                Change::Lease(lease) => {
                    let until = lease.until.map(|until| until + passed);
                    Change::Lease(Lease { until, ..lease })
                }
                other => other,
            };
            self.engine.apply(&change);
        }
        self.engine.apply(&Change::Restored(self.now));
    }
}

proptest! {
    #[test]
    fn nobody_is_given_an_address_whose_holder_answers(
        before in prop::collection::vec(step(), 0..60),
        since in prop::collection::vec(step(), 0..60),
        after in prop::collection::vec(step(), 0..80),
        (probe, authoritative, rapid) in any::<(bool, bool, bool)>(),
    ) {
        // Without probes the engine is believed as long as it knows everything: after a restore it
        // probes all the same.
        let probe = probe.then_some(Duration::from_millis(30));
        let mut world = World::new(probe, authoritative, rapid);
        before.into_iter().for_each(|step| world.take(step));
        let (backup, at) = (world.kept.clone(), world.now);
        since.into_iter().for_each(|step| world.take(step));
        world.restore(&backup, at);
        // As long as what was given before may last.
        let end = world.now + Duration::from_millis(HOUR);
        for step in after {
            world.take(step);
            if world.now >= end {
                break;
            }
        }
    }
}

fn told(world: &mut World, client: u8) -> Option<MessageType> {
    let address = world.holds(client).unwrap();
    let mut request = message(client, MessageType::Request);
    request.options.push(code::REQUESTED_ADDRESS, address.octets());
    world.up[usize::from(client)] = false;
    let reply = world.say(client, &request, Ipv4Addr::UNSPECIFIED)?;
    reply.options.message_type()?.ok()
}

#[test]
fn who_came_after_the_backup_keeps_its_address() {
    let mut world = World::new(None, true, false);
    let (backup, at) = (world.kept.clone(), world.now);
    let address = world.lease(1).unwrap();
    world.take(Step::Wait(HOUR / 2));
    world.restore(&backup, at);

    assert_ne!(world.lease(2), Some(address), "it was probed, and client 1 answered");
    assert_eq!(world.renew(1).unwrap().yiaddr, address, "found at it, and renewed");
    assert_eq!(told(&mut world, 1), Some(MessageType::Ack), "known again");
}

#[test]
fn who_was_off_is_sent_back_to_ask_anew_once() {
    let mut world = World::new(None, true, false);
    let address = world.lease(1).unwrap();
    let (backup, at) = (world.kept.clone(), world.now);
    world.restore(&backup, at);
    assert_eq!(told(&mut world, 1), Some(MessageType::Nak));
    assert_eq!(world.lease(1), Some(address), "the same, after a probe");
    assert_eq!(told(&mut world, 1), Some(MessageType::Ack));
}

#[test]
fn what_may_have_been_renewed_is_nobody_elses_until_the_doubt_is_over() {
    let mut world = World::new(None, true, false);
    world.network.pools = vec!["10.0.0.10-10.0.0.10".parse().unwrap()];
    world.engine.configure(settings(&world.network));
    let address = world.lease(1).unwrap();
    world.take(Step::Wait(HOUR / 2));
    let (backup, at) = (world.kept.clone(), world.now);
    world.take(Step::Off(1));
    world.restore(&backup, at);
    // By the backup it has ended by then.
    world.take(Step::Wait(HOUR / 2 + 1));
    assert_eq!(world.lease(2), None);
    world.take(Step::Wait(HOUR / 2));
    assert_eq!((world.lease(2), world.engine.doubt(world.now)), (Some(address), None));
}

#[test]
fn bootp_waits_for_a_word_of_the_operator() {
    let mut world = World::new(None, true, false);
    let at = world.now;
    world.restore(&[], at);
    let bare = Message::request([2, 0, 0, 0, 0, 7], 1);
    let told = world.decide(&bare, Ipv4Addr::UNSPECIFIED);
    assert!(matches!(told.answer, Answer::Silence(Why::RestoredNotProbed(_))), "{:?}", told.answer);
}
