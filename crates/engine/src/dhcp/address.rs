//! We give addresses: RFC 2131, section 4.3, one function per message.

use super::reply::{self, BOOT_SERVER_PORT};
use super::{Check, Decided, Exchange, Outgoing, Said};
use crate::Engine;
use crate::lease::{Choice, REST_MIN};
use model::client::Stage;
use model::lease::LeaseState;
use model::network::PROBE;
use model::plan::{BootPlan, Reason, Why};
use model::{Change, Client, Happening, Lease, Network, Now};
use std::net::Ipv4Addr;
use std::time::Duration;
use wire::dhcp4::pxe::BootItem;
use wire::dhcp4::{Message, MessageType, code};

/// An address given by BOOTP stays its client's so long without another word.
const BOOTP_HELD: Duration = Duration::from_secs(7 * 86_400);

/// What a NAK says that only sends a client back to its DISCOVER.
const AFTER_A_RESTORE: &str = "the server was restored from a backup: ask anew";

/// What the client means by a REQUEST (RFC 2131, 4.3.2).
enum Meaning {
    /// It takes our offer.
    Selecting(Ipv4Addr),
    /// It takes another server's.
    SelectingOther(Ipv4Addr),
    /// It was off and wants its old address.
    InitReboot(Ipv4Addr),
    /// It has an address and wants to keep it.
    Renewing(Ipv4Addr),
    /// It names no address at all.
    Nothing,
}

impl Engine {
    /// Mode `dhcp`.
    pub(crate) fn answer_with_address(&mut self, exchange: &Exchange<'_>) -> Decided {
        let kind = exchange.message.options.message_type();
        if exchange.datagram.port == BOOT_SERVER_PORT {
            return match kind {
                Some(Ok(MessageType::Request | MessageType::Inform)) => self.boot_server(exchange),
                _ => Err(Why::ProxyStaysOut("what came on port 4011".into())),
            };
        }
        match kind {
            Some(Ok(MessageType::Discover)) => self.discover(exchange),
            Some(Ok(MessageType::Request)) => self.request(exchange),
            Some(Ok(MessageType::Inform)) => self.inform(exchange),
            Some(Ok(MessageType::Release)) => self.check_theirs(exchange, "a RELEASE"),
            Some(Ok(MessageType::Decline)) => self.check_theirs(exchange, "a DECLINE"),
            Some(Ok(other)) => Err(Why::MessageType(other.number())),
            Some(Err(number)) => Err(Why::MessageType(number)),
            None => self.bootp(exchange),
        }
    }

    /// DHCPDISCOVER (RFC 2131, 4.3.1): hold an address, choose what to boot, and say all of it in
    /// one offer.
    fn discover(&mut self, exchange: &Exchange<'_>) -> Decided {
        if exchange.datagram.to != Ipv4Addr::BROADCAST && exchange.client.relay.is_none() {
            return Err(Why::Malformed("a DISCOVER that is neither broadcast nor relayed".into()));
        }
        let wish = exchange.message.options.ip(code::REQUESTED_ADDRESS);
        let (now, network) = (exchange.now, exchange.network);
        let held = self.leases.held_by(now, network, &exchange.asking);
        if self.only_renews && held.is_none() {
            // An offer that could not be kept would only keep the client waiting.
            return Err(Why::StoreFailed(super::ONLY_RENEWS.into()));
        }
        let Some(choice) = self.leases.hold(now, network, &exchange.asking, wish) else {
            return Err(self.exhausted(now, network));
        };
        // Where the operator wants no probes there is one while it is doubtful who has what.
        let doubtful = self.leases.is_doubtful(now, choice.address);
        let probe = network.probe.or_else(|| doubtful.then_some(PROBE));
        let check = probe.filter(|_| choice.unproved).map(|wait| Check {
            address: choice.address,
            hardware: exchange.client.hardware,
            wait,
            on_link: exchange.client.relay.is_none(),
        });
        // What is yet to be probed is only offered: an ACK would be kept before anybody looked.
        let rapid = network.rapid_commit && check.is_none();
        if rapid && exchange.message.options.contains(code::RAPID_COMMIT) {
            return self.acknowledge(exchange, choice.address);
        }
        let lease = self.length_for(exchange, choice.address);
        let mut offer = reply::begin(exchange, MessageType::Offer);
        offer.yiaddr = choice.address;
        reply::put_network(&mut offer, exchange, Some(lease));
        let (file, because) = self.put_rest(&mut offer, exchange);
        Ok(Said {
            outgoing: Outgoing { check, ..reply::finish(offer, exchange) },
            changes: Vec::new(),
            happening: Happening::Answered {
                asked: "DISCOVER".into(),
                answer: "OFFER".into(),
                address: Some(choice.address.into()),
                file,
                because,
            },
        })
    }

    /// What a DISCOVER of this client would be offered, with nothing held for it: the network, the
    /// address and why that one.
    pub(crate) fn would_offer<'a>(
        &self,
        now: Now,
        client: &Client,
        group: &[&'a Network],
    ) -> Result<(&'a Network, Choice), Why> {
        let circuit = client
            .relay
            .as_ref()
            .and_then(|relay| relay.circuit_id.as_deref().map(|id| (relay.address, id)));
        let asking = self.asking(client, circuit);
        let mac = client.hardware.as_mac().unwrap_or_default();
        let mut discover = Message::request(mac, 0);
        discover.options.push(code::MESSAGE_TYPE, [MessageType::Discover.number()]);
        let Some(network) = self.network_in(now, group, &discover, &asking) else {
            return Err(Why::NotServed(client.link.clone()));
        };
        if self.only_renews && self.leases.held_by(now, network, &asking).is_none() {
            return Err(Why::StoreFailed(super::ONLY_RENEWS.into()));
        }
        let choice = self.leases.weigh(now, network, &asking, None);
        choice.map(|choice| (network, choice)).ok_or_else(|| self.exhausted(now, network))
    }

    fn exhausted(&self, now: Now, network: &Network) -> Why {
        let quarantined = self.leases.quarantined(now, network) as u64;
        Why::PoolExhausted { size: network.pool_size(), quarantined }
    }

    /// How long an address would be this client's from now on.
    fn length_for(&self, exchange: &Exchange<'_>, address: Ipv4Addr) -> Option<Duration> {
        let until = self.lease_for(exchange, address).until;
        until.map(|until| until.since(exchange.now))
    }

    /// The lease that an ACK would promise.
    fn lease_for(&self, exchange: &Exchange<'_>, address: Ipv4Addr) -> Lease {
        let (now, network) = (exchange.now, exchange.network);
        let boots = exchange.client.stage != Stage::System;
        let asked_s = exchange.message.options.u32(code::LEASE_TIME);
        let length = crate::lease::length(network, boots, asked_s);
        self.leases.bound(now, network, &exchange.asking, address, length)
    }

    /// DHCPREQUEST (RFC 2131, 4.3.2) in each of its meanings.
    fn request(&mut self, exchange: &Exchange<'_>) -> Decided {
        // A boot server is looked for by broadcast, too.
        let vendor = exchange.message.options.get(code::VENDOR_SPECIFIC);
        if vendor.as_deref().and_then(BootItem::requested).is_some() {
            return self.boot_server(exchange);
        }
        let asking = exchange.asking;
        let (now, network) = (exchange.now, exchange.network);
        match meaning(exchange) {
            Meaning::SelectingOther(server) => {
                self.leases.withdraw(&asking);
                Err(Why::OtherServer(server))
            }
            Meaning::Nothing => {
                Err(Why::BadOption("a REQUEST without an address (option 50 or ciaddr)".into()))
            }
            Meaning::Selecting(address) if self.is_of_before(exchange, address) => {
                self.refuse(exchange, AFTER_A_RESTORE)
            }
            Meaning::Selecting(address) => {
                if self.leases.may_bind(now, network, &asking, address) {
                    return self.acknowledge(exchange, address);
                }
                self.refuse(exchange, &format!("{address} is not free for you"))
            }
            Meaning::InitReboot(address) if !network.subnet.contains(address) => {
                if !network.authoritative {
                    return Err(Why::NoRecord(address.into()));
                }
                self.refuse(exchange, &format!("{address} is not of this network"))
            }
            // It came in where its subnet is not: whoever serves that answers.
            Meaning::Renewing(address) if !network.subnet.contains(address) => {
                Err(Why::NoRecord(address.into()))
            }
            Meaning::InitReboot(address)
                if let Some(own) = self.promised_elsewhere(exchange, address) =>
            {
                self.refuse(exchange, &format!("{own} is reserved for you"))
            }
            // Offered anew it is probed first, as an ACK cannot be.
            Meaning::InitReboot(address)
                if self.leases.is_doubtful(now, address) && self.may_refuse(exchange, address) =>
            {
                self.refuse(exchange, AFTER_A_RESTORE)
            }
            Meaning::Renewing(address)
                if *exchange.datagram.from.ip() == address
                    && self.leases.may_keep_using(now, network, &asking, address) =>
            {
                self.acknowledge(exchange, address)
            }
            Meaning::InitReboot(address) | Meaning::Renewing(address) => {
                let own = self.leases.held_by(now, network, &asking).map(|lease| lease.address);
                let former = self.leases.of(address).is_some_and(|lease| {
                    lease.hardware == exchange.client.hardware
                        && lease.state != LeaseState::Declined
                });
                match own {
                    Some(own) if own == address && self.runs_out(exchange, address) => {
                        // A NAK would end it now; so it ends when it was said to end.
                        Err(Why::NotRenewed(address))
                    }
                    Some(own) if own == address => self.acknowledge(exchange, address),
                    // It ended a moment ago and nobody has it: theirs again.
                    None if former && self.leases.may_bind(now, network, &asking, address) => {
                        self.acknowledge(exchange, address)
                    }
                    Some(own) => self.refuse(exchange, &format!("your address is {own}")),
                    None if network.authoritative => {
                        self.refuse(exchange, &format!("{address} is not leased to you"))
                    }
                    None => Err(Why::NoRecord(address.into())),
                }
            }
        }
    }

    /// Whether it takes up what was offered, if at all, before a restore.
    fn is_of_before(&self, exchange: &Exchange<'_>, address: Ipv4Addr) -> bool {
        self.leases.is_doubtful(exchange.now, address)
            && !self.leases.is_offered(&exchange.asking, address)
    }

    /// Whether a NAK is ours to give: we have authority, or know of the client's lease.
    fn may_refuse(&self, exchange: &Exchange<'_>, address: Ipv4Addr) -> bool {
        let network = exchange.network;
        let held = self.leases.held_by(exchange.now, network, &exchange.asking);
        let theirs = |lease: &Lease| lease.hardware == exchange.client.hardware;
        network.authoritative
            || held.is_some_and(|lease| lease.address == address)
            || self.leases.of(address).is_some_and(theirs)
    }

    /// Whether a lease that is not renewed is all but over.
    fn runs_out(&self, exchange: &Exchange<'_>, address: Ipv4Addr) -> bool {
        let renewable = self.leases.renewable(exchange.network, &exchange.asking, address);
        let until = self.leases.of(address).and_then(|lease| lease.until);
        !renewable && until.is_some_and(|until| until.since(exchange.now) < REST_MIN)
    }

    /// The address reserved for this client, if it asks for another and could have its own.
    fn promised_elsewhere(&self, exchange: &Exchange<'_>, address: Ipv4Addr) -> Option<Ipv4Addr> {
        let (now, network) = (exchange.now, exchange.network);
        let own = self.leases.reserved_for(network, &exchange.asking)?.address;
        let free = self.leases.may_bind(now, network, &exchange.asking, own);
        (own != address && free).then_some(own)
    }

    /// DHCPACK: a lease is promised, so it is a change to be kept first.
    fn acknowledge(&mut self, exchange: &Exchange<'_>, address: Ipv4Addr) -> Decided {
        let (now, network, asking) = (exchange.now, exchange.network, &exchange.asking);
        let lease = self.lease_for(exchange, address);
        let mut changes: Vec<Change> = Vec::new();
        changes.extend(self.leases.displaced(now, asking, address).map(Change::LeasePast));
        let ended = self.leases.superseded(now, network, asking, address);
        changes.extend(ended.into_iter().map(Change::Lease));
        self.memory.note_address(&exchange.client.hardware, address);
        let rapid = exchange.message.options.message_type() == Some(Ok(MessageType::Discover));
        let mut ack = reply::begin(exchange, MessageType::Ack);
        ack.ciaddr = if rapid { Ipv4Addr::UNSPECIFIED } else { exchange.message.ciaddr };
        ack.yiaddr = address;
        if rapid {
            ack.options.push(code::RAPID_COMMIT, []);
        }
        reply::put_network(&mut ack, exchange, Some(lease.until.map(|until| until.since(now))));
        let (file, mut because) = self.put_rest(&mut ack, exchange);
        if !self.leases.renewable(network, asking, address) {
            let note = "the address is in no pool any more, or promised to another: the lease ends as it would have";
            because.push(Reason::Note(note.into()));
        }
        changes.push(Change::Lease(lease));
        Ok(Said {
            outgoing: reply::finish(ack, exchange),
            changes,
            happening: Happening::Answered {
                asked: if rapid { "DISCOVER" } else { "REQUEST" }.into(),
                answer: "ACK".into(),
                address: Some(address.into()),
                file,
                because,
            },
        })
    }

    /// DHCPNAK (RFC 2131, table 3): type, server, identifier, relay, and the reason as text.
    fn refuse(&self, exchange: &Exchange<'_>, why: &str) -> Decided {
        let mut nak = reply::begin(exchange, MessageType::Nak);
        nak.options.push(code::MESSAGE, why.as_bytes());
        if exchange.client.relay.is_some() {
            // The relay must broadcast it: the client has no address it could be sent to.
            nak.set_broadcast(true);
        }
        Ok(Said {
            outgoing: reply::finish(nak, exchange),
            changes: Vec::new(),
            happening: Happening::Answered {
                asked: "REQUEST".into(),
                answer: "NAK".into(),
                address: None,
                file: None,
                because: vec![Reason::Note(why.to_owned().into())],
            },
        })
    }

    /// DHCPINFORM (RFC 2131, 4.3.5): options without a lease, no binding looked at.
    fn inform(&self, exchange: &Exchange<'_>) -> Decided {
        let named = Some(exchange.message.ciaddr).filter(|address| !address.is_unspecified());
        reply::check_on_link(exchange, named.unwrap_or(*exchange.datagram.from.ip()))?;
        let mut ack = reply::begin(exchange, MessageType::Ack);
        ack.ciaddr = exchange.message.ciaddr;
        reply::put_network(&mut ack, exchange, None);
        let (file, because) = self.put_rest(&mut ack, exchange);
        Ok(Said {
            outgoing: reply::finish(ack, exchange),
            changes: Vec::new(),
            happening: Happening::Answered {
                asked: "INFORM".into(),
                answer: "ACK".into(),
                address: None,
                file,
                because,
            },
        })
    }

    /// BOOTP (RFC 951, RFC 1534): an address at once. BOOTP knows no leases, so it is theirs for a
    /// week after the last request, and then still theirs until somebody else needs it.
    fn bootp(&mut self, exchange: &Exchange<'_>) -> Decided {
        let (now, network) = (exchange.now, exchange.network);
        let Some(choice) = self.leases.hold(now, network, &exchange.asking, None) else {
            return Err(self.exhausted(now, network));
        };
        let address = choice.address;
        if self.leases.is_doubtful(now, address)
            && self.leases.reserved_for(network, &exchange.asking).is_none()
        {
            self.leases.withdraw(&exchange.asking);
            return Err(Why::RestoredNotProbed(address));
        }
        let mut changes: Vec<Change> = Vec::new();
        let displaced = self.leases.displaced(now, &exchange.asking, address);
        changes.extend(displaced.map(Change::LeasePast));
        let length = Some(BOOTP_HELD);
        let lease = self.leases.bound(now, network, &exchange.asking, address, length);
        changes.push(Change::Lease(lease));
        let mut answer = Message::reply_to(exchange.message);
        answer.yiaddr = address;
        answer.siaddr = exchange.network.server;
        answer.options.push(code::SUBNET_MASK, network.subnet.mask().octets());
        if let Some(router) = network.router {
            answer.options.push(code::ROUTER, router.octets());
        }
        Ok(Said {
            outgoing: reply::finish(answer, exchange),
            changes,
            happening: Happening::Answered {
                asked: "BOOTP request".into(),
                answer: "BOOTP reply".into(),
                address: Some(address.into()),
                file: None,
                because: vec![Reason::Note(
                    "BOOTP knows no leases: the address is theirs for a week".into(),
                )],
            },
        })
    }

    /// RELEASE and DECLINE are never answered; whether they count is decided here.
    fn check_theirs(&self, exchange: &Exchange<'_>, what: &str) -> Decided {
        let address = named(exchange);
        let held = self.leases.held_by(exchange.now, exchange.network, &exchange.asking);
        let wrong_server = exchange
            .message
            .options
            .ip(code::SERVER_ID)
            .is_some_and(|server| server != reply::server_id(exchange));
        match held {
            _ if wrong_server => Err(Why::NotTheirs(address)),
            Some(lease) if lease.address == address && same_client_id(lease, exchange) => {
                Err(Why::NoAnswerExpected(what.into()))
            }
            _ => Err(Why::NotTheirs(address)),
        }
    }

    pub(super) fn released(&self, exchange: &Exchange<'_>) -> Vec<Change> {
        let held = self.leases.held_by(exchange.now, exchange.network, &exchange.asking);
        held.filter(|lease| lease.address == named(exchange))
            .map(|lease| {
                let until = Some(exchange.now);
                vec![Change::Lease(Lease { state: LeaseState::Released, until, ..lease.clone() })]
            })
            .unwrap_or_default()
    }

    pub(super) fn declined(&self, exchange: &Exchange<'_>) -> Vec<Change> {
        let (now, network) = (exchange.now, exchange.network);
        let lease = self.leases.declined(now, network, &exchange.asking, named(exchange));
        lease.map(|lease| vec![Change::Lease(lease)]).unwrap_or_default()
    }

    /// Further options, then boot data, where the client boots and there is something for it.
    fn put_rest(
        &self,
        reply: &mut Message,
        exchange: &Exchange<'_>,
    ) -> (Option<String>, Vec<Reason>) {
        let machine = self.machines.get(&exchange.client.hardware);
        let own = machine.map_or(&[][..], |machine| &machine.options);
        let promised = self.leases.reserved_for(exchange.network, &exchange.asking);
        let name = promised.and_then(|reservation| reservation.host_name.as_deref());
        reply::put_further(reply, exchange, own, name);
        if exchange.client.stage == Stage::System {
            let note = "it did not ask to boot, so it gets an address only";
            return (None, vec![Reason::Note(note.into())]);
        }
        self.put_boot_if_any(reply, exchange)
    }

    /// Boot data, where the client boots and there is something for it.
    fn put_boot_if_any(
        &self,
        reply: &mut Message,
        exchange: &Exchange<'_>,
    ) -> (Option<String>, Vec<Reason>) {
        let (plan, answer) =
            self.boot_answer(exchange.now, exchange.client, exchange.network, false);
        let BootPlan { mut reasons, .. } = plan;
        match answer {
            Ok(answer) => {
                reply::put_boot(reply, exchange, &answer, false);
                (Some(answer.file), answer.because)
            }
            Err(Why::NotBooting) => (
                None,
                vec![Reason::Note("it did not ask to boot, so it gets an address only".into())],
            ),
            Err(why) => {
                reasons.retain(|reason| !matches!(reason, Reason::RuleMissed { .. }));
                reasons.push(Reason::NoFile(why));
                (None, reasons)
            }
        }
    }
}

/// Whether the client calls itself as it did when it got the lease, if it calls itself anything.
fn same_client_id(lease: &Lease, exchange: &Exchange<'_>) -> bool {
    match (&lease.client_id, exchange.asking.client_id) {
        (Some(before), Some(now)) => before == now,
        _ => true,
    }
}

/// The address that a RELEASE (ciaddr) or DECLINE (option 50) is about.
fn named(exchange: &Exchange<'_>) -> Ipv4Addr {
    let asked = exchange.message.options.ip(code::REQUESTED_ADDRESS);
    asked.unwrap_or(exchange.message.ciaddr)
}

fn meaning(exchange: &Exchange<'_>) -> Meaning {
    let message = exchange.message;
    let server = message.options.ip(code::SERVER_ID);
    let wish = message.options.ip(code::REQUESTED_ADDRESS);
    let own = Some(message.ciaddr).filter(|address| !address.is_unspecified());
    match (server, wish, own) {
        (Some(server), _, _) if !exchange.is_us(server) => Meaning::SelectingOther(server),
        // Printers send 54 and ciaddr, or 50 equal to ciaddr (Q63): it is the address that counts.
        (Some(_), Some(address), _) | (Some(_), None, Some(address)) => Meaning::Selecting(address),
        (None, Some(address), _) => Meaning::InitReboot(address),
        (None, None, Some(address)) => Meaning::Renewing(address),
        (_, None, None) => Meaning::Nothing,
    }
}
