//! Which name answers what, and why.
//!
//! In: what the engine knows of addresses, machines and records ([`Facts`]), what the configuration says
//! ([`Rules`]), and one question. Out: what is said, forwarded or not said, with its reason ([`Said`]).
//! Never: a socket, a cache, or a look at the engine: whoever answers holds [`Names`], made of facts and
//! replaced when they change, so that a question never waits for the owner.
//!
//! ```text
//! leases  reservations  machines  records ─▶ Facts ─ claims: who has which name ─▶ Names
//! question ─ served subnet? ─ a kind we answer? ─ zone ─▶ answer with SOA, AA, reason
//!                                             └─ none ─▶ forward to whom, or refuse
//! ```
//!
//! Who has a name, of those who want it: what the server itself is called and records of operators come
//! first and are never overwritten; then names of reservations, of machines, and what clients call
//! themselves, cleaned ([`clean`]). Of the same rank, who had it first. Who does not get it answers by
//! the name of its hardware address, as everybody does: `52-54-00-77-00-01.lab.example`.

mod because;
mod cache;
mod claims;
mod facts;
mod listing;
mod outside;
mod pace;
pub mod publish;
#[cfg(test)]
mod tests;
mod upstream;
mod zones;

pub use because::{Because, Source};
pub use cache::{Asked, Cache, Dropped};
pub use facts::{Facts, Holding, OwnRecord, Place, Prefix};
pub use listing::{Listed, Lost};
pub use outside::{Accepted, Heard, accept, is_private};
pub use pace::{Admitted, Pace};
pub use upstream::{News, Upstream};
pub use wire::dns::Name;
pub(crate) use zones::host_name;
pub use zones::name_of;

use crate::Now;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use wire::dns::{Code, Data, Query, Record, Reply, class, kind, lower, parent};
use zones::Zone;

/// How long an address of a lease may be remembered. Shorter, and firmware asks again for every file;
/// longer, and a machine that moved is not found.
pub const LEASED_TTL_S: u32 = 60;
/// How long what does not change by itself may be remembered.
pub const STEADY_TTL_S: u32 = 300;
/// How many aliases are followed.
const ALIASES_MAX: usize = 8;

/// What the configuration says of names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Rules {
    /// Interfaces on which names are answered.
    pub interfaces: Vec<String>,
    /// Who is asked for what is not ours; none refuses it.
    pub upstream: Vec<SocketAddr>,
    /// Who is asked for names below a domain instead.
    pub split: Vec<Split>,
    /// Domains that may lead to private addresses, though somebody else says so.
    pub private: Vec<Name>,
}

/// Names below a domain, and who is asked for them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Split {
    /// The domain; its addresses may be private.
    pub domain: Name,
    /// Who knows it.
    pub upstream: Vec<SocketAddr>,
}

/// What is done with a question.
#[derive(Clone, Debug, Eq, PartialEq)]
#[must_use]
pub enum Said<'a> {
    /// This is said.
    Reply(Reply<'a>, Because<'a>),
    /// Somebody else is asked.
    Forward(Inquiry<'a>, Because<'a>),
    /// Nothing is said.
    Silence(Why),
}

/// What somebody else is asked.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Inquiry<'a> {
    /// Who.
    pub to: To,
    /// Aliases of ours that lead there; the target of the last is asked for instead.
    pub aliases: Vec<&'a Record>,
}

/// Who else is asked.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum To {
    /// [`Rules::upstream`].
    Upstream,
    /// One of [`Rules::split`].
    Split(usize),
}

/// Why nothing is said.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Why {
    /// The question comes from no subnet in which names are answered.
    Outside,
    /// No network whose names are answered is known yet.
    NotReady,
}

/// One name, and what it answers.
#[derive(Clone, Debug, Default)]
struct Node {
    /// None where something is below it only.
    source: Option<Source>,
    records: Vec<Held>,
    /// Until when the name exists: by a record of its own, or by something below it (RFC 8020).
    there_until: Now,
}

/// A moment after all others.
const FOR_EVER: Now = Now(u64::MAX);

/// A record, and until when it holds.
#[derive(Clone, Debug)]
struct Held {
    record: Record,
    until: Option<Now>,
}

impl Held {
    fn holds(&self, now: Now) -> bool {
        self.until.is_none_or(|until| until > now)
    }
}

/// All names of our zones.
#[derive(Clone, Debug, Default)]
pub struct Names {
    rules: Rules,
    served: Vec<Prefix>,
    /// By their names on the wire.
    zones: BTreeMap<Box<[u8]>, Zone>,
    nodes: BTreeMap<Box<[u8]>, Node>,
    lost: Vec<Lost>,
    serial: u32,
    hinfo: Option<Record>,
}

impl Names {
    /// Names as these facts have them. `before` are those that they replace: the serial number of zones
    /// only grows.
    pub fn of(facts: &Facts, rules: &Rules, before: Option<&Self>) -> Self {
        let next = before.map_or(0, |before| before.serial.wrapping_add(1));
        // A year has fewer changes than seconds.
        let serial = next.max(u32::try_from(facts.at.seconds()).unwrap_or(u32::MAX));
        let mut names = Self { rules: rules.clone(), serial, ..Self::default() };
        let places = || facts.places.iter().filter(|place| names_on(rules, place));
        names.served = places().map(|place| place.subnet).collect();
        names.zones = zones::of(places(), &facts.server, serial);
        names.fill_own(facts, rules);
        names.fill_records(&facts.records);
        names.fill_claims(facts, rules);
        names.fill_ends();
        names.lost.sort_by(|a, b| (&a.name, a.address).cmp(&(&b.name, b.address)));
        names
    }

    /// Names in all networks, whether or not they are answered there.
    pub fn everywhere(facts: &Facts) -> Self {
        let interfaces = facts.places.iter().map(|place| place.interface.clone()).collect();
        Self::of(facts, &Rules { interfaces, ..Rules::default() }, None)
    }

    /// What is done with a question. `scratch` is used again from one to the next.
    pub fn answer<'a>(
        &'a self,
        now: Now,
        from: IpAddr,
        query: &Query<'_>,
        scratch: &mut Vec<u8>,
    ) -> Said<'a> {
        if !self.serves(from) {
            let why = if self.served.is_empty() { Why::NotReady } else { Why::Outside };
            return Said::Silence(why);
        }
        if let Some((code, because)) = refusal(query) {
            return Said::Reply(Reply::of(code), because);
        }
        lower(query.name, scratch);
        match self.zone_of(scratch) {
            Some(zone) => self.own(now, query, scratch, zone),
            None => self.others(query, scratch),
        }
    }

    /// Whether names are answered to this address.
    pub fn serves(&self, from: IpAddr) -> bool {
        let from = from.to_canonical();
        self.served.iter().any(|subnet| subnet.contains(from))
    }

    /// An address from which names are asked for: of us, in the first network where they are.
    pub fn somebody(&self) -> Option<IpAddr> {
        self.served.first().map(Prefix::first_host)
    }

    /// The zone a name is in, the smallest of them.
    fn zone_of(&self, name: &[u8]) -> Option<&Zone> {
        let mut rest = Some(name);
        while let Some(this) = rest {
            if let Some(zone) = self.zones.get(this) {
                return zone.covers(name).then_some(zone);
            }
            rest = parent(this);
        }
        None
    }

    /// What our zones say.
    fn own<'a>(&'a self, now: Now, query: &Query<'_>, name: &[u8], zone: &'a Zone) -> Said<'a> {
        let mut reply = Reply {
            authoritative: true,
            recursion_available: self.forwards(),
            ..Reply::of(Code::NoError)
        };
        let Some(node) = self.nodes.get(name).filter(|node| node.is_there(now)) else {
            reply.code = Code::NxDomain;
            reply.authority.push(&zone.soa);
            return Said::Reply(reply, Because::NoName(&zone.apex));
        };
        if query.kind == kind::ANY {
            reply.answers.extend(&self.hinfo);
            return Said::Reply(reply, Because::Any);
        }
        let source = node.source.as_ref().filter(|_| node.holds_any(now));
        let because = source.map_or(Because::OnlyBelow, Because::Known);
        let end = self.follow(now, query.kind, node, &mut reply.answers);
        let (code, zone_of_end) = match end {
            End::Found => (Code::NoError, None),
            // Others know the rest, if anybody may be asked; else whoever asked has to.
            End::Elsewhere(target) => match self.others(query, target) {
                Said::Forward(inquiry, _) => {
                    return Said::Forward(Inquiry { aliases: reply.answers, ..inquiry }, because);
                }
                Said::Reply(..) | Said::Silence(_) => (Code::NoError, None),
            },
            End::Nothing(code, None) => (code, Some(zone)),
            End::Nothing(code, Some(name)) => (code, self.zone_of(name)),
        };
        reply.code = code;
        let nothing = reply.answers.last().is_none_or(|last| last.data.kind() != query.kind);
        match zone_of_end {
            Some(zone) if nothing => reply.authority.push(&zone.soa),
            _ => self.help(now, &mut reply),
        }
        let because = match (reply.answers.is_empty(), source) {
            (true, Some(_)) => Because::NoKind(&zone.apex),
            (true, None) | (false, _) => because,
        };
        Said::Reply(reply, because)
    }

    /// Gathers what a node has of a kind, along aliases.
    fn follow<'a>(
        &'a self,
        now: Now,
        kind: u16,
        mut node: &'a Node,
        answers: &mut Vec<&'a Record>,
    ) -> End<'a> {
        let mut at: Option<&[u8]> = None;
        for _ in 0..ALIASES_MAX {
            let alias = node.of_kind(now, kind::CNAME).next().filter(|_| kind != kind::CNAME);
            let Some(alias) = alias else {
                let before = answers.len();
                answers.extend(node.of_kind(now, kind));
                return match answers.len() > before {
                    true => End::Found,
                    false => End::Nothing(Code::NoError, at),
                };
            };
            if answers.contains(&alias) {
                return End::Found;
            }
            answers.push(alias);
            let Data::Cname(target) = &alias.data else { return End::Found };
            at = Some(target.as_wire());
            match self.nodes.get(target.as_wire()).filter(|node| node.is_there(now)) {
                Some(next) => node = next,
                None if self.zone_of(target.as_wire()).is_some() => {
                    return End::Nothing(Code::NxDomain, at);
                }
                None => return End::Elsewhere(target.as_wire()),
            }
        }
        End::Found
    }

    /// Addresses of the names that an answer sends to.
    fn help<'a>(&'a self, now: Now, reply: &mut Reply<'a>) {
        let mut help = Vec::new();
        for record in &reply.answers {
            let (Data::Srv { target, .. } | Data::Ns(target) | Data::Mx(_, target)) = &record.data
            else {
                continue;
            };
            let Some(node) = self.nodes.get(target.as_wire()) else { continue };
            for kind in [kind::A, kind::AAAA] {
                help.extend(
                    node.of_kind(now, kind)
                        .filter(|record| !help.contains(record))
                        .collect::<Vec<_>>(),
                );
            }
        }
        reply.additional = help;
    }

    /// Names of others.
    fn others(&self, query: &Query<'_>, name: &[u8]) -> Said<'_> {
        let split = self.rules.split.iter().enumerate();
        let split = split.filter(|(_, split)| split.domain.covers(name));
        let nearest = split.max_by_key(|(_, split)| split.domain.as_wire().len());
        if let Some((at, split)) = nearest.filter(|_| query.recursion_desired) {
            let inquiry = Inquiry { to: To::Split(at), aliases: Vec::new() };
            return Said::Forward(inquiry, Because::Split(&split.domain));
        }
        if query.kind == kind::ANY {
            return Said::Reply(Reply::of(Code::NotImp), Because::Any);
        }
        if zones::is_nobodys(name) {
            return Said::Reply(Reply::of(Code::NxDomain), Because::Nobodys);
        }
        if self.rules.upstream.is_empty() || !query.recursion_desired {
            let because = match query.recursion_desired {
                true => Because::NoUpstream,
                false => Because::NotOurs,
            };
            return Said::Reply(Reply::of(Code::Refused), because);
        }
        Said::Forward(Inquiry { to: To::Upstream, aliases: Vec::new() }, Because::Upstream)
    }

    /// Whether anybody else is ever asked.
    pub fn forwards(&self) -> bool {
        !self.rules.upstream.is_empty() || !self.rules.split.is_empty()
    }

    /// Whether a name may lead to private addresses when somebody else says so: below a domain of
    /// `split` or `private`.
    pub fn may_be_private(&self, name: &[u8]) -> bool {
        let domains = self.rules.split.iter().map(|split| &split.domain);
        domains.chain(&self.rules.private).any(|domain| domain.covers(name))
    }

    /// The settings in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }
}

/// Where a chain of aliases ends.
enum End<'a> {
    Found,
    /// At this name, which is none of ours.
    Elsewhere(&'a [u8]),
    /// At this name, or the very one that was asked for: it has nothing of the kind, or is not there.
    Nothing(Code, Option<&'a [u8]>),
}

impl Node {
    /// Whether the name exists at this moment. What has only something below it does.
    fn is_there(&self, now: Now) -> bool {
        self.there_until > now
    }

    /// Whether it has a record of its own at this moment.
    fn holds_any(&self, now: Now) -> bool {
        self.records.iter().any(|held| held.holds(now))
    }

    fn of_kind(&self, now: Now, kind: u16) -> impl Iterator<Item = &Record> {
        let held = self.records.iter().filter(move |held| held.record.data.kind() == kind);
        held.filter(move |held| held.holds(now)).map(|held| &held.record)
    }
}

fn names_on(rules: &Rules, place: &Place) -> bool {
    rules.interfaces.contains(&place.interface)
}

/// What no zone has to be asked for.
fn refusal(query: &Query<'_>) -> Option<(Code, Because<'static>)> {
    if query.opcode != 0 {
        return Some((Code::NotImp, Because::Opcode));
    }
    if query.edns.is_some_and(|edns| edns.version > 0) {
        return Some((Code::BadVers, Because::Edns));
    }
    if query.class != class::IN {
        return Some((Code::Refused, Because::Class));
    }
    match query.kind {
        kind::AXFR | kind::IXFR => Some((Code::Refused, Because::Transfer)),
        kind::ANY => None,
        // Meta types (RFC 6895, 3.1) and OPT are no types of records.
        0 | kind::OPT | 128..=254 => Some((Code::NotImp, Because::Meta)),
        _ => None,
    }
}

/// A name that a client gave itself, as a label: letters, digits and hyphens; what else it has becomes a
/// hyphen, and what is behind its first dot is left out. None if nothing is left.
pub fn clean(said: &str) -> Option<String> {
    let first = said.split('.').next().unwrap_or_default();
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let mut label: String = first.chars().take(63).map(letter).collect();
    while label.contains("--") {
        label = label.replace("--", "-");
    }
    let label = label.trim_matches('-');
    (!label.is_empty()).then(|| label.to_owned())
}
