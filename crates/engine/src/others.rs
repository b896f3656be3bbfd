//! Other DHCP and boot servers and routers on our links, as they are heard, and whose offer machines take.
//!
//! ```text
//! reply ─ heard, heard6 ── is it ours again? who sends it, and what does it do?
//!       ─ table ────────── who was heard so far; what was offered to whom a moment ago
//!       ─ judge, judge6 ── does it belong there, and if not: what does it break?
//! ```
//!
//! In: replies and router advertisements that were not sent by us, REQUESTs that name somebody
//! else, the moment. Out: what to tell, once, and again when it is otherwise. Never: an answer; a
//! fact that is kept: all of it is soft, and limited.

mod fit;
mod heard;
mod heard6;
mod judge;
mod judge6;
mod table;

pub use fit::fit;
pub(crate) use heard::{Reply, offer_of};
pub(crate) use table::Others;
pub use table::{LINK_MAX, OFFERS_MAX, SERVERS_MAX};

use crate::dhcp::{Exchange, event};
use crate::listen::{Advertised6, Overheard6};
use crate::{Engine, Noted};
use judge::Verdict;
use judge6::Around6;
use model::network::Mode;
use model::other::{Deeds, Standing};
use model::url::host_of_ipv6;
use model::{Event, Happening, HardwareAddress, Network, Network6, Now, OtherServer};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::sync::Arc;
use table::{Entry, Expected, Sight};
use wire::dhcp4::{MessageType, code};

/// A DHCP reply that was on a link of ours, whoever sent it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Overheard {
    /// The interface.
    pub link: String,
    /// Its source address and port.
    pub from: SocketAddrV4,
    /// Its destination address.
    pub to: Ipv4Addr,
    /// The hardware address that the frame came from.
    pub mac: HardwareAddress,
    /// The hardware address of our own interface.
    pub ours: Option<HardwareAddress>,
    /// The message.
    pub bytes: Vec<u8>,
}

impl Engine {
    /// Takes in what another server says on a link: it is filed, judged and told once. What is not
    /// a reply, or is our own heard again, changes nothing.
    pub fn overhear(&mut self, now: Now, overheard: &Overheard) -> Noted {
        let Some(reply) = Reply::read(overheard) else { return Noted::default() };
        let networks = Arc::clone(&self.networks);
        let served = networks.iter().any(|n| n.interface == overheard.link && n.is_heard());
        if !served || self.is_our_own(overheard, &reply) {
            return Noted::default();
        }
        let sight = Sight {
            server: reply.server.into(),
            from: Some((*overheard.from.ip()).into()),
            mac: Some(overheard.mac),
            does: reply.does,
            client: reply.client.filter(|client| Some(*client) != overheard.ours),
            offer: Some(reply.offer.clone()),
            relayed: reply.relay,
            duid: None,
            announced: None,
        };
        self.others.note_offer(now, &reply, overheard.mac);
        let mut events = self.see_other(now, &overheard.link, sight);
        events.extend(self.compare_heard(now, &reply, overheard.mac));
        Noted { changes: Vec::new(), events }
    }

    /// Files and judges what a DHCPv6 server says on a link of ours, and tells it once. Our own word that a relay brings
    /// back is nobody's.
    pub(crate) fn hear_server6(&mut self, now: Now, overheard: &Overheard6) -> Vec<Event> {
        if !self.is_heard6(&overheard.link) {
            return Vec::new();
        }
        let networks = Arc::clone(&self.networks6);
        let ours = |url: &[u8]| {
            let host = host_of_ipv6(url);
            networks.iter().any(|network| host == Some(network.server))
        };
        let own = |sight: &Sight| sight.duid.as_ref() == Some(&self.server_duid);
        let sight = heard6::server(overheard, ours).filter(|sight| !own(sight));
        sight.map_or_else(Vec::new, |sight| self.see_other(now, &overheard.link, sight))
    }

    /// Takes in what a router says of a link of ours: it is filed, judged and told once.
    pub fn hear_router6(&mut self, now: Now, advertised: &Advertised6) -> Noted {
        let heard = self.is_heard6(&advertised.link);
        let sight = heard.then(|| heard6::router(advertised)).flatten();
        let events =
            sight.map_or_else(Vec::new, |sight| self.see_other(now, &advertised.link, sight));
        Noted { changes: Vec::new(), events }
    }

    /// Whether machines of ours are on this link over IPv6: what others say to those behind a relay is not heard.
    fn is_heard6(&self, link: &str) -> bool {
        self.networks6.iter().any(|network| network.interface == link && network.is_on_link())
    }

    fn see_other(&mut self, now: Now, link: &str, sight: Sight) -> Vec<Event> {
        let server = sight.server;
        self.others.see(now, link, sight);
        self.tell_other(now, link, server)
    }

    /// Every other server that was heard, by link and address.
    pub fn others(&self) -> Vec<OtherServer> {
        let shown = |entry: &Entry| {
            let Verdict { standing, means, .. } = self.judged(entry);
            entry.shown(standing, means)
        };
        // Of a link that we left nobody is judged.
        let heard = |entry: &&Entry| match entry.server {
            IpAddr::V4(_) => {
                self.networks.iter().any(|n| n.interface == entry.link && n.is_heard())
            }
            IpAddr::V6(_) => self.is_heard6(&entry.link),
        };
        self.others.servers().filter(heard).map(shown).collect()
    }

    /// Whether a reply is our own that came back: sent by our card, from our address, or with our
    /// word for who the server is, as a relay hands it on. Where we only listen we say nothing: what
    /// comes from this very host there is another program's.
    fn is_our_own(&self, overheard: &Overheard, reply: &Reply) -> bool {
        let speaks = |network: &&Network| network.mode != Mode::Listen;
        let ours =
            |address: Ipv4Addr| self.networks.iter().filter(speaks).any(|n| n.server == address);
        let speak_here =
            || self.networks.iter().filter(speaks).any(|n| n.interface == overheard.link);
        overheard.ours == Some(overheard.mac) && speak_here()
            || ours(*overheard.from.ip())
            || ours(reply.server)
    }

    /// A REQUEST that takes another server's offer: whose, as far as it was heard. To be asked
    /// before the decision, which takes our own offer back.
    pub(crate) fn offer_taken(&mut self, exchange: &Exchange<'_>) -> Vec<Event> {
        let message = exchange.message;
        let is_request = message.options.message_type() == Some(Ok(MessageType::Request));
        let Some(server) = message.options.ip(code::SERVER_ID).filter(|_| is_request) else {
            return Vec::new();
        };
        let ours = exchange.is_us(server) || self.networks.iter().any(|n| n.server == server);
        if ours || exchange.datagram.port != crate::dhcp::SERVER_PORT {
            return Vec::new();
        }
        let (now, link) = (exchange.now, &exchange.datagram.link);
        let hardware = exchange.client.hardware;
        let offer = self.others.offer_to(now, message.xid, &hardware, server);
        let sight = Sight {
            server: server.into(),
            from: None,
            mac: None,
            does: Deeds { addresses: true, ..Deeds::default() },
            client: Some(hardware),
            offer: None,
            relayed: None,
            duid: None,
            announced: None,
        };
        let mut events = self.see_other(now, link, sight);
        let entry = self.others.entry(link, server.into());
        let own = Some(message.ciaddr).filter(|address| !address.is_unspecified());
        let what = Happening::OfferTaken {
            server,
            mac: offer.as_ref().map(|(_, mac)| *mac).or_else(|| entry.and_then(|e| e.mac)),
            standing: entry.map(|entry| self.standing(entry)),
            address: message.options.ip(code::REQUESTED_ADDRESS).or(own),
            offered: offer.map(|(offer, _)| offer),
            ours: self.leases.offered_to(&exchange.asking),
        };
        events.push(event(now, Some(hardware), link, what));
        events
    }

    /// What is to be told of a server now: nothing, if it was told.
    fn tell_other(&mut self, now: Now, link: &str, server: IpAddr) -> Vec<Event> {
        let Some(entry) = self.others.entry(link, server) else { return Vec::new() };
        let standing = self.standing(entry);
        if !self.others.may_tell(now, link, server, standing) {
            return Vec::new();
        }
        let Some(entry) = self.others.entry(link, server) else { return Vec::new() };
        let Verdict { means, harm, .. } = self.judged(entry);
        let other = Happening::OtherServer {
            server,
            from: entry.from,
            mac: entry.mac,
            does: entry.does,
            standing: Some(standing),
            means,
        };
        let alarm = harm.map(|text| Happening::Alarm { text });
        std::iter::once(other).chain(alarm).map(|what| event(now, None, link, what)).collect()
    }

    /// Whether a server belongs on its link, and what follows, in words.
    fn judged(&self, entry: &Entry) -> Verdict {
        if entry.server.is_ipv6() {
            return judge6::judge(entry, &self.around6(entry));
        }
        let (on_link, expected) = self.around(entry);
        judge::judge(entry, &on_link, expected)
    }

    /// The same without words: every reply of another server comes here.
    fn standing(&self, entry: &Entry) -> Standing {
        if entry.server.is_ipv6() {
            return judge6::standing(entry, &self.around6(entry));
        }
        let (on_link, expected) = self.around(entry);
        judge::standing(entry, &on_link, expected)
    }

    /// The networks of IPv4 of its link, and who is expected there.
    fn around(&self, entry: &Entry) -> (Vec<&Network>, Expected) {
        let on_link: Vec<&Network> =
            self.networks.iter().filter(|n| n.interface == entry.link).collect();
        let undeclared = |other: &Entry| {
            other.server.is_ipv4()
                && !judge::is_declared(other, &on_link)
                && !judge::is_relay(other, &on_link)
        };
        let expected = self.others.expected(&entry.link, undeclared);
        (on_link, expected)
    }

    /// The networks of IPv6 of its link, and who is expected there.
    fn around6(&self, entry: &Entry) -> Around6<'_> {
        let link = &entry.link;
        let here = |network: &&Network6| network.interface == *link && network.is_on_link();
        let on_link: Vec<&Network6> = self.networks6.iter().filter(here).collect();
        let of_family = |other: &Entry| other.server.is_ipv6();
        let is_declared = |other: &Entry| judge6::is_declared(other, &on_link);
        let undeclared = |other: &Entry| of_family(other) && !is_declared(other);
        let first = |does: &dyn Fn(&Entry) -> bool| {
            self.others.first(link, |other| undeclared(other) && does(other))
        };
        let addresses = first(&|other| other.does.addresses);
        let boot = first(&|other| other.does.boot && !other.does.addresses);
        // A router that was replaced is not waited for.
        let announces = |e: &Entry| !e.announced.prefixes.is_empty() && self.others.is_fresh(e);
        let router = first(&announces);
        let here = |other: &&Entry| other.link == *link && of_family(other) && is_declared(other);
        let declared = self.others.servers().filter(here).collect();
        Around6 { on_link, addresses, boot, router, declared }
    }
}

/// A rogue is worth an alarm; the others are told in a line.
pub(crate) const fn is_harmful(standing: Standing) -> bool {
    matches!(standing, Standing::Rogue)
}
