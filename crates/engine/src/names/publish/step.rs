//! One message of RFC 4703, and what its answer means for the name.

use super::Dhcid;
use super::answer::code;
use model::dns::Published;
use std::collections::BTreeSet;
use std::net::IpAddr;
use wire::dns::{Act, Data, Name, Need, Update, kind};

/// Types of records that we put under a name, beside DHCID.
const OURS: [u16; 3] = [kind::A, kind::AAAA, kind::PTR];

/// What is asked of the server for one name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Step {
    /// The name is unused: it becomes ours (RFC 4703, 5.3.1).
    Add,
    /// The name is our machine's: it says what it should (RFC 4703, 5.3.2).
    Replace,
    /// The name is our machine's: what we put there goes (RFC 4703, 5.5).
    Withdraw,
    /// Nothing of ours is left there: the name is nobody's.
    Clear,
}

/// What an answer means for a name.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Meaning {
    /// What was asked is done.
    Done,
    /// What was supposed does not hold.
    Otherwise,
    /// It was refused.
    Refused,
}

impl Step {
    pub(super) fn meaning(self, answer: u16) -> Meaning {
        match (self, answer) {
            (_, code::NO_ERROR) => Meaning::Done,
            (Self::Add, code::YX_DOMAIN) => Meaning::Otherwise,
            (Self::Add, _) => Meaning::Refused,
            (_, code::NX_RRSET | code::NX_DOMAIN | code::YX_RRSET) => Meaning::Otherwise,
            _ => Meaning::Refused,
        }
    }
}

/// A name, what should be there, and what was put there before.
pub(super) struct Task<'a> {
    pub(super) zone: &'a Name,
    pub(super) name: &'a Name,
    pub(super) ttl_s: u32,
    pub(super) node: &'a Published,
    /// To be removed; none where nobody knows what our machine has there.
    pub(super) old: Option<&'a Published>,
}

impl Task<'_> {
    /// The message. None for what was kept and cannot be read, which nothing was sent for.
    pub(super) fn update(&self, step: Step) -> Option<Update> {
        let dhcid = Dhcid::kept(&self.node.dhcid)?.data();
        let name = || self.name.clone();
        let add = |data: Data| Act::Add(name(), self.ttl_s, data);
        let ours = Need::Only(name(), dhcid.clone());
        let (needs, acts) = match step {
            Step::Add => {
                let acts = records(self.node).map(add);
                (vec![Need::Unused(name())], acts.chain([add(dhcid)]).collect())
            }
            Step::Replace => {
                let mut acts = self.removals();
                acts.extend(records(self.node).map(add));
                (vec![ours], acts)
            }
            Step::Withdraw => {
                (vec![ours], records(self.node).map(|data| Act::Remove(name(), data)).collect())
            }
            Step::Clear => {
                let without = OURS.map(|kind| Need::Without(name(), kind));
                let needs = [ours].into_iter().chain(without).collect();
                (needs, vec![Act::Remove(name(), dhcid)])
            }
        };
        Some(Update { zone: self.zone.clone(), needs, acts })
    }

    /// What is there and should not be.
    fn removals(&self) -> Vec<Act> {
        let wanted: Vec<Data> = records(self.node).collect();
        let Some(old) = self.old else {
            let kinds: BTreeSet<u16> = wanted.iter().map(Data::kind).collect();
            return kinds.into_iter().map(|kind| Act::RemoveAll(self.name.clone(), kind)).collect();
        };
        let gone = records(old).filter(|data| !wanted.contains(data));
        gone.map(|data| Act::Remove(self.name.clone(), data)).collect()
    }
}

fn records(node: &Published) -> impl Iterator<Item = Data> {
    let addresses = node.addresses.iter().map(|address| match address {
        IpAddr::V4(address) => Data::A(*address),
        IpAddr::V6(address) => Data::Aaaa(*address),
    });
    let pointers = node.pointers.iter().filter_map(|name| Name::parse(name)).map(Data::Ptr);
    addresses.chain(pointers)
}
