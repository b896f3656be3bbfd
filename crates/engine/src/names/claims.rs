//! Who has which name, and what the name then answers.
//!
//! In: facts. Out: nodes with records, and who did not get the name that he wants. Never: two holders
//! under one name, but for two addresses of the same machine.

use super::facts::{Facts, Holding, Place};
use super::listing::Lost;
use super::zones::{host_name, name_of};
use super::{
    FOR_EVER, Held, LEASED_TTL_S, Names, Node, Rules, STEADY_TTL_S, Source, clean, names_on,
};
use model::{HardwareAddress, Now};
use std::collections::BTreeMap;
use std::net::IpAddr;
use wire::dns::{Data, Name, Record, parent};

/// Somebody who wants a name.
struct Claim<'a> {
    holding: &'a Holding,
    source: Source,
}

impl Claim<'_> {
    /// Whoever comes first has the name.
    fn order(&self) -> (u8, Now, IpAddr) {
        (self.source.rank(), self.holding.since, self.holding.address)
    }
}

impl Names {
    /// The begins of zones, and the server in each of them.
    pub(super) fn fill_own(&mut self, facts: &Facts, rules: &Rules) {
        let zones: Vec<Record> = self.zones.values().map(|zone| zone.soa.clone()).collect();
        for soa in zones {
            if let Data::Soa(data) = &soa.data {
                let ns = steady(&soa.name, Data::Ns(data.server.clone()));
                self.put(ns, Source::Own, None);
            }
            self.put(soa, Source::Own, None);
        }
        for place in facts.places.iter().filter(|place| names_on(rules, place)) {
            let host = domain_of(place).and_then(|domain| host_name(&facts.server, &domain));
            let Some(host) = host else { continue };
            self.put(steady(&host, address_data(place.server)), Source::Own, None);
            if let Some(name) = name_of(place.server) {
                self.put(steady(&name, Data::Ptr(host)), Source::Own, None);
            }
        }
        let root = Name::parse(".");
        let hinfo = root.map(|name| steady(&name, Data::Hinfo("RFC8482", "")));
        self.hinfo = hinfo;
    }

    /// What operators added, wherever it is; a record of the server's own name stays beside it.
    pub(super) fn fill_records(&mut self, records: &[super::OwnRecord]) {
        for record in records {
            // A name in no zone of ours would be answered by nobody: it waits for its network.
            if self.zone_of(record.name.as_wire()).is_none() {
                continue;
            }
            let super::OwnRecord { name, ttl_s, data } = record.clone();
            let address = match data {
                Data::A(address) => Some(IpAddr::V4(address)),
                Data::Aaaa(address) => Some(IpAddr::V6(address)),
                _ => None,
            };
            if let Some(reverse) = address.and_then(name_of)
                && !self.nodes.contains_key(reverse.as_wire())
                && self.zone_of(reverse.as_wire()).is_some()
            {
                let ptr = Record { name: reverse, ttl_s, data: Data::Ptr(name.clone()) };
                self.put(ptr, Source::Record, None);
            }
            self.put(Record { name, ttl_s, data }, Source::Record, None);
        }
    }

    /// Names of whoever has an address.
    pub(super) fn fill_claims(&mut self, facts: &Facts, rules: &Rules) {
        let mut claims: BTreeMap<Name, Vec<Claim<'_>>> = BTreeMap::new();
        let mut hardware = Vec::new();
        for holding in &facts.holdings {
            let Some(domain) = place_of(facts, rules, holding.address).and_then(domain_of) else {
                continue;
            };
            if let Some((label, source)) = wish(holding)
                && let Some(name) = domain.child(&label)
            {
                claims.entry(name).or_default().push(Claim { holding, source });
            }
            if let Some(mac) = holding.hardware
                && let Some(name) = domain.child(&label_of(&mac))
            {
                hardware.push((name, holding, Source::Hardware(mac)));
            }
        }
        for (name, claims) in claims {
            self.settle(&name, claims);
        }
        // Last: nobody is kept from his own name by what another calls himself, and a name by hardware
        // address is worth the least.
        for (name, holding, source) in hardware {
            self.give(&name, holding, &source);
        }
    }

    /// Gives a name to the one who comes first, and to other addresses of the same machine.
    fn settle(&mut self, name: &Name, mut claims: Vec<Claim<'_>>) {
        claims.sort_by_key(Claim::order);
        let taken = self.nodes.get(name.as_wire()).and_then(|node| node.source.clone());
        let Some(first) = claims.first() else { return };
        let (winner, source) = (first.holding, first.source.clone());
        for claim in claims {
            let holding = claim.holding;
            match &taken {
                None if is_same(winner, holding) => self.give(name, holding, &source),
                taken => self.lost.push(Lost {
                    name: name.to_string(),
                    address: holding.address,
                    hardware: holding.hardware,
                    wants: claim.source,
                    to: taken.clone().unwrap_or_else(|| source.clone()),
                }),
            }
        }
    }

    fn give(&mut self, name: &Name, holding: &Holding, source: &Source) {
        let taken = self.nodes.get(name.as_wire()).and_then(|node| node.source.as_ref());
        if taken.is_some_and(|taken| taken != source) {
            return;
        }
        let until = if holding.reserved { None } else { holding.until };
        let data = address_data(holding.address);
        let leased = |name: &Name, data| Record { name: name.clone(), ttl_s: LEASED_TTL_S, data };
        self.put(leased(name, data), source.clone(), until);
        let reverse = name_of(holding.address);
        if let Some(reverse) = reverse.filter(|reverse| !self.nodes.contains_key(reverse.as_wire()))
        {
            self.put(leased(&reverse, Data::Ptr(name.clone())), source.clone(), until);
        }
    }

    fn put(&mut self, record: Record, source: Source, until: Option<Now>) {
        let node = self.nodes.entry(record.name.as_wire().into()).or_default();
        node.source.get_or_insert(source);
        if !node.records.iter().any(|held| held.record == record) {
            node.records.push(Held { record, until });
        }
    }

    /// Finds out until when each name exists. Between a name and its zone there are names, too: they exist
    /// as long as something below them does, and have nothing of their own (RFC 8020).
    pub(super) fn fill_ends(&mut self) {
        let end = |held: &Held| held.until.unwrap_or(FOR_EVER);
        let mut ends = Vec::with_capacity(self.nodes.len());
        for (name, node) in &mut self.nodes {
            node.there_until = node.records.iter().map(end).max().unwrap_or_default();
            ends.push((name.clone(), node.there_until));
        }
        for (name, until) in ends {
            self.lengthen_above(&name, until);
        }
    }

    /// Whatever is above a name exists as long as it does. A name that exists longer has told those above
    /// it already, or will when it is its turn.
    fn lengthen_above(&mut self, name: &[u8], until: Now) {
        let mut rest = parent(name);
        while let Some(this) = rest.filter(|this| !this.is_empty() && self.zone_of(this).is_some())
        {
            match self.nodes.get_mut(this) {
                Some(node) if node.there_until >= until => return,
                Some(node) => node.there_until = until,
                None => {
                    let between = Node { there_until: until, ..Node::default() };
                    self.nodes.insert(this.into(), between);
                }
            }
            rest = parent(this);
        }
    }
}

fn steady(name: &Name, data: Data) -> Record {
    Record { name: name.clone(), ttl_s: STEADY_TTL_S, data }
}

fn address_data(address: IpAddr) -> Data {
    match address {
        IpAddr::V4(address) => Data::A(address),
        IpAddr::V6(address) => Data::Aaaa(address),
    }
}

/// Whether two addresses are of one machine, of either family.
fn is_same(a: &Holding, b: &Holding) -> bool {
    a.address == b.address
        || (a.hardware.is_some() && a.hardware == b.hardware)
        || (a.duid.is_some() && a.duid == b.duid)
}

fn domain_of(place: &Place) -> Option<Name> {
    place.domain.as_deref().and_then(Name::parse)
}

/// Where an address is. The smallest subnet counts, should one lie in another.
fn place_of<'a>(facts: &'a Facts, rules: &Rules, address: IpAddr) -> Option<&'a Place> {
    let places = facts.places.iter().filter(|place| place.subnet.contains(address));
    places.filter(|place| names_on(rules, place)).max_by_key(|place| place.subnet.length())
}

/// What a holder wants to be called: what an operator says outranks what it says itself.
fn wish(holding: &Holding) -> Option<(String, Source)> {
    let Holding { address, hardware, since, reserved_name, machine_name, said, .. } = holding;
    let of = |name: &Option<String>| name.as_deref().and_then(clean);
    if let Some(label) = of(reserved_name) {
        return Some((label, Source::Reservation(*address)));
    }
    if let (Some(label), Some(hardware)) = (of(machine_name), hardware) {
        return Some((label, Source::Machine(*hardware)));
    }
    let (address, hardware, since) = (*address, *hardware, *since);
    Some((of(said)?, Source::Client { address, hardware, since }))
}

/// `52-54-00-77-00-01`.
fn label_of(hardware: &HardwareAddress) -> String {
    clean(&hardware.to_string().replace(':', "-")).unwrap_or_default()
}
