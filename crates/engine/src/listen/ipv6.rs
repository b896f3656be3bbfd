//! Exchanges of DHCPv6: our answer that nobody got, beside the one that the machine got.
//!
//! Who the other servers are, and whether they belong on a link, is judged in [`others`](crate::others), where we
//! answer as well.

use super::Verdict;
use super::book::{Asked, Waiting};
use crate::compare::{self, MESSAGE, said6};
use crate::dhcp6::{Datagram6, Exchange};
use crate::{Engine, Noted};
use model::address::hex_of;
use model::listen::Asker;
use model::network::{Family, ListenAs};
use model::plan::Why;
use model::{HardwareAddress, Network6, Now};
use std::net::{Ipv6Addr, SocketAddrV6};
use wire::dhcp6::{ALL_SERVERS, Association, Kind, Packet, unwrapped};

/// Differences that are told of one exchange.
const TOLD_MAX: usize = 16;

/// A DHCPv6 message of a server, to a client or to a relay of its.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Overheard6 {
    /// The interface.
    pub link: String,
    /// Its source address and port.
    pub from: SocketAddrV6,
    /// Its destination address.
    pub to: Ipv6Addr,
    /// The hardware address that the frame came from.
    pub mac: HardwareAddress,
    /// The message.
    pub bytes: Vec<u8>,
}

/// A router advertisement on a link of ours, whoever sent it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Advertised6 {
    /// The interface.
    pub link: String,
    /// Its source address.
    pub from: Ipv6Addr,
    /// The hardware address that the frame came from.
    pub mac: HardwareAddress,
    /// The message, from the ICMPv6 type on.
    pub bytes: Vec<u8>,
}

/// What is heard on a link of what is not for us, in the order in which it came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Listened6 {
    /// Where we only listen, a client asks, or a relay for it: for [`Engine::dhcp6`], which stays silent.
    Asked(Datagram6),
    /// A server says something: for [`Engine::overhear6`].
    Said(Overheard6),
    /// A router does: for [`Engine::hear_router6`].
    Advertised(Advertised6),
}

/// What a client asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked6 {
    machine: Option<HardwareAddress>,
    duid: Vec<u8>,
    xid: [u8; 3],
    kind: Kind,
    relayed: bool,
    /// The network of which any address is as good for this client as another.
    any_address: Option<Network6>,
}

/// What another server said, read once.
pub(crate) struct Reply {
    relayed: bool,
    packet: Packet,
    /// The message, out of its envelopes.
    bytes: Vec<u8>,
    /// Addresses in it that are promised to somebody here.
    promised: Vec<Ipv6Addr>,
}

impl Engine {
    /// Decides as if it were ours to answer, and waits for what the other server says.
    pub(crate) fn rehearse6(&mut self, exchange: &Exchange<'_>) -> Why {
        let packet = &exchange.heard.packet;
        // We have no binding to end, and what is said to that changes nothing for its client.
        if matches!(packet.kind, Kind::Release | Kind::Decline) {
            return Why::OnlyListening;
        }
        // Who may write to the server itself (RFC 8415, 21.12) writes to theirs; to us it would write as to all.
        let datagram = Datagram6 { to: ALL_SERVERS, ..exchange.datagram.clone() };
        let as_ours = Exchange { datagram: &datagram, ..*exchange };
        let ours = self.decide6(&as_ours).and_then(|said| self.sent(&as_ours, said));
        let machine = exchange.client.hardware;
        let asked = Asked6 {
            machine: Some(machine).filter(|machine| !machine.bytes().is_empty()),
            duid: packet.client_id.clone().unwrap_or_default(),
            xid: packet.xid,
            kind: packet.kind,
            relayed: !exchange.heard.relays.is_empty(),
            any_address: self.any_address6(exchange),
        };
        self.listening6.wait_for(Waiting {
            at: exchange.now,
            link: exchange.datagram.link.clone(),
            listen_as: ListenAs::Dhcp,
            asked,
            ours: ours.map(|(outgoing, ..)| outgoing.bytes),
            address_only: None,
            done: false,
        });
        Why::OnlyListening
    }

    /// Addresses of which one is as good as another for this client: it begins, and nothing is promised to it that
    /// it has or should have. Who takes an address names it, and then it is weighed.
    fn any_address6(&self, exchange: &Exchange<'_>) -> Option<Network6> {
        let (now, network, packet) = (exchange.now, exchange.network, &exchange.heard.packet);
        let bound = packet.associations.iter().any(|association| {
            let asker = self.asker6(exchange, association.iaid);
            self.leases6.reserved_for(network, &asker).is_some()
                || self.leases6.held(now, network, &asker).is_some()
        });
        (packet.kind == Kind::Solicit && !bound).then(|| network.clone())
    }

    /// Whether we only listen on a link for what is asked over IPv6.
    pub fn only_listens6(&self, link: &str) -> bool {
        self.networks6.iter().any(|network| network.interface == link && network.only_listens())
    }

    /// Takes in what another server says on a link: it is filed, judged and told once, and where we only listen laid
    /// beside what we would have said.
    pub fn overhear6(&mut self, now: Now, overheard: &Overheard6) -> Noted {
        let mut events = self.hear_server6(now, overheard);
        let compared = self.only_listens6(&overheard.link).then(|| self.read6(overheard)).flatten();
        if let Some(reply) = compared {
            let server = model::other::named(*overheard.from.ip(), None, Some(&overheard.mac));
            events.extend(self.listening6.give_up(now));
            events.extend(self.listening6.compare(now, &reply, server));
        }
        Noted { changes: Vec::new(), events }
    }

    /// `None` for what cannot be read.
    fn read6(&self, overheard: &Overheard6) -> Option<Reply> {
        let (relays, bytes) = unwrapped(&overheard.bytes).ok()?;
        let packet = Packet::parse(&bytes).ok()?;
        let given = packet.associations.iter().flat_map(|one| &one.addresses);
        let given = given.map(|given| given.address);
        let promised = given.filter(|given| self.leases6.reservation(*given).is_some()).collect();
        Some(Reply { relayed: !relays.is_empty(), packet, bytes, promised })
    }
}

impl Asked for Asked6 {
    type Reply = Reply;
    const FAMILY: Family = Family::Ipv6;

    fn is_again(&self, before: &Self) -> bool {
        (self.xid, &self.duid, self.kind, self.relayed)
            == (before.xid, &before.duid, before.kind, before.relayed)
    }

    fn is_answered_by(&self, reply: &Reply) -> bool {
        let duid = reply.packet.client_id.as_deref().unwrap_or_default();
        (self.xid, self.duid.as_slice(), self.relayed) == (reply.packet.xid, duid, reply.relayed)
            && answers(self.kind, reply.packet.kind)
    }

    fn client(&self) -> Asker {
        let duid = Some(&self.duid).filter(|duid| !duid.is_empty());
        Asker { machine: self.machine, duid: duid.map(|duid| hex_of(duid)) }
    }

    fn in_words(&self) -> String {
        let way = if self.relayed { " through a relay" } else { "" };
        format!("{}{way}", self.kind.name())
    }

    fn reply_in_words(reply: &Reply) -> String {
        said6(&reply.packet)
    }

    fn compare(waiting: &Waiting<Self>, reply: &Reply) -> Option<Verdict> {
        let theirs = said6(&reply.packet);
        let ours = match &waiting.ours {
            Ok(bytes) => our_packet(bytes)?,
            Err(why) => return Some(silent(why, theirs)),
        };
        let ours = with_their_addresses(ours, reply, waiting.asked.any_address.as_ref());
        let mut differences = compare::replies6(&ours.encode().ok()?, &reply.bytes);
        differences.retain(|difference| difference.bearing.matters());
        // What another kind of message says besides is no more than that it is another.
        if let Some(kind) = differences.iter().position(|difference| difference.what == MESSAGE) {
            differences = vec![differences.swap_remove(kind)];
        }
        let told = differences.iter().take(TOLD_MAX).map(|d| (d.what.clone(), d.to_string()));
        Some(Verdict::of(said6(&ours), theirs, told.collect()))
    }

    fn unheard(waiting: &Waiting<Self>) -> Verdict {
        Verdict::unheard(match &waiting.ours {
            Ok(bytes) => our_packet(bytes).map_or_else(String::new, |packet| said6(&packet)),
            Err(why) => format!("silence: {why}"),
        })
    }
}

/// Whether a reply is one to this kind of question (RFC 8415, 18.2.10).
fn answers(asked: Kind, reply: Kind) -> bool {
    match asked {
        Kind::Solicit => matches!(reply, Kind::Advertise | Kind::Reply),
        _ => reply == Kind::Reply,
    }
}

/// Ours again, out of its envelopes.
fn our_packet(bytes: &[u8]) -> Option<Packet> {
    let (_, bytes) = unwrapped(bytes).ok()?;
    Packet::parse(&bytes).ok()
}

/// We would have said nothing, and they did.
fn silent(why: &Why, theirs: String) -> Verdict {
    let what = "answer".to_owned();
    let text = format!("{what}: we say nothing ({why}), they say {theirs}");
    Verdict::of(format!("silence: {why}"), theirs, vec![(what, text)])
}

/// Our reply with the addresses that they gave, if any is as good as another and nobody here was promised it.
fn with_their_addresses(mut ours: Packet, reply: &Reply, any: Option<&Network6>) -> Packet {
    let Some(network) = any else { return ours };
    let theirs = &reply.packet.associations;
    let given = |iaid: u32| {
        let [only] = theirs.iter().find(|theirs| theirs.iaid == iaid)?.addresses.as_slice() else {
            return None;
        };
        let free = network.leasable(only.address) && !reply.promised.contains(&only.address);
        free.then_some(only.address)
    };
    for Association { iaid, addresses, .. } in &mut ours.associations {
        if let ([own], Some(given)) = (addresses.as_mut_slice(), given(*iaid)) {
            own.address = given;
        }
    }
    ours
}
