//! Whatever happens, promises hold: random clients, times, crashes, operators and networks against
//! a plain list of what was promised to whom. The list knows nothing of how the engine works.

use engine::{Answer, Command, Datagram, Engine, Outgoing, Settings, Told};
use model::lease::ReservedFor;
use model::network::Mode;
use model::{Change, HardwareAddress, Lease, Network, Now, Reservation};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use wire::dhcp4::{Message, MessageType, Options, code};

const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);
const CLIENTS: u8 = 12;

#[derive(Clone, Debug)]
enum Step {
    /// DISCOVER, perhaps with a wish.
    Discover(u8, Option<u8>),
    /// The whole exchange.
    Lease(u8),
    /// REQUEST for the last offer.
    Select(u8),
    /// INIT-REBOOT with any address.
    Reboot(u8, u8),
    Renew(u8),
    Release(u8),
    Decline(u8),
    Wait(u64),
    /// Power is lost: only what was kept comes back.
    Crash,
    /// The last check found a host.
    Conflict,
    Reserve(u8, u8),
    Unreserve(u8),
    OperatorEnds(u8),
    /// The pool becomes this.
    Pool(u8, u8),
    Tidy,
}

fn step() -> impl Strategy<Value = Step> {
    let client = || 0..CLIENTS;
    let place = || 0_u8..24;
    prop_oneof![
        3 => (client(), prop::option::of(place())).prop_map(|(c, w)| Step::Discover(c, w)),
        6 => client().prop_map(Step::Lease),
        3 => client().prop_map(Step::Select),
        2 => (client(), place()).prop_map(|(c, p)| Step::Reboot(c, p)),
        5 => client().prop_map(Step::Renew),
        1 => client().prop_map(Step::Release),
        1 => client().prop_map(Step::Decline),
        4 => prop_oneof![0_u64..5_000, 0_u64..4_000_000, 0_u64..200_000_000].prop_map(Step::Wait),
        1 => Just(Step::Crash),
        1 => Just(Step::Conflict),
        1 => (client(), place()).prop_map(|(c, p)| Step::Reserve(c, p)),
        1 => place().prop_map(Step::Unreserve),
        1 => place().prop_map(Step::OperatorEnds),
        1 => (0_u8..12, 1_u8..12).prop_map(|(from, size)| Step::Pool(from, size)),
        1 => Just(Step::Tidy),
    ]
}

struct Promise {
    client: u8,
    until: Now,
}

struct World {
    engine: Engine,
    now: Now,
    kept: Vec<Change>,
    /// By address: the last ACK, unless it was given back.
    promised: BTreeMap<Ipv4Addr, Promise>,
    /// In quarantine until.
    barred: BTreeMap<Ipv4Addr, Now>,
    offers: BTreeMap<u8, Outgoing>,
    last_check: Option<engine::Check>,
    network: Network,
}

fn hardware(client: u8) -> HardwareAddress {
    HardwareAddress::mac([2, 0, 0, 0, 0, client])
}

fn place(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, 10 + n)
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
    fn new() -> Self {
        let subnet = "10.0.0.0/24".parse().unwrap();
        let network = Network {
            pools: vec!["10.0.0.10-10.0.0.19".parse().unwrap()],
            lease: Some(Duration::from_secs(3600)),
            authoritative: true,
            ..Network::new("lan", Mode::Dhcp, US, subnet)
        };
        Self {
            engine: Engine::new(settings(&network)),
            now: Now(1_000_000),
            kept: Vec::new(),
            promised: BTreeMap::new(),
            barred: BTreeMap::new(),
            offers: BTreeMap::new(),
            last_check: None,
            network,
        }
    }

    fn say(&mut self, message: &Message, unicast: bool) -> Told<Outgoing> {
        let from = if unicast { message.ciaddr } else { Ipv4Addr::UNSPECIFIED };
        let datagram = Datagram {
            link: "lan".into(),
            from: SocketAddrV4::new(from, 68),
            to: if unicast { US } else { Ipv4Addr::BROADCAST },
            port: 67,
            bytes: message.encode(1472).unwrap(),
        };
        let told = self.engine.dhcp(self.now, &datagram);
        self.kept.extend(told.changes.clone());
        told
    }

    /// The reply, if there is one; every ACK is a promise that contradicts no other.
    fn hear(&mut self, client: u8, told: &Told<Outgoing>) -> Option<(Message, MessageType)> {
        let Answer::Reply(outgoing) = &told.answer else { return None };
        let reply = Message::parse(&outgoing.bytes).expect("we sent nonsense");
        let kind = reply.options.message_type()?.ok()?;
        self.last_check = outgoing.check.or(self.last_check);
        let address = reply.yiaddr;
        if kind == MessageType::Nak {
            return Some((reply, kind));
        }
        assert_ne!(address, US);
        if let Some(until) = self.barred.get(&address) {
            assert!(*until <= self.now, "{address} is in quarantine");
        }
        if let Some(promise) = self.promised.get(&address) {
            let theirs = promise.client == client || promise.until <= self.now;
            assert!(theirs, "{address} is promised to {} and given to {client}", promise.client);
        }
        if kind == MessageType::Ack {
            let seconds = reply.options.u32(code::LEASE_TIME).unwrap();
            let until = self.now + Duration::from_secs(seconds.into());
            self.promised.retain(|_, promise| promise.client != client);
            self.promised.insert(address, Promise { client, until });
        } else {
            self.offers.insert(client, outgoing.clone());
        }
        Some((reply, kind))
    }

    fn held(&self, client: u8) -> Option<Ipv4Addr> {
        let held = self.promised.iter().find(|(_, p)| p.client == client && p.until > self.now);
        held.map(|(address, _)| *address)
    }

    fn select(&mut self, client: u8) {
        let Some(offer) = self.offers.get(&client) else { return };
        let offered = Message::parse(&offer.bytes).unwrap().yiaddr;
        let mut ask = message(client, MessageType::Request);
        ask.options.push(code::SERVER_ID, US.octets());
        ask.options.push(code::REQUESTED_ADDRESS, offered.octets());
        let told = self.say(&ask, false);
        self.hear(client, &told);
    }

    /// A client in the time of its lease is never refused.
    fn renew(&mut self, client: u8) {
        let Some(address) = self.held(client) else { return };
        let mut ask = message(client, MessageType::Request);
        ask.ciaddr = address;
        let told = self.say(&ask, true);
        let heard = self.hear(client, &told).map(|(reply, kind)| (reply.yiaddr, kind));
        let ends = told.answer == Answer::Silence(model::Why::NotRenewed(address));
        assert!(
            heard == Some((address, MessageType::Ack)) || ends,
            "{client} was promised {address} and hears {heard:?}"
        );
    }

    fn gives_back(&mut self, client: u8, kind: MessageType) {
        let Some(address) = self.held(client) else { return };
        let mut says = message(client, kind);
        says.options.push(code::SERVER_ID, US.octets());
        if kind == MessageType::Release {
            says.ciaddr = address;
        } else {
            says.options.push(code::REQUESTED_ADDRESS, address.octets());
        }
        let told = self.say(&says, kind == MessageType::Release);
        assert!(matches!(told.answer, Answer::Silence(_)));
        self.promised.remove(&address);
        if kind == MessageType::Decline && !told.changes.is_empty() {
            self.barred.insert(address, self.now + Duration::from_secs(86_400));
        }
    }

    fn operator(&mut self, command: Command) -> bool {
        let Ok(decided) = self.engine.command(self.now, command) else { return false };
        decided.changes.iter().for_each(|change| self.engine.apply(change));
        self.kept.extend(decided.changes);
        true
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Discover(client, wish) => self.discover(client, wish),
            Step::Lease(client) => {
                self.discover(client, None);
                self.select(client);
            }
            Step::Select(client) => self.select(client),
            Step::Reboot(client, n) => {
                let mut ask = message(client, MessageType::Request);
                ask.options.push(code::REQUESTED_ADDRESS, place(n).octets());
                let told = self.say(&ask, false);
                self.hear(client, &told);
            }
            Step::Renew(client) => self.renew(client),
            Step::Release(client) => self.gives_back(client, MessageType::Release),
            Step::Decline(client) => self.gives_back(client, MessageType::Decline),
            Step::Wait(ms) => self.now = self.now + Duration::from_millis(ms),
            Step::Crash => {
                self.engine = Engine::new(settings(&self.network));
                self.kept.iter().for_each(|change| self.engine.apply(change));
                self.offers.clear();
            }
            Step::Conflict => {
                let Some(check) = self.last_check.take() else { return };
                let noted = self.engine.conflict(self.now, "lan", &check, None);
                let barred = self.barred.values().filter(|until| **until > self.now).count();
                for change in &noted.changes {
                    let Change::Lease(Lease { address, until: Some(until), .. }) = change else {
                        continue;
                    };
                    // Shorter where much is barred already: 4 addresses at least.
                    let short = barred >= 4 && *until == self.now + engine::lease::CONFLICT_SHORT;
                    assert!(short || *until == self.now + engine::lease::CONFLICT_FOR);
                    self.barred.insert(*address, *until);
                }
                self.kept.extend(noted.changes);
            }
            Step::Reserve(client, n) => {
                let holder = ReservedFor::Mac(hardware(client));
                let reservation =
                    Reservation { address: place(n), holder, host_name: None, since: self.now };
                self.operator(Command::AddReservation(reservation));
            }
            Step::Unreserve(n) => {
                self.operator(Command::RemoveReservation(place(n).into()));
            }
            Step::OperatorEnds(n) => {
                if self.operator(Command::ReleaseLease(place(n).into())) {
                    self.promised.remove(&place(n));
                    self.barred.remove(&place(n));
                }
            }
            Step::Pool(from, size) => {
                let text = format!("{}-{}", place(from), place(from + size));
                self.network.pools = vec![text.parse().unwrap()];
                self.engine.configure(settings(&self.network));
            }
            Step::Tidy => {
                let noted = self.engine.tidy(self.now);
                self.kept.extend(noted.changes);
            }
        }
    }

    fn discover(&mut self, client: u8, wish: Option<u8>) {
        let mut ask = message(client, MessageType::Discover);
        if let Some(wish) = wish {
            ask.options.push(code::REQUESTED_ADDRESS, place(wish).octets());
        }
        let told = self.say(&ask, false);
        self.hear(client, &told);
    }
}

proptest! {
    #[test]
    fn no_address_is_given_twice_and_no_lease_is_forgotten(
        steps in prop::collection::vec(step(), 1..250),
    ) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        // What was kept gives the engine as it was.
        let mut again = Engine::new(settings(&world.network));
        world.kept.iter().for_each(|change| again.apply(change));
        prop_assert!(again.leases().eq(world.engine.leases()));
        prop_assert!(again.past_leases().eq(world.engine.past_leases()));
        prop_assert!(again.reservations().eq(world.engine.reservations()));
        for client in 0..CLIENTS {
            world.renew(client);
        }
    }
}
