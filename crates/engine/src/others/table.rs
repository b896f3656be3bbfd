//! Who was heard, what they offered a moment ago, and what was told of them.

use super::heard::Reply;
use super::is_harmful;
use model::network6::Subnet6;
use model::other::{Deeds, Standing};
use model::{HardwareAddress, Now, OtherServer, TheirOffer};
use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use wire::dhcp4::MessageType;

/// Servers that are told apart, on all links together; the one longest silent makes room, those
/// that belong there last.
pub const SERVERS_MAX: usize = 128;
/// Those of them on one link, of one family.
pub const LINK_MAX: usize = 64;
/// Offers that are remembered, until their clients have chosen.
pub const OFFERS_MAX: usize = 2048;
/// Clients that are remembered of each server.
const CLIENTS_MAX: usize = 16;
/// An exchange is over after so long: clients wait for no offer longer.
const EXCHANGE: Duration = Duration::from_secs(64);
/// A server that was silent for so long is told again when it comes back.
const QUIET: Duration = Duration::from_secs(3600);
/// What changes of a server right after it was told is told after this time: the several answers
/// to one question show what it does bit by bit.
const SETTLE: Duration = Duration::from_secs(60);
/// Rogues that are told in an hour. Who makes up servers cannot fill the screen.
const TOLD_MAX: usize = 16;
/// Others that are told in an hour.
const TOLD_OTHERS_MAX: usize = 64;

/// One look at a server.
pub(super) struct Sight {
    pub(super) server: IpAddr,
    /// None where a client only named it.
    pub(super) from: Option<IpAddr>,
    pub(super) mac: Option<HardwareAddress>,
    pub(super) does: Deeds,
    pub(super) client: Option<HardwareAddress>,
    pub(super) offer: Option<TheirOffer>,
    pub(super) relayed: Option<Ipv4Addr>,
    /// The identifier of a DHCPv6 server, the same by whichever relay it speaks.
    pub(super) duid: Option<Vec<u8>>,
    /// What a router says, all of it each time.
    pub(super) announced: Option<Announced>,
}

/// What a router announces.
#[derive(Clone, Debug, Default)]
pub(super) struct Announced {
    /// Machines make themselves addresses of these.
    pub(super) prefixes: Vec<Subnet6>,
    /// It is a way to the world.
    pub(super) default: bool,
}

/// A server on a link.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) link: String,
    pub(super) server: IpAddr,
    pub(super) from: Option<IpAddr>,
    pub(super) mac: Option<HardwareAddress>,
    pub(super) does: Deeds,
    /// The relay that its last reply went through.
    pub(super) relayed: Option<Ipv4Addr>,
    /// See [`Sight::duid`].
    pub(super) duid: Option<Vec<u8>>,
    /// What it last announced.
    pub(super) announced: Announced,
    replies: u64,
    taken: u64,
    clients: VecDeque<HardwareAddress>,
    offered: Option<TheirOffer>,
    first: Now,
    last: Now,
    said: Option<SaidOf>,
}

/// What was told of a server, and when.
#[derive(Clone, Copy, Debug)]
struct SaidOf {
    at: Now,
    does: Deeds,
    standing: Standing,
}

/// An offer that its client may take up.
#[derive(Clone, Debug)]
struct Offered {
    at: Now,
    xid: u32,
    client: HardwareAddress,
    server: Ipv4Addr,
    mac: HardwareAddress,
    offer: TheirOffer,
}

/// All that is known of others.
#[derive(Clone, Debug, Default)]
pub(crate) struct Others {
    servers: BTreeMap<(String, IpAddr), Entry>,
    offers: VecDeque<Offered>,
    /// When rogues were told lately.
    told: VecDeque<Now>,
    /// When others were.
    told_others: VecDeque<Now>,
    /// When somebody was last heard.
    now: Now,
}

impl Others {
    /// Files what was seen. Says nothing of it.
    pub(super) fn see(&mut self, now: Now, link: &str, sight: Sight) {
        let key = (link.to_owned(), sight.server);
        self.now = now;
        if !self.servers.contains_key(&key) {
            self.make_room(link, sight.server.is_ipv4());
        }
        let entry = self.servers.entry(key).or_insert_with(|| Entry::new(now, link, sight.server));
        if now.since(entry.last) >= QUIET {
            entry.said = None;
        }
        entry.last = now;
        entry.does = entry.does.with(sight.does);
        entry.duid = sight.duid.or_else(|| entry.duid.take());
        entry.announced = sight.announced.unwrap_or_else(|| std::mem::take(&mut entry.announced));
        match sight.from {
            Some(_) => {
                (entry.from, entry.mac, entry.relayed) = (sight.from, sight.mac, sight.relayed);
                entry.replies = entry.replies.saturating_add(1);
            }
            None => entry.taken = entry.taken.saturating_add(1),
        }
        entry.offered = sight.offer.or_else(|| entry.offered.take());
        if let Some(client) = sight.client {
            entry.clients.retain(|known| *known != client);
            entry.clients.push_back(client);
            if entry.clients.len() > CLIENTS_MAX {
                entry.clients.pop_front();
            }
        }
    }

    /// Makes room for one more on a link, where there is none. Who makes up servers there takes no room from those of
    /// another link or family. The one that is missed least goes: a rogue before who belongs there, then the longest
    /// silent.
    fn make_room(&mut self, link: &str, ipv4: bool) {
        let here = |entry: &Entry| entry.link == link && entry.server.is_ipv4() == ipv4;
        let full = self.servers.values().filter(|entry| here(entry)).count() >= LINK_MAX;
        if !full && self.servers.len() < SERVERS_MAX {
            return;
        }
        let all = self.servers.iter().filter(|(_, entry)| !full || here(entry));
        let least = all.min_by_key(|(_, entry)| (self.belongs(entry), entry.last));
        if let Some(key) = least.map(|(key, _)| key.clone()) {
            self.servers.remove(&key);
        }
    }

    /// Whether it was declared, or is the one that is expected for something it does: the first of its link that does
    /// it.
    fn belongs(&self, entry: &Entry) -> bool {
        let is_first = |does: &dyn Fn(&Entry) -> bool| {
            let earlier = |other: &Entry| {
                let beside =
                    other.link == entry.link && other.server.is_ipv4() == entry.server.is_ipv4();
                beside && does(other) && (other.first, other.server) < (entry.first, entry.server)
            };
            does(entry) && !self.servers.values().any(earlier)
        };
        match entry.said.map(|said| said.standing) {
            Some(Standing::Declared | Standing::Relay) => true,
            Some(Standing::Expected) => {
                is_first(&|e| e.does.addresses)
                    || is_first(&|e| e.does.boot)
                    || is_first(&|e| !e.announced.prefixes.is_empty())
            }
            _ => false,
        }
    }

    /// Whether it was heard within the last hour. Routers say what they say at least every 30 minutes (RFC 4861, 6.2.1).
    pub(super) fn is_fresh(&self, entry: &Entry) -> bool {
        self.now.since(entry.last) < QUIET
    }

    /// Remembers an offer until its client has chosen.
    pub(super) fn note_offer(&mut self, now: Now, reply: &Reply, mac: HardwareAddress) {
        let offers = matches!(reply.kind, Some(MessageType::Offer));
        let Some(client) = reply.client.filter(|_| offers) else { return };
        while self.offers.front().is_some_and(|offered| now.since(offered.at) >= EXCHANGE)
            || self.offers.len() >= OFFERS_MAX
        {
            self.offers.pop_front();
        }
        let (xid, server, offer) = (reply.xid, reply.server, reply.offer.clone());
        self.offers.push_back(Offered { at: now, xid, client, server, mac, offer });
    }

    /// What a server offered this client in this exchange, and from which hardware address.
    pub(super) fn offer_to(
        &self,
        now: Now,
        xid: u32,
        client: &HardwareAddress,
        server: Ipv4Addr,
    ) -> Option<(TheirOffer, HardwareAddress)> {
        let lives = |offered: &&Offered| now.since(offered.at) < EXCHANGE;
        let fits = |o: &&Offered| (o.xid, &o.client, o.server) == (xid, client, server);
        let found = self.offers.iter().rev().take_while(lives).find(fits)?;
        Some((found.offer.clone(), found.mac))
    }

    pub(super) fn entry(&self, link: &str, server: IpAddr) -> Option<&Entry> {
        self.servers.get(&(link.to_owned(), server))
    }

    pub(super) fn servers(&self) -> impl Iterator<Item = &Entry> {
        self.servers.values()
    }

    /// The server that gives the addresses on a link where we give none: the first that was heard,
    /// among those that nobody has put in.
    pub(super) fn expected(&self, link: &str, undeclared: impl Fn(&Entry) -> bool) -> Expected {
        let first = |does: &dyn Fn(&Entry) -> bool| {
            let found = self.first(link, |entry| undeclared(entry) && does(entry));
            found.map(|entry| entry.server)
        };
        Expected {
            addresses: first(&|entry| entry.does.addresses),
            boot: first(&|entry| entry.does.boot && !entry.does.addresses),
        }
    }

    /// The first of these that was heard on a link.
    pub(super) fn first(&self, link: &str, these: impl Fn(&Entry) -> bool) -> Option<&Entry> {
        let here = self.servers.values().filter(|entry| entry.link == link && these(entry));
        here.min_by_key(|entry| (entry.first, entry.server))
    }

    /// Whether this is to be told now; what is told is noted.
    pub(super) fn may_tell(
        &mut self,
        now: Now,
        link: &str,
        server: IpAddr,
        standing: Standing,
    ) -> bool {
        let (told, most) = match is_harmful(standing) {
            true => (&mut self.told, TOLD_MAX),
            false => (&mut self.told_others, TOLD_OTHERS_MAX),
        };
        while told.front().is_some_and(|at| now.since(*at) >= QUIET) {
            told.pop_front();
        }
        let Some(entry) = self.servers.get_mut(&(link.to_owned(), server)) else { return false };
        let new = match entry.said {
            None => true,
            Some(said) => {
                let same = (said.does, said.standing) == (entry.does, standing);
                // Who turns out to do harm after all is told at once.
                let worse = is_harmful(standing) && !is_harmful(said.standing);
                !same && (worse || now.since(said.at) >= SETTLE)
            }
        };
        if !new || told.len() >= most {
            return false;
        }
        entry.said = Some(SaidOf { at: now, does: entry.does, standing });
        told.push_back(now);
        true
    }
}

/// Who gives what on a link where we only stand beside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Expected {
    pub(super) addresses: Option<IpAddr>,
    pub(super) boot: Option<IpAddr>,
}

impl Entry {
    fn new(now: Now, link: &str, server: IpAddr) -> Self {
        Self {
            link: link.to_owned(),
            server,
            from: None,
            mac: None,
            does: Deeds::default(),
            relayed: None,
            duid: None,
            announced: Announced::default(),
            replies: 0,
            taken: 0,
            clients: VecDeque::new(),
            offered: None,
            first: now,
            last: now,
            said: None,
        }
    }

    /// `10.0.0.66 (52:54:00:00:00:66)`.
    pub(super) fn named(&self) -> String {
        model::other::named(self.server, self.from, self.mac.as_ref())
    }

    pub(super) fn shown(&self, standing: Standing, means: String) -> OtherServer {
        OtherServer {
            link: self.link.clone(),
            server: self.server,
            from: self.from,
            mac: self.mac,
            does: self.does,
            standing,
            means,
            replies: self.replies,
            taken: self.taken,
            clients: self.clients.iter().copied().collect(),
            offered: self.offered.clone(),
            first: self.first,
            last: self.last,
        }
    }
}
