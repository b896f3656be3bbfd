//! DHCPv6: one datagram in, one answer out (RFC 8415, 18.3).
//!
//! ```text
//! bytes ─ client ── who is asking, and on which of our networks
//!       ─ dhcp6 ─── whether it may be answered, and by which of the jobs
//!       ─ bind ──── addresses for its associations, from lease6
//!       ─ boot ──── what to boot, in the form its firmware takes
//!       ─ reply ─── the message, in the envelopes it came in
//! ```

mod bind;
mod boot;
mod client;
mod reply;
mod timetable;

use crate::dhcp::event;
use crate::reasons::Reasons;
use crate::{Engine, Told};
use model::address::hex_of;
use model::plan::{Answer, Why};
use model::{Change, Client, Event, Happening, HardwareAddress, Network6, Now, Stage};
use std::net::SocketAddrV6;
use std::sync::Arc;
use wire::dhcp6::{Association, CLIENT_PORT, Heard, Kind, Packet, SERVER_PORT, status};
use wire::ndp::{Prefix, RouterAdvertisement};

pub use timetable::{DNS_S, Timetable};

/// What a client is told of that would need a new lease when there is no room for one.
pub(crate) const ONLY_RENEWS: &str = "the disk is full: leases are only renewed";

/// A UDP payload that reached port 547.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Datagram6 {
    /// The interface it came in on.
    pub link: String,
    /// Source address and port: a client's link-local address, or a relay's.
    pub from: SocketAddrV6,
    /// Destination: ff02::1:2, or an address of ours.
    pub to: std::net::Ipv6Addr,
    /// The message.
    pub bytes: Vec<u8>,
}

/// A reply, ready to be sent from port 547.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Outgoing6 {
    /// The interface to send it out of.
    pub link: String,
    /// Where to: the client, or the nearest relay.
    pub to: SocketAddrV6,
    /// The message.
    pub bytes: Vec<u8>,
}

/// One exchange on its way through the rooms.
#[derive(Clone, Copy)]
pub(crate) struct Exchange<'a> {
    pub(crate) now: Now,
    pub(crate) datagram: &'a Datagram6,
    pub(crate) heard: &'a Heard,
    pub(crate) client: &'a Client,
    pub(crate) network: &'a Network6,
}

/// A reply and everything that goes with it.
pub(crate) struct Said {
    pub(crate) packet: Packet,
    changes: Vec<Change>,
    address: Option<std::net::Ipv6Addr>,
    file: Option<String>,
    reasons: Reasons,
}

impl Engine {
    /// Reads one DHCPv6 message and decides what to answer.
    pub fn dhcp6(&mut self, now: Now, datagram: &Datagram6) -> Told<Outgoing6> {
        let heard = match Heard::parse(&datagram.bytes) {
            Ok(heard) => heard,
            Err(malformed) => {
                let why = Why::Malformed(malformed.to_string());
                return silence(now, None, datagram, "bytes".to_owned(), why);
            }
        };
        let client = self.on_its_firmware(self.client6(datagram, &heard));
        let mut told = self.answer_to6(now, datagram, &heard, &client);
        for event in &mut told.events {
            if matches!(event.what, Happening::Answered { .. } | Happening::Silent { .. }) {
                event.speaker = Some(Box::new(client::speaker(&client, &heard)));
            }
        }
        self.as_filed(told)
    }

    fn answer_to6(
        &mut self,
        now: Now,
        datagram: &Datagram6,
        heard: &Heard,
        client: &Client,
    ) -> Told<Outgoing6> {
        let asked = asked(heard);
        let machine = Some(client.hardware).filter(|hardware| !hardware.bytes().is_empty());
        let networks = Arc::clone(&self.networks6);
        let network = match client::place(&networks, datagram, heard) {
            Ok(network) => network,
            Err(why) => return silence(now, machine, datagram, asked, why),
        };
        if let Some((why, first)) = self.over_pace(now, client, client::circuit(heard)) {
            let mut told = silence(now, machine, datagram, asked, why);
            if !first {
                told.events.clear();
            }
            return told;
        }
        // Where we only listen all of it is for another server.
        let for_us = if network.only_listens() { Ok(()) } else { self.is_for_us(datagram, heard) };
        if let Err(why) = for_us {
            return silence(now, machine, datagram, asked, why);
        }
        let (mut changes, mut events) = self.notice(now, client);
        if !self.may_keep(&changes) {
            changes.clear();
        }
        self.memory.note_over_ipv6(now, &heard.packet, client);
        changes.iter().for_each(|change| self.apply(change));
        if client.stage == Stage::Firmware {
            let ended = self.end_once(now, &client.hardware);
            changes.extend(ended.changes);
            events.extend(ended.events);
        }
        let exchange = Exchange { now, datagram, heard, client, network };
        let decided = match network.only_listens() {
            true => Err(self.rehearse6(&exchange)),
            false => self.decide6(&exchange).and_then(|said| self.sent(&exchange, said)),
        };
        let mut told = match decided {
            Ok((outgoing, said, answer)) => {
                said.changes.iter().for_each(|change| self.apply(change));
                changes.extend(said.changes);
                let what = Happening::Answered {
                    asked: asked.into(),
                    answer: answer.into(),
                    address: said.address.map(Into::into),
                    file: said.file,
                    because: said.reasons.into(),
                };
                let events = vec![event(now, machine, &datagram.link, what)];
                Told { answer: Answer::Reply(outgoing), changes, events }
            }
            Err(why) => {
                let told = silence(now, machine, datagram, asked, why);
                Told { changes, ..told }
            }
        };
        events.append(&mut told.events);
        told.events = events;
        told
    }

    /// Who the message is for, by the server it names and the way it came (RFC 8415, 16 and 18.4).
    fn is_for_us(&self, datagram: &Datagram6, heard: &Heard) -> Result<(), Why> {
        let packet = &heard.packet;
        if let Some(named) = packet.server_id.as_ref().filter(|id| **id != self.server_duid) {
            return Err(Why::OtherServerId(hex_of(named)));
        }
        let alone = heard.relays.is_empty() && !datagram.to.is_multicast();
        match packet.kind {
            Kind::Solicit | Kind::Confirm | Kind::Rebind | Kind::InformationRequest if alone => {
                Err(Why::MustBeMulticast(packet.kind.name().to_owned()))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn decide6(&self, exchange: &Exchange<'_>) -> Result<Said, Why> {
        let packet = &exchange.heard.packet;
        let alone = exchange.heard.relays.is_empty() && !exchange.datagram.to.is_multicast();
        if alone {
            // We never said that a client may (option 12).
            let mut said = self.begin6(exchange, Kind::Reply);
            said.packet.status = Some(reply::status(status::USE_MULTICAST, "ask ff02::1:2"));
            return Ok(said);
        }
        let wants_addresses = !matches!(packet.kind, Kind::InformationRequest | Kind::Confirm);
        if wants_addresses && !exchange.network.gives_addresses() {
            return Err(Why::SettingsOnly(packet.kind.name().to_owned()));
        }
        match packet.kind {
            Kind::Solicit if packet.rapid_commit && exchange.network.rapid_commit => {
                let mut said = self.give_addresses(exchange, Kind::Reply)?;
                said.packet.rapid_commit = true;
                Ok(said)
            }
            Kind::Solicit => self.give_addresses(exchange, Kind::Advertise),
            Kind::Request => self.give_addresses(exchange, Kind::Reply),
            Kind::Renew | Kind::Rebind => self.renew(exchange),
            Kind::Confirm => self.confirm_link(exchange),
            Kind::Release | Kind::Decline => self.take_back(exchange),
            Kind::InformationRequest => {
                let mut said = self.begin6(exchange, Kind::Reply);
                self.put_settings(exchange, &mut said);
                Ok(said)
            }
            Kind::Advertise | Kind::Reply | Kind::Reconfigure => {
                Err(Why::MessageType(packet.kind.number()))
            }
        }
    }

    /// The bytes of a reply, and where they go (RFC 8415, 18.3.10 and 19.3).
    pub(crate) fn sent(
        &self,
        exchange: &Exchange<'_>,
        said: Said,
    ) -> Result<(Outgoing6, Said, &'static str), Why> {
        if !self.may_keep(&said.changes) {
            return Err(Why::StoreFailed(ONLY_RENEWS.into()));
        }
        let message = said.packet.encode();
        let message = message.map_err(|why| Why::TooMany(format!("things to say: {why}")))?;
        let relays = &exchange.heard.relays;
        let port = if relays.is_empty() { CLIENT_PORT } else { SERVER_PORT };
        let mut to = exchange.datagram.from;
        to.set_port(port);
        let bytes = wire::dhcp6::enveloped(relays, message);
        let outgoing = Outgoing6 { link: exchange.datagram.link.clone(), to, bytes };
        let answer = said.packet.kind.name();
        Ok((outgoing, said, answer))
    }
}

/// What hosts of a link are told, where router advertisements come from us (RFC 4861; RFC 8106):
/// that settings come by DHCPv6, addresses too where we have some to give, and which addresses are
/// on the link. Its lifetime as a router is zero, because we forward nothing.
#[must_use]
pub fn advertisement(network: &Network6, mac: Option<[u8; 6]>) -> RouterAdvertisement {
    let managed = network.gives_addresses();
    let length = network.subnet.prefix;
    RouterAdvertisement {
        managed,
        other: true,
        lifetime_s: 0,
        prefixes: vec![Prefix {
            address: network.subnet.address,
            length,
            on_link: true,
            // Hosts make addresses of 64 bits of their own (RFC 4862, 5.5.3).
            autonomous: !managed && length == 64,
            valid_s: ADVERTISED_S,
        }],
        dns: network.dns.clone(),
        mtu: None,
        mac,
    }
}

/// For how long a prefix holds that nobody advertises any more: a day.
const ADVERTISED_S: u32 = 86_400;

fn silence(
    now: Now,
    machine: Option<HardwareAddress>,
    datagram: &Datagram6,
    asked: String,
    why: Why,
) -> Told<Outgoing6> {
    let what = Happening::Silent { asked: asked.into(), why: why.clone() };
    let events: Vec<Event> = vec![event(now, machine, &datagram.link, what)];
    Told { answer: Answer::Silence(why), changes: Vec::new(), events }
}

/// What came, as operators say it.
fn asked(heard: &Heard) -> String {
    let name = heard.packet.kind.name();
    match heard.relays.len() {
        0 => name.to_owned(),
        1 => format!("{name} through a relay"),
        more => format!("{name} through {more} relays"),
    }
}

/// The address that an association wishes for, if it names one.
fn wish(association: &Association) -> Option<std::net::Ipv6Addr> {
    association.addresses.first().map(|given| given.address)
}
