//! DHCP and proxyDHCP: one datagram in, one answer out.
//!
//! ```text
//! bytes ─ client ── who is asking: facts, read once, with its fingerprint
//!       ─ place ─── where it is: which networks
//!       ─ pace ──── whether its source has had its share
//!       ─ dhcp ──── which network, which of the three jobs
//!       ─ address ─ we give addresses          (mode dhcp)
//!       ─ proxy ─── somebody else gives them   (mode proxy and auto)
//!       ─ reply ─── the message, and where it goes
//! ```

mod address;
mod client;
mod fingerprint;
mod memory;
mod pace;
mod place;
mod prints;
mod proxy;
mod reply;

pub use memory::Memory;
pub(crate) use pace::Pace;
pub(crate) use prints::Prints;
pub use prints::Unfiled;
pub(crate) use reply::{Form, SERVER_PORT, server_id};

use crate::lease::Asking;
use crate::quirk::Allow;
use crate::{Engine, Told};
use model::client::{Firmware, Stage};
use model::network::Mode;
use model::plan::{Answer, Why};
use model::{Change, Client, Event, Happening, HardwareAddress, Network, Now};
use model::{Life, Machine};
use pace::{Admitted, Source};
use quirks::Action;
use std::borrow::Cow;
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use std::time::Duration;
use wire::dhcp4::{Message, MessageType, code};

/// Machines that are filed; past that, the one that nobody said a word about and that was silent
/// longest makes room.
pub const MACHINES_MAX: usize = 100_000;

/// What a client is told of that would need a new lease when there is no room for one.
const ONLY_RENEWS: &str = "the disk is full: leases are only renewed";

/// `last_seen` is kept on disk with this grain.
const SEEN_GRAIN: Duration = Duration::from_secs(60);

/// A UDP payload that reached port 67 or 4011.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Datagram {
    /// The interface it came in on.
    pub link: String,
    /// Source address and port.
    pub from: SocketAddrV4,
    /// Destination address: ours, 255.255.255.255, or a directed broadcast.
    pub to: Ipv4Addr,
    /// 67 or 4011.
    pub port: u16,
    /// The message.
    pub bytes: Vec<u8>,
}

/// Where a reply goes (RFC 2131, 4.1; PXE 2.1 for port 4011).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Destination {
    /// 255.255.255.255, out of the interface the request came in on.
    Broadcast {
        /// UDP port, 68 as a rule.
        port: u16,
    },
    /// A client that has no address yet: this link-layer destination, never by ARP.
    Link {
        /// The address it is being given.
        address: Ipv4Addr,
        /// UDP port.
        port: u16,
        /// Its hardware address.
        hardware: HardwareAddress,
    },
    /// A relay, or a client that has its address: by the kernel's routes and ARP.
    Routed(SocketAddrV4),
}

/// A reply, ready to be sent.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outgoing {
    /// The interface to send it out of.
    pub link: String,
    /// Source address and port.
    pub from: SocketAddrV4,
    /// Where to.
    pub to: Destination,
    /// The message.
    pub bytes: Vec<u8>,
    /// What to find out before it leaves.
    pub check: Option<Check>,
    /// How long to wait before it leaves: some clients miss what comes at once.
    pub delay: Option<Duration>,
}

/// The address that a reply offers was never this client's: whoever sends the reply first asks the
/// link whether somebody uses it (RFC 2131, 2.2), for everybody else without delay. If so, the
/// reply is not sent; [`Engine::conflict`] is told, and the message is decided again.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Check {
    /// The offered address.
    pub address: Ipv4Addr,
    /// The client's own hardware address, whose answer is no conflict.
    pub hardware: HardwareAddress,
    /// How long to wait for an answer.
    pub wait: Duration,
    /// Whether the client is on our link (ask by ARP) or behind a relay (by ICMP echo).
    pub on_link: bool,
}

/// One exchange on its way through the rooms: what came, from whom, on which network.
pub(crate) struct Exchange<'a> {
    pub(crate) now: Now,
    pub(crate) datagram: &'a Datagram,
    pub(crate) message: &'a Message,
    pub(crate) client: &'a Client,
    pub(crate) network: &'a Network,
    pub(crate) asking: Asking<'a>,
    /// Of which of its quirks the answer makes allowance.
    pub(crate) allow: &'a Allow,
}

impl Exchange<'_> {
    /// Whether a server identifier (option 54) means us, as this client is told.
    pub(crate) fn is_us(&self, server: Ipv4Addr) -> bool {
        server == reply::server_id(self) || server == self.network.server
    }
}

/// What a room decided: the reply and what it promises, or why there is none.
pub(crate) type Decided = Result<Said, Why>;

/// A reply and everything that goes with it.
pub(crate) struct Said {
    pub(crate) outgoing: Outgoing,
    pub(crate) changes: Vec<Change>,
    pub(crate) happening: Happening,
}

impl Engine {
    /// Reads one message and decides what to answer.
    pub fn dhcp(&mut self, now: Now, datagram: &Datagram) -> Told<Outgoing> {
        let told = self.exchange(now, datagram);
        self.as_filed(told)
    }

    fn exchange(&mut self, now: Now, datagram: &Datagram) -> Told<Outgoing> {
        let message = match Message::parse_request(&datagram.bytes) {
            Ok(message) => message,
            Err(malformed) => {
                let why = Why::Malformed(malformed.to_string());
                return silence(now, None, &datagram.link, "bytes".into(), why, Vec::new());
            }
        };
        let named = HardwareAddress::new(message.htype, message.hardware_address());
        let read = client::read(datagram, &message, self.pins(&named));
        let client = self.on_its_firmware(self.memory.recall(now, &message, read));
        let mut told = self.answer_to(now, datagram, &message, &client);
        client::sign(&mut told.events, &client, &message, datagram.port);
        told
    }

    /// Facts, decision, effect: what this client gets to this message.
    fn answer_to(
        &mut self,
        now: Now,
        datagram: &Datagram,
        message: &Message,
        client: &Client,
    ) -> Told<Outgoing> {
        let asked = asked(message, datagram.port);
        let machine = Some(client.hardware);
        let networks = Arc::clone(&self.networks);
        let group = match place::place(&networks, datagram, message, client) {
            Ok(group) => group,
            Err(why) => {
                return silence(now, machine, &datagram.link, asked, why, Vec::new());
            }
        };
        let circuit = group.first().and_then(|first| place::circuit(first, message, client));
        if let Some(told) = self.too_much(now, datagram, client, circuit.as_ref(), message) {
            return told;
        }
        let asking = self.asking(client, circuit.as_ref().map(|(r, id)| (*r, id.as_slice())));
        let Some(network) = self.network_in(now, &group, message, &asking) else {
            let why = Why::NotServed(datagram.link.clone());
            return silence(now, machine, &datagram.link, asked, why, Vec::new());
        };
        let on_link = || networks.iter().filter(|network| *network.interface == *datagram.link);
        let for_us = datagram.to == Ipv4Addr::BROADCAST
            || network.mode == Mode::Listen
            || on_link().any(|n| [n.server, n.subnet.broadcast()].contains(&datagram.to));
        if !for_us {
            // This host routes, and it is on its way to somebody else.
            let why = Why::OtherServer(datagram.to);
            return silence(now, machine, &datagram.link, asked, why, Vec::new());
        }
        if client.hardware.bytes().is_empty() && client.client_id.is_none() {
            let why = Why::BadOption("neither a hardware address nor a client identifier".into());
            return silence(now, machine, &datagram.link, asked, why, Vec::new());
        }
        let (mut changes, mut events) = self.notice(now, client);
        if !self.may_keep(&changes) {
            changes.clear();
        }
        self.memory.note(now, message, client, datagram.port);
        for change in &changes {
            self.apply(change);
        }
        if client.stage == Stage::Firmware {
            let ended = self.end_once(now, &client.hardware);
            changes.extend(ended.changes);
            events.extend(ended.events);
        }
        if message.options.message_type() == Some(Ok(MessageType::Discover)) {
            self.prints.note(client, self.memory.seen(&client.hardware));
        }
        let allow = self.allowances(client, !network.has_addresses());
        let asking = Asking { never_requests: allow.has(Action::HoldOffer), ..asking };
        let exchange = Exchange { now, datagram, message, client, network, asking, allow: &allow };
        events.extend(self.offer_taken(&exchange));
        let decided = match network.mode {
            Mode::Off => Err(Why::NotServed(datagram.link.clone())),
            Mode::Dhcp => self.answer_with_address(&exchange),
            Mode::Proxy | Mode::Auto => self.answer_beside(&exchange),
            Mode::Listen => Err(self.rehearse(&exchange)),
        };
        let decided = decided.and_then(|said| match self.may_keep(&said.changes) {
            true => Ok(said),
            false => Err(Why::StoreFailed(ONLY_RENEWS.into())),
        });
        match decided {
            Ok(mut said) => {
                reply::tell(&mut said, &exchange);
                for change in &said.changes {
                    self.apply(change);
                }
                changes.extend(said.changes);
                events.push(event(now, machine, &datagram.link, said.happening));
                Told { answer: Answer::Reply(said.outgoing), changes, events }
            }
            Err(why) => {
                // RELEASE and DECLINE change state without an answer.
                let mut quiet = self.without_answer(&exchange, &why);
                if !self.may_keep(&quiet) {
                    quiet.clear();
                }
                for change in &quiet {
                    self.apply(change);
                }
                changes.extend(quiet);
                let mut told = silence(now, machine, &datagram.link, asked, why, changes);
                events.append(&mut told.events);
                told.events = events;
                told
            }
        }
    }

    /// Who asks for an address.
    fn asking<'c>(&self, client: &'c Client, circuit: Option<(Ipv4Addr, &'c [u8])>) -> Asking<'c> {
        Asking {
            hardware: &client.hardware,
            client_id: client.client_id.as_deref(),
            uuid: client.uuid,
            circuit,
            host_name: client.host_name.as_deref(),
            // Whether it does is asked once its network is known.
            never_requests: false,
            known: self.is_known(&client.hardware),
        }
    }

    /// The network of a group that serves this message: the one whose address it names, or where
    /// this client has or had one, or the first with something free.
    fn network_in<'a>(
        &self,
        now: Now,
        group: &[&'a Network],
        message: &Message,
        asking: &Asking<'_>,
    ) -> Option<&'a Network> {
        let [first, others @ ..] = group else { return None };
        if others.is_empty() || first.mode != Mode::Dhcp {
            return Some(first);
        }
        let discover = message.options.message_type() == Some(Ok(MessageType::Discover));
        let own = if discover { Ipv4Addr::UNSPECIFIED } else { message.ciaddr };
        let wish = message.options.ip(code::REQUESTED_ADDRESS).unwrap_or(own);
        let named = || group.iter().find(|network| network.subnet.contains(wish));
        if !matches!(message.options.message_type(), None | Some(Ok(MessageType::Discover))) {
            return Some(named().unwrap_or(first));
        }
        let leased = |n: &&&Network| self.leases.held_by(now, n, asking).is_some();
        let promised = |n: &&&Network| self.leases.reserved_for(n, asking).is_some();
        let theirs = |n: &&&Network| self.leases.belongs(n, asking);
        let free = |n: &&&Network| self.leases.choose(now, n, asking, None).is_some();
        let found = group.iter().find(promised).or_else(|| group.iter().find(leased));
        let found = found.or_else(|| group.iter().find(|n| theirs(n) && free(n)));
        Some(found.or_else(named).or_else(|| group.iter().find(free)).unwrap_or(first))
    }

    /// Whether somebody has said a word about this machine.
    pub(crate) fn is_known(&self, hardware: &HardwareAddress) -> bool {
        self.machines.get(hardware).is_some_and(|machine| !is_stranger(machine))
    }

    /// Stops what floods; tells it once for each source and window.
    fn too_much(
        &mut self,
        now: Now,
        datagram: &Datagram,
        client: &Client,
        circuit: Option<&(Ipv4Addr, Vec<u8>)>,
        message: &Message,
    ) -> Option<Told<Outgoing>> {
        let circuit = circuit.map(|(relay, id)| (IpAddr::V4(*relay), id.clone()));
        let (why, first) = self.over_pace(now, client, circuit)?;
        let asked = asked(message, datagram.port);
        let mut told = silence(now, Some(client.hardware), &datagram.link, asked, why, Vec::new());
        if !first {
            told.events.clear();
        }
        Some(told)
    }

    /// Whether this client, or the port of a switch that it is behind, has had its share of messages: then
    /// why it gets no answer, and whether this is the first that is one too many.
    pub(crate) fn over_pace(
        &mut self,
        now: Now,
        client: &Client,
        circuit: Option<(IpAddr, Vec<u8>)>,
    ) -> Option<(Why, bool)> {
        let by_name = client.client_id.clone().filter(|_| client.hardware.bytes().is_empty());
        let source = by_name.map_or(Source::Hardware(client.hardware), Source::ClientId);
        let by_client = self.pace.admits(now, source);
        let by_circuit = circuit
            .map_or(Admitted::Yes, |(relay, id)| self.pace.admits(now, Source::Circuit(relay, id)));
        let (admitted, whose) = match (by_client, by_circuit) {
            (Admitted::Yes, Admitted::Yes) => return None,
            (Admitted::Yes, circuit) => (circuit, "behind one port of a relay"),
            (client, _) => (client, "of one client"),
        };
        let why = Why::TooMany(format!("messages {whose}: it looks like a loop or a flood"));
        Some((why, admitted == Admitted::NoMore))
    }

    /// iPXE speaks for itself: which firmware runs below it is what that firmware said. Otherwise a
    /// rule on firmware or vendor class would hold at one stage of a boot and not at the next.
    pub(crate) fn on_its_firmware(&self, client: Client) -> Client {
        match self.machines.get(&client.hardware) {
            Some(machine) if matches!(client.stage, Stage::Ipxe(_)) => Client {
                firmware: machine.firmware.unwrap_or(client.firmware),
                vendor_class: machine.vendor_class.clone().or(client.vendor_class),
                ..client
            },
            _ => client,
        }
    }

    /// Files a machine that wants to boot, or what is new about it.
    pub(crate) fn notice(&self, now: Now, client: &Client) -> (Vec<Change>, Vec<Event>) {
        if client.stage == Stage::System || client.hardware.bytes().is_empty() {
            return (Vec::new(), Vec::new());
        }
        let known = self.machines.get(&client.hardware);
        let mut changes = Vec::new();
        if known.is_none() && self.machines.len() >= MACHINES_MAX {
            let Some(oldest) = self.least_known() else { return (Vec::new(), Vec::new()) };
            changes.push(Change::MachineGone(oldest));
        }
        let mut machine = known.cloned().unwrap_or_else(|| Machine::new(client.hardware, now));
        client_facts(&mut machine, client);
        let due = now.since(machine.last_seen) >= SEEN_GRAIN;
        if known.is_some_and(|known| *known == machine) && !due {
            return (Vec::new(), Vec::new());
        }
        machine.last_seen = now;
        let mut events = Vec::new();
        if known.is_none() {
            let says = describe(client);
            let what = Happening::MachineAppeared { says };
            events.push(event(now, Some(client.hardware), &client.link, what));
        }
        changes.push(Change::Machine(machine));
        (changes, events)
    }

    /// The machine that makes room: of those nobody has said a word about, the one longest silent.
    fn least_known(&self) -> Option<HardwareAddress> {
        let unknown = self.machines.values().filter(|machine| is_stranger(machine));
        unknown.min_by_key(|machine| machine.last_seen).map(|machine| machine.hardware)
    }

    /// What a message does to our state although it gets no answer.
    fn without_answer(&self, exchange: &Exchange<'_>, why: &Why) -> Vec<Change> {
        match (exchange.message.options.message_type(), why) {
            (Some(Ok(MessageType::Release)), Why::NoAnswerExpected(_)) => self.released(exchange),
            (Some(Ok(MessageType::Decline)), Why::NoAnswerExpected(_)) => self.declined(exchange),
            _ => Vec::new(),
        }
    }
}

/// Nobody has said a word about it.
fn is_stranger(machine: &Machine) -> bool {
    machine.life() == Life::Pending
        && machine.name.is_none()
        && machine.also.is_empty()
        && machine.profile.is_none()
        && machine.labels.is_empty()
        && machine.options.is_empty()
        && machine.quirks.is_empty()
}

/// Takes over what a client said of itself. What it did not say stays as it was known.
pub(crate) fn client_facts(machine: &mut Machine, client: &Client) {
    let firmware_speaks = client.stage == Stage::Firmware;
    machine.link.clone_from(&client.link);
    machine.uuid = client.uuid.or(machine.uuid);
    if client.serial.is_some() {
        machine.serial.clone_from(&client.serial);
    }
    machine.memory_mib = client.memory_mib.or(machine.memory_mib);
    // iPXE speaks for itself, not for the firmware below it: what firmware said stays.
    if firmware_speaks || machine.arch.is_none() {
        machine.arch = client.arch.or(machine.arch);
    }
    if firmware_speaks || machine.firmware.is_none() {
        machine.firmware =
            Some(client.firmware).filter(|f| *f != Firmware::None).or(machine.firmware);
    }
    if (firmware_speaks || machine.vendor_class.is_none()) && client.vendor_class.is_some() {
        machine.vendor_class.clone_from(&client.vendor_class);
    }
}

/// `x64-uefi, pxe, on lan0, PXEClient:Arch:00007…`: a client in a line.
pub(crate) fn describe(client: &Client) -> String {
    let mut words = Vec::new();
    match (client.arch, client.arch_codes.first()) {
        (Some(arch), _) => words.push(arch.to_string()),
        (None, Some(code)) => {
            words.push(format!("architecture {} ({})", code.0, code.registry_name()));
        }
        (None, None) => words.push("architecture not told".to_owned()),
    }
    words.push(format!("firmware {}", client.firmware));
    if matches!(client.stage, Stage::Ipxe(_)) {
        words.push("now iPXE".to_owned());
    }
    words.push(format!("on {}", client.link));
    if let Some(relay) = &client.relay {
        words.push(format!("behind relay {}", relay.address));
    }
    if let Some(class) = &client.vendor_class {
        words.push(format!("says `{class}`"));
    }
    words.join(", ")
}

pub(crate) fn event(
    at: Now,
    machine: Option<HardwareAddress>,
    link: &str,
    what: Happening,
) -> Event {
    Event::new(at, machine, Some(link.to_owned()), what)
}

fn silence(
    now: Now,
    machine: Option<HardwareAddress>,
    link: &str,
    asked: Cow<'static, str>,
    why: Why,
    changes: Vec<Change>,
) -> Told<Outgoing> {
    let happening = Happening::Silent { asked, why: why.clone() };
    Told {
        answer: Answer::Silence(why),
        changes,
        events: vec![event(now, machine, link, happening)],
    }
}

/// What came, as operators say it: `DISCOVER`, `REQUEST on 4011`, `BOOTP`.
fn asked(message: &Message, port: u16) -> Cow<'static, str> {
    let kind: Cow<'static, str> = match message.options.message_type() {
        None => "BOOTP request".into(),
        Some(Ok(MessageType::Discover)) => "DISCOVER".into(),
        Some(Ok(MessageType::Request)) => "REQUEST".into(),
        Some(Ok(MessageType::Decline)) => "DECLINE".into(),
        Some(Ok(MessageType::Release)) => "RELEASE".into(),
        Some(Ok(MessageType::Inform)) => "INFORM".into(),
        Some(Ok(other)) => format!("message type {}", other.number()).into(),
        Some(Err(number)) => format!("message type {number}").into(),
    };
    if port == 67 { kind } else { format!("{kind} on {port}").into() }
}
